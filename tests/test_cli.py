"""How a command ends: one line, and a code."""

import pytest
import torch

from gan_bench import cli
from gan_bench.errors import Stopped, UsageError, WorkError


def ended(error, capsys):
    def work():
        raise error

    code = cli._guarded(work)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UsageError("this: is wrong"), 2, "error: this: is wrong\n"),
        (WorkError("that: failed\nhere"), 1, "error: that: failed here\n"),
        (KeyboardInterrupt(), 130, "error: interrupted; the same command goes on with what was saved\n"),
        (Stopped("stopped by SIGTERM", 143), 143, "stopped by SIGTERM\n"),
        (Stopped("requeued", 0), 0, "requeued\n"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), 1, "error: not enough memory; take smaller images"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"), 1, "error: not enough memory;"),
        (OSError(28, "No space left on device", "file"), 1, "error: file: No space left on device\n"),
    ],
)
def test_what_the_user_can_mend_is_one_line(error, code, told, capsys):
    found, err = ended(error, capsys)
    assert found == code and err.startswith(told) and err.count("\n") == 1


def test_a_process_that_another_started_leaves_its_stop_to_that_one(monkeypatch, capsys):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert ended(Stopped("stopped by SIGTERM", 143), capsys) == (0, "")


def test_an_error_that_a_library_makes_of_ctrl_c_is_an_interruption(capsys):
    def work():
        try:
            try:
                raise KeyboardInterrupt
            finally:
                None._flags  # noqa: B018 - as a clean-up does that finds things half-made
        except AttributeError as error:
            raise UsageError(f"config.yaml: no readable mapping ({error})") from None

    assert cli._guarded(work) == 130
    assert capsys.readouterr().err.startswith("error: interrupted;")


def test_a_defect_keeps_its_traceback(capsys):
    with pytest.raises(RuntimeError, match="shapes"):
        ended(RuntimeError("shapes do not match"), capsys)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("budget.stepz=3", "budget.stepz: no such key; did you mean 'budget.steps'?"),
        ("suit=photos", "suit: no such key; did you mean 'suite'?"),
        ("degradation.scal=2", "degradation.scal: no such key; did you mean 'degradation.scale'?"),
        ("model=srgann", "model=srgann: no such choice; did you mean 'srgan'?"),
        ("qqqq=1", "qqqq: no such key; --cfg job shows them all"),
        ("trainer.max_steps=5", "trainer.max_steps: how long a training is, budget.steps says; set that"),
        ("+trainer.max_steps=5", "trainer.max_steps: how long a training is, budget.steps says; set that"),
        ("budget.lr=1", "budget.lr: what was chosen has no such key; +budget.lr=... adds it"),
        ("experiment=benchmrk", "experiment=benchmrk: no such choice; did you mean 'benchmark'?"),
    ],
)
def test_a_mistyped_word_is_one_line_that_says_what_was_meant(train, word, told):
    code, _, error = train("model=srcnn", word) if not word.startswith("model") else train(word)
    assert (code, error) == (2, f"error: {told}\n")


@pytest.mark.parametrize(
    "words", [["leaderboard", ""], ["benchmark", "bicubic", "--suite", ""], ["show", "a", "--json="], ["train", ""]]
)
def test_an_empty_argument_is_no_folder_at_hand(words, capsys):
    assert cli.main(words) == 2
    assert capsys.readouterr().err.startswith("error: an argument is empty, as by a variable of the shell")
