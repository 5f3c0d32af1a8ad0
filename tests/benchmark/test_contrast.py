"""Two results beside each other: a difference with its interval and verdict, or why there is none."""

import pytest
from seeds import bicubic, method

from gan_bench.benchmark import NotComparableError, contrast, contrasts, rows_of
from gan_bench.benchmark.statistics import difference
from gan_bench.cli import main


def row(results):
    [one] = rows_of(results if isinstance(results, list) else [results])
    return one


def test_a_line_holds_difference_interval_verdict_and_claim():
    one, other = row(method("a", 1.0)), row(bicubic())
    found = difference(one.images("psnr"), other.images("psnr"), b_fixed=True)
    psnr, lpips = contrast(one, other)
    assert psnr.startswith(f"psnr +{found.mean:.2f} dB [+{found.low:.2f}, +{found.high:.2f}], better (p ")
    assert psnr.endswith("of the methods; 20 images: 20 won, 0 tied, 0 lost)")
    assert ", better (p " in lpips and lpips.startswith("lpips −")
    assert contrast(other, one)[0].startswith(f"psnr −{found.mean:.2f} dB")


def test_few_seeds_speak_of_weights_and_few_images_give_no_verdict():
    assert "of these weights" in contrast(row(method("a", 1.0, seeds=1)), row(bicubic()))[0]
    assert "no verdict, 5 images are too few" in contrast(row(method("a", 1.0, images=5)), row(bicubic(5)))[0]
    assert "a single image has no interval" in contrast(row(method("a", 1.0, images=1)), row(bicubic(1)))[0]


def test_what_answers_another_question_is_refused():
    with pytest.raises(NotComparableError, match="not comparable: scale 4 against 2"):
        contrasts([row(method("a", 1.0))], [row(bicubic(scale=2))])


def test_of_several_those_that_compare_are_told():
    rows = [row(method("a", 1.0)), row(method("a", 1.0, scale=2))]
    first, last = [title for title, _ in contrasts(rows, [row(bicubic())])]
    assert first == "a (seeds 0, 1, 2) on photos · bicubic ×4 against bicubic on photos · bicubic ×4"
    assert last == "1 pair left out, the first: not comparable: scale 2 against 4"


def test_the_command_compares_folders(tmp_path, capsys):
    for one in method("a", 1.0):
        one.write(tmp_path / "a")
    bicubic().write(tmp_path / "b")
    bicubic(protocol={"name": "rgb"}).write(tmp_path / "c")
    assert main(["show", str(tmp_path / "a"), "--against", str(tmp_path / "b")]) == 0
    title, psnr, _ = capsys.readouterr().out.splitlines()
    assert title == "a (seeds 0, 1, 2) on photos · bicubic ×4 against bicubic on photos · bicubic ×4"
    assert psnr.startswith("  psnr +")
    assert main(["show", str(tmp_path / "a"), "--against", str(tmp_path / "c")]) == 2
    assert capsys.readouterr().err == "error: not comparable: protocol.name y against rgb\n"
