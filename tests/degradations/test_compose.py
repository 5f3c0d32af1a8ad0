"""Chains, choices and orders: what is drawn and by whom, how often, and that both ways of working follow the draws."""

import json
from collections import Counter
from math import factorial

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from gan_bench.chance import generator
from gan_bench.degradations import Chain, Degradation, Maybe, OneOf, Resize, Shuffle, ToSize
from gan_bench.errors import UsageError


class Add(Degradation):
    """Adds a drawn number; remembers nothing."""

    def __init__(self, low=0.0, high=0.5, scale=1, reach=1, shrinks=None):
        super().__init__(scale)
        self.low, self.high, self.reach, self.shrinks = low, high, reach, shrinks

    def draw(self, rngs, shared=None):
        return [{"plus": float(rng.uniform(self.low, self.high))} for rng in rngs]

    def on_pixels(self, pixels, drawn, lq_size):
        return pixels + np.float32(drawn["plus"])

    def on_batch(self, image, draw, lq_size):
        return image + torch.tensor([one["plus"] for one in draw]).reshape(-1, 1, 1, 1)


class Halve(Add):
    """Multiplies, so that an order shows."""

    def on_pixels(self, pixels, drawn, lq_size):
        return pixels * np.float32(0.5)

    def on_batch(self, image, draw, lq_size):
        return image * 0.5


def rngs(count, seed=0):
    return [generator("test", seed, position) for position in range(count)]


def images(count=5, channels=3, height=24, width=32):
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0)) * 0.3


def chain(**changes):
    steps = {
        "first": Add(),
        "perhaps": Maybe(0.5, Add(0.1, 0.2)),
        "one": OneOf({"add": Add(), "halve": Halve()}, {"add": 0.3, "halve": 0.7}),
        "mixed": Shuffle({"add": Add(0.0, 0.1), "halve": Halve()}),
        "resize": Resize({"up": 0.3, "down": 0.5, "keep": 0.2}, [1.0, 1.5], [0.15, 1.0]),
        "shrink": ToSize(),
    }
    return Chain(**{"steps": steps, "scale": 2, **changes})


def on_batch(degradation, image, draw):
    """What a GPU would do, on this machine's tensors."""
    size = (image.shape[-2] // degradation.scale, image.shape[-1] // degradation.scale)
    if degradation.granularity == "sample":
        done = [degradation.on_batch(image[i : i + 1], draw[i : i + 1], size) for i in range(len(draw))]
        return torch.cat(done).clamp(0, 1)
    return degradation.on_batch(image, draw, size).clamp(0, 1)


@pytest.mark.parametrize("granularity", ["sample", "batch"])
@pytest.mark.parametrize("channels", [1, 3])
def test_batches_and_single_images_follow_the_same_draws(granularity, channels):
    degradation = chain(granularity=granularity)
    image = images(channels=channels)
    draw = degradation.draw(rngs(5), generator("shared") if granularity == "batch" else None)
    lq = degradation.apply(image, draw)
    assert lq.shape == (5, channels, 12, 16)
    np.testing.assert_allclose(lq.numpy(), on_batch(degradation, image, draw).numpy(), atol=3e-5)


def test_draws_are_plain_json_named_after_their_steps_and_replay():
    degradation, image = chain(), images()
    draw = degradation.draw(rngs(5))
    assert list(draw[0]) == ["first", "perhaps", "one", "mixed", "resize", "shrink"]
    again = json.loads(json.dumps(draw, allow_nan=False))
    assert again == draw
    assert torch.equal(degradation.apply(image, again), degradation.apply(image, draw))
    assert degradation.draw(rngs(5)) == draw


def test_a_sample_depends_on_its_own_generator_alone():
    degradation, image = chain(), images()
    together = degradation.apply(image, degradation.draw(rngs(5)))
    for i in (3, 0, 4):
        alone = degradation.apply(image[i : i + 1], degradation.draw([rngs(5)[i]]))
        assert torch.equal(alone[0], together[i])


def test_threads_change_no_bit():
    degradation, image = chain(), images()
    draw = degradation.draw(rngs(5))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = degradation.apply(image, draw)
        torch.set_num_threads(4)
        assert torch.equal(degradation.apply(image, draw), one)
    finally:
        torch.set_num_threads(before)


def test_a_shared_generator_decides_whether_which_and_how_large_for_all_and_nothing_else():
    degradation = chain(granularity="batch")
    draws = degradation.draw(rngs(8), generator("shared"))
    for decision in (
        lambda one: one["perhaps"].get("skipped", False),
        lambda one: one["one"]["is"],
        lambda one: one["mixed"]["order"],
        lambda one: one["resize"],
        lambda one: one["shrink"],
    ):
        assert all(decision(one) == decision(draws[0]) for one in draws)
    assert len({one["first"]["plus"] for one in draws}) == 8
    halves = [degradation.draw(part, generator("shared")) for part in (rngs(8)[:4], rngs(8)[4:])]
    assert halves[0] + halves[1] == draws  # two ranks draw what one would


def test_a_maybe_of_its_own_granularity_decides_per_sample_in_a_shared_batch():
    draws = Maybe(0.5, Add(), granularity="sample").draw(rngs(64), generator("shared"))
    assert 0 < sum("skipped" in one for one in draws) < 64


def test_probabilities_are_kept():
    draws = chain().draw(rngs(3000))
    count = sum("skipped" in one["perhaps"] for one in draws)
    assert chisquare([count, 3000 - count], [1500, 1500]).pvalue > 0.001
    chosen = Counter(one["one"]["is"] for one in draws)
    assert chisquare([chosen["add"], chosen["halve"]], [900, 2100]).pvalue > 0.001
    kept = sum(one["resize"]["factor"] == 1 for one in draws)
    assert chisquare([kept, 3000 - kept], [600, 2400]).pvalue > 0.001


def test_orders_are_uniform_and_keep_what_is_ordered():
    steps = {name: Halve() for name in "abcd"}
    free = Counter(tuple(one["order"]) for one in Shuffle(steps).draw(rngs(4800)))
    assert len(free) == factorial(4) and chisquare(list(free.values())).pvalue > 0.001
    ordered = Counter(tuple(one["order"]) for one in Shuffle(steps, ["b", "c"]).draw(rngs(4800)))
    assert len(ordered) == factorial(4) / 2 and chisquare(list(ordered.values())).pvalue > 0.001
    assert all(order.index("b") < order.index("c") for order in ordered)
    assert {tuple(one["order"]) for one in Shuffle(steps, probability=0).draw(rngs(50))} == {tuple("abcd")}


def test_the_order_is_followed():
    shuffle = Shuffle({"add": Add(0.2, 0.2), "halve": Halve()})
    image = torch.full((1, 1, 2, 2), 0.4)
    draws = {tuple(one["order"]): one for one in shuffle.draw(rngs(20))}
    for order, expected in ((("add", "halve"), 0.3), (("halve", "add"), 0.4)):
        assert shuffle.apply(image, [draws[order]]).flatten().tolist() == pytest.approx([expected] * 4)


def test_steps_are_left_out_by_null_or_by_name():
    assert list(chain(without="one").draw(rngs(1))[0]) == ["first", "perhaps", "mixed", "resize", "shrink"]
    assert list(chain(without=["one", "first"]).steps) == ["perhaps", "mixed", "resize", "shrink"]
    assert list(Chain({"a": None, "b": Add()}).steps) == ["b"]
    full, less = chain().draw(rngs(1))[0], Chain({**chain().steps, "shrink": None}, scale=2).draw(rngs(1))[0]
    assert {name: one for name, one in full.items() if name != "shrink"} == less


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: chain(without="blur"), "without: no step 'blur'"),
        (lambda: chain(granularity="image"), "granularity=image: sample or batch"),
        (lambda: chain(margin=-1), "margin=-1: a whole number"),
        (lambda: Chain(None), "steps=None: degradations by name"),
        (lambda: Chain({"a": 5}), "steps.a=5: a degradation with a _target_"),
        (lambda: Chain({"a": Add()}, without=3), "without=3: a name or a list"),
        (lambda: Chain({"a": Add()}, without=[3]), r"without=\[3\]: names of steps"),
        (lambda: Maybe(0.5, None), "step=None: a degradation with a _target_"),
        (lambda: Maybe(0.5, Resize({"down": 1.0}, down=0.5), "sample"), "granularity=sample: what changes the size"),
        (lambda: OneOf({"a": None}, {"a": 1.0}), "choices.a=None: a degradation"),
        (
            lambda: OneOf({"a": Maybe(0.5, OneOf({"b": Add()}, {"b": 1.0}))}, {"a": 1.0}),
            "choices: one of them is a OneOf",
        ),
        (lambda: Shuffle({"order": Add()}), "steps.order: a step of another name"),
        (lambda: Maybe(1.5, Add()), "probability=1.5: a probability from 0 to 1"),
        (lambda: OneOf({"a": Add()}, {"a": 0.5}), "weights: the probabilities sum to 0.5, not to 1"),
        (lambda: OneOf({"a": Add()}, {"b": 1.0}), "weights: 'a' is among the choices or among the weights only"),
        (lambda: OneOf({"a": OneOf({"b": Add()}, {"b": 1.0})}, {"a": 1.0}), "choices: one of them is a OneOf itself;"),
        (lambda: Shuffle({"a": Add()}, ["b"]), "ordered: no step 'b'"),
        (lambda: Resize({"down": 1}, down=[0.9, 0.2]), r"down=\[0.9, 0.2\]: the range is in the wrong order"),
        (lambda: Resize({"down": 1}, down=[0.0, 0.2]), r"down=\[0.0, 0.2\]: outside of 0.01 to 1"),
        (lambda: Resize({"up": 1}, up=[0.1, 0.2]), r"up=\[0.1, 0.2\]: outside of 1 to 64"),
        (lambda: Resize({"up": 1}), "up=None: a factor or a range"),
        (lambda: Resize(None), "weights=None: probabilities by name"),
        (lambda: Resize({"down": 1}, down=0.5, divide="maybe"), "divide=maybe: true or false"),
        (lambda: Resize({"down": 1}, down="small"), "down=small: one number or a pair"),
        (lambda: Resize({"shrink": 1}), "weights: shrink: only up, down and keep"),
        (lambda: Resize({"down": 1}, down=0.5, modes=["lanczos"]), "modes: no resize 'lanczos'"),
        (lambda: Resize({"down": 1}, down=0.5, of="gt"), "of=gt: image or lq"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=rf"^{message}[^\n]*$"):
        make()


def test_a_chain_that_ends_at_another_size_is_refused():
    with pytest.raises(UsageError, match=r"^degradation: 32x24 became 32x24, not 16x12;[^\n]+$"):
        Chain({"add": Add()}, scale=2).apply(images(1), [{"add": {"plus": 0.0}}])


def test_an_image_smaller_than_the_largest_kernel_is_refused():
    degradation = Chain({"perhaps": Maybe(0.5, Add(reach=25))})
    with pytest.raises(UsageError, match=r"^degradation: Add's kernels of up to 25 pixels are .* an image of 32x24;"):
        degradation.apply(images(1), degradation.draw(rngs(1)))


def test_nan_is_refused_where_files_are_made():
    image = images(1)
    image[0, 0, 3, 3] = torch.nan
    with pytest.raises(UsageError, match="NaN or infinity"):
        Add().apply_8bit(image, [{"plus": 0.0}])


@pytest.mark.parametrize("shrinks", ["before", "after"])
def test_an_operator_alone_is_joined_by_a_bicubic_downscaling(shrinks):
    from gan_bench.resize import downscale

    image = images(2)
    lq = Add(scale=2, shrinks=shrinks).apply(image, [{"plus": 0.1}, {"plus": 0.2}])
    expected = downscale(image, 2) + torch.tensor([0.1, 0.2]).reshape(2, 1, 1, 1)
    torch.testing.assert_close(lq, expected.clamp(0, 1), atol=1e-6, rtol=0)


def test_the_margin_is_rounded_up_to_the_scale():
    assert [chain(scale=scale, margin=10).margin for scale in (1, 2, 3, 4, 8)] == [10, 10, 12, 12, 16]


def test_without_a_step_the_others_draw_what_they_did():
    full = chain().draw(rngs(5))
    for name in chain().steps:
        left = [{other: drawn for other, drawn in one.items() if other != name} for one in full]
        assert chain(without=name).draw(rngs(5)) == left


@pytest.mark.parametrize("count", [1, 4])
def test_one_draw_for_each_image_is_needed(count):
    with pytest.raises(ValueError, match=rf"^5 images and {count} draws: one for each is needed$"):
        Add().apply(images(5), [{"plus": 0.0}] * count)


@pytest.mark.parametrize("scale", [2.0, True, "2", 5])
def test_a_scale_is_one_of_the_whole_numbers(scale):
    with pytest.raises(UsageError, match=r"^degradation\.scale: "):
        Add(scale=scale)


def test_an_image_that_is_no_multiple_of_the_scale_is_refused():
    with pytest.raises(UsageError, match=r"^degradation: an image of 31x24 is no multiple of the scale 2$"):
        chain().apply(images(1, width=31), chain().draw(rngs(1)))
