"""Draws as a file that comes back as it was or is refused in one line, and as words."""

import json

import pytest

from gan_bench.degradations import Bicubic, Chain, Maybe, OneOf, Resize, Shuffle, ToSize
from gan_bench.draws import Draws, Record, misfit, read_draws, to_json, words
from gan_bench.errors import UsageError

SHA = "0" * 64
DRAWN = {
    "sharpen": {},
    "blur1": {"family": "aniso", "size": 13, "sigma": [2.1234, 0.6], "seed": 7},
    "resize1": {"factor": 0.432123, "mode": "area"},
    "noise1": {"is": "gaussian", "sigma": 17.04, "gray": True, "seed": 123456},
    "jpeg1": {"quality": 54},
    "blur2": {"skipped": True},
    "noise2": {"is": "poisson", "strength": 0.0512345, "gray": False, "noise_seed": 2},
    "final": {"order": ["jpeg", "shrink"], "shrink": {"resize": {"mode": "bicubic"}}, "jpeg": {"quality": 77}},
}


def draws(**changed):
    kept = {"degradation": {"_target_": "x", "steps": {"b": 1, "a": 2}}, "scale": 4, "seed": 3}
    return Draws(**{**kept, "images": {"one": Record(SHA, [DRAWN, {}], [SHA, SHA])}, **changed})


def written(tmp_path, content):
    path = tmp_path / "draws.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


# The file


def test_draws_come_back_as_they_were_with_steps_in_their_order(tmp_path):
    path = tmp_path / "draws.json"
    path.write_bytes(to_json(draws()))
    again = read_draws(path)
    assert again == draws()
    assert list(again.degradation["steps"]) == ["b", "a"]
    assert list(again.images["one"].draws[0]) == list(DRAWN)
    assert to_json(again) == path.read_bytes()


def test_images_are_sorted_and_the_schema_is_told():
    record = Record(SHA, [{}], [SHA])
    content = to_json(draws(images={"b": record, "a": record}))
    assert content == to_json(draws(images={"a": record, "b": record}))
    assert json.loads(content)["schema"] == 1
    assert content.endswith(b"}\n")


def test_what_json_has_no_word_for_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        to_json(draws(images={"one": Record(SHA, [{"sigma": float("nan")}], [SHA])}))


GOOD = json.loads(to_json(draws()))
RECORD = GOOD["images"]["one"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "no readable JSON"),
        ('{"schema": 1, ', "no readable JSON"),
        ("[" * 100_000, "no readable JSON"),
        ('{"schema": NaN}', "NaN is no number"),
        ([], "no mapping"),
        ({}, "no schema"),
        ({**GOOD, "schema": 2}, "schema 2, and this gan-bench knows 1"),
        ({**GOOD, "seed": "0"}, "no seed"),
        ({**GOOD, "scale": True}, "no scale"),
        ({**GOOD, "degradation": "realesrgan"}, "no degradation"),
        ({"schema": 1, "scale": 4, "degradation": {}, "images": {"a": {"psnr": 3}}, "seed": 0}, "images.a"),
        ({**GOOD, "images": {"one": {**RECORD, "draws": [1, 2]}}}, "images.one"),
        ({**GOOD, "images": {"one": {**RECORD, "lq_sha256": []}}}, "images.one"),
        ({**GOOD, "images": {"one": {**RECORD, "draws": [], "lq_sha256": []}}}, "images.one"),
        ({**GOOD, "images": {"one": {**RECORD, "more": 1}}}, "images.one"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused_in_one_line(tmp_path, content, cause):
    path = written(tmp_path, content)
    with pytest.raises(UsageError) as error:
        read_draws(path)
    assert str(error.value).startswith(f"{path}: ")
    assert cause in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_binary_one_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.json: cannot be read"):
        read_draws(tmp_path / "none.json")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff\xfe\0")
    with pytest.raises(UsageError, match=r"image\.png: no readable JSON"):
        read_draws(tmp_path / "image.png")


# Whether they fit


def chain():
    resize = Resize({"down": 1.0}, down=[0.15, 1.0])
    return Chain(
        {
            "first": Maybe(0.5, resize),
            "second": OneOf({"a": resize, "b": Chain({"inner": resize})}, {"a": 0.5, "b": 0.5}),
            "final": Shuffle({"x": resize, "y": ToSize()}, ordered=["x", "y"]),
        },
        scale=4,
    )


FITS = {
    "first": {"skipped": True},
    "second": {"is": "b", "inner": {"factor": 0.5, "mode": "area"}},
    "final": {"order": ["y", "x"], "x": {"factor": 0.5, "mode": "area"}, "y": {"mode": "area"}},
}


def test_what_a_degradation_drew_fits_it():
    from gan_bench.chance import generator

    made_by = chain()
    assert misfit(made_by, FITS) is None
    for drawn in made_by.draw([generator("fit", k) for k in range(50)]):
        assert misfit(made_by, drawn) is None
    assert misfit(Bicubic(4), {}) is None


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"third": {}}, "third: no such step"),
        ({"second": {"is": "c"}}, "second.is: 'c' is none of a, b"),
        ({"second": {"inner": {}}}, "second.is: None"),
        ({"second": {"is": ["a"]}}, "second.is"),
        ({"second": {"is": "b"}}, "second.inner: nothing is drawn for it"),
        ({"second": 3}, "second: no mapping"),
        ({"final": {**FITS["final"], "order": ["x"]}}, "final.order"),
        ({"final": {**FITS["final"], "order": ["x", "x"]}}, "final.order"),
        ({"final": {**FITS["final"], "order": [1, "x"]}}, "final.order"),
        ({"final": {"x": {}, "y": {}}}, "final.order"),
    ],
)
def test_draws_that_do_not_fit_are_named_by_their_place(changed, cause):
    assert misfit(chain(), {**FITS, **changed}).startswith(cause)
    missing = {name: drawn for name, drawn in FITS.items() if name != "first"}
    assert misfit(chain(), missing) == "first: nothing is drawn for it"


# Words


def test_draws_are_short_phrases_in_the_order_of_work():
    assert words(DRAWN, "realesrgan") == [
        "blur1 aniso 13 sigma 2.12/0.6",
        "resize1 area x0.432",
        "noise1 gaussian gray sigma 17",
        "jpeg1 54",
        "blur2 skipped",
        "noise2 poisson strength 0.0512",
        "jpeg 77",
        "resize bicubic",
    ]


def test_what_a_single_operator_drew_stands_under_its_name():
    assert words({"sigma": 25.0, "gray": False, "seed": 1}, "gaussian_noise") == ["gaussian_noise sigma 25"]
    assert words({}, "bicubic") == []


def test_the_sigmas_of_two_axes_stand_together():
    blur = {"family": "aniso", "size": 21, "sigma_x": 1.161618, "sigma_y": 1.5, "angle": 2.069727}
    assert words(blur, "blur1") == ["blur1 aniso 21 sigma 1.16/1.5 angle 2.07"]
    assert words({"size": 7, "sigma_x": 0.5, "beta": 2.0}, "blur") == ["blur 7 sigma 0.5 beta 2"]


def test_large_numbers_stay_whole_and_long_lists_are_counted():
    assert words({"length": 1234.56, "points": [[1.0, 2.0]] * 40, "box": []}, "a") == ["a length 1235 points (40)"]
