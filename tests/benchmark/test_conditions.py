"""What was trained or judged on is named in as few words as tell it apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_bench.benchmark.conditions import differing, names_of


def degradation(name, **parameters):
    return {"name": name, "parameters": {"scale": 1, **parameters}}


JPEG, NOISE = degradation("jpeg", quality=20), degradation("noise", sigma=25)


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ([("photos", JPEG)], ["jpeg"]),
        ([("photos", JPEG), ("photos", NOISE)], ["jpeg", "noise"]),
        ([("photos", JPEG), ("facades", JPEG)], ["photos, jpeg", "facades, jpeg"]),
        ([("photos", NOISE), ("photos", degradation("noise", sigma=5)), ("photos", JPEG)],
         ["noise, sigma 25", "noise, sigma 5", "jpeg"]),
        ([("photos", NOISE), ("photos", NOISE), ("photos", JPEG)], ["noise", "noise", "jpeg"]),
        ([("photos", None), ("photos", JPEG)], ["given inputs", "jpeg"]),
    ],
)  # fmt: skip
def test_a_name_says_what_differs_and_no_more(conditions, names):
    assert names_of(conditions) == names


def test_a_short_name_leaves_out_the_degradation_that_all_share():
    full, cut = (degradation("chain", without=word) for word in (None, "blur1"))
    assert names_of([("photos", full), ("photos", cut)], short=True) == ["chain", "without blur1"]
    assert names_of([("photos", full), ("photos", cut), ("photos", JPEG)], short=True)[1] == "chain, without blur1"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"sigma": 5}, {"sigma": 50}, [["sigma 5"], ["sigma 50"]]),
        ({"without": None}, {"without": ["noise1", "noise2"]}, [[], ["without noise1+noise2"]]),
        ({"steps": {"blur": {"sigma": [1, 3]}}}, {"steps": {"blur": {"sigma": 2}}},
         [["blur.sigma [1,3]"], ["blur.sigma 2"]]),
        ({"steps": {"blur": {"sigma": 2}}}, {"steps": {"blur": None}}, [[], ["without blur"]]),
    ],
)  # fmt: skip
def test_nested_values_are_named_by_their_path(one, other, words):
    assert differing([one, other]) == words


def test_a_long_value_is_named_by_its_digest():
    told = differing([{"kernel": [0.1] * 30}, {"kernel": [0.2] * 30}])
    assert all(len(word) < 40 and "#" in word for (word,) in told)
    assert told[0] != told[1]


SIGMAS = st.lists(st.integers(0, 99), unique=True, min_size=1)


@given(SIGMAS, st.sampled_from([["photos"], ["photos", "facades"]]))
def test_different_conditions_have_different_names(sigmas, sets):
    conditions = [(name, degradation("noise", sigma=sigma)) for sigma in sigmas for name in sets]
    assert len(set(names_of(conditions))) == len(conditions)
    assert len(set(names_of(conditions, short=True))) == len(conditions)
