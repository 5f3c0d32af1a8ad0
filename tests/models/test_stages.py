import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_bench.errors import UsageError
from gan_bench.models import plan

TERMS = ("pixel", "adversarial", "perceptual")


def stage(fraction, lr=1e-4, **weights):
    return {"fraction": fraction, "weights": weights, "lr": lr}


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(1, 1000))
def test_stages_share_the_budget_without_gap_or_overlap(parts, steps):
    stages = plan([stage(part / sum(parts), pixel=1) for part in parts], steps, ("pixel",), ())
    assert stages[0].first == 0
    assert sum(one.steps for one in stages) == steps
    assert all(a.first + a.steps == b.first for a, b in zip(stages, stages[1:], strict=False))


def refusal(stages, absent=()):
    with pytest.raises(UsageError) as error:
        plan(stages, 100, TERMS, absent)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_fractions_that_do_not_sum_to_one_are_refused():
    assert "sum to 1" in refusal([stage(0.5, pixel=1)])


def test_a_weight_without_a_term_is_named_with_a_suggestion():
    message = refusal([stage(1, pixle=1, pixel=1)])
    assert "model.stages.0.weights.pixle" in message
    assert "did you mean 'pixel'" in message


def test_a_term_without_a_weight_is_named():
    assert "'adversarial'" in refusal([stage(1, pixel=1)], absent=("perceptual",))


def test_weight_zero_switches_a_term_off():
    assert plan([stage(1, pixel=1, adversarial=0, perceptual=0)], 10, TERMS, ())[0].weights["adversarial"] == 0


def test_a_criterion_that_is_none_takes_its_weight_with_it():
    planned = plan([stage(1, pixel=1, adversarial=0.1, perceptual=1)], 10, TERMS, ("perceptual",))
    assert planned[0].weights == {"pixel": 1.0, "adversarial": 0.1}


def test_a_stage_with_the_adversary_alone_is_refused_by_name():
    alone = stage(0.5, adversarial=1, perceptual=1) | {"name": "gan"}
    message = refusal([stage(0.5, pixel=1), alone], absent=("perceptual",))
    assert "model.stages.1.weights" in message
    assert "stage 'gan' the adversarial term alone" in message


def test_an_adversary_that_sees_lq_may_stand_alone_but_not_be_absent():
    alone, nothing = stage(1, adversarial=1, pixel=1), stage(1, adversarial=0, pixel=1)
    (planned,) = plan([alone], 10, ("pixel", "adversarial"), ("pixel",), conditional=True)
    assert planned.weights == {"adversarial": 1.0}
    with pytest.raises(UsageError, match="the adversarial term alone"):
        plan([alone], 10, ("pixel", "adversarial"), ("pixel",))
    with pytest.raises(UsageError, match="no loss is left"):
        plan([nothing], 10, ("pixel", "adversarial"), ("pixel",), conditional=True)


def test_a_stage_too_short_for_a_step_is_left_out():
    assert [one.name for one in plan([stage(0.9, pixel=1), stage(0.1, pixel=1)], 4, ("pixel",), ())] == ["stage1"]
