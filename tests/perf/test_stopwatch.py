"""Each moment of a step belongs to one part, and what is measured is left as it was."""

import itertools

import lightning as L
import pytest

from gan_bench.models import averaging, recipe
from gan_bench.perf import breakdown
from gan_bench.perf.breakdown import PARTS, Stopwatch, by_part, wrapped
from gan_bench.perf.setup import fit, prepared


@pytest.fixture
def ticking(monkeypatch):
    """A clock that advances by one second at each look."""
    ticks = itertools.count()
    monkeypatch.setattr(breakdown.time, "perf_counter", lambda: float(next(ticks)))


def test_time_belongs_to_the_innermost_part(ticking):
    watch = Stopwatch()
    with watch.part("backward"), watch.part("D forward"):
        pass
    found = watch.read()
    assert {name: value for name, value in found.items() if value} == {"mechanics": 2, "backward": 2, "D forward": 1}


def test_lightning_tells_of_data_and_degradation(ticking):
    watch = Stopwatch()
    for action in (
        "[_TrainingEpochLoop].train_dataloader_next",
        "[LightningDataModule]DataModule.on_after_batch_transfer",
        "[LightningModule]ESRGAN.on_train_batch_start",
    ):
        with watch.profile(action):
            pass
    found = watch.read()
    assert found["data"] == 1 and found["degradation"] == 1 and sum(found.values()) == 5


def test_a_part_ends_where_its_work_fails(ticking):
    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError):
        watch.timed("backward", lambda: 1 / 0)()
    assert watch.read()["mechanics"] == 2


def test_what_was_wrapped_is_as_before():
    class Thing:
        def name(self):
            return "class"

    thing, before = Thing(), recipe.follow
    with wrapped(thing, "name", lambda: "by"), wrapped(recipe, "follow", None):
        assert thing.name() == "by" and recipe.follow is None
    assert thing.name() == "class" and "name" not in vars(thing) and recipe.follow is before


class Watched(L.Callback):
    """Breaks one step down, and keeps which parts were entered how often."""

    def __init__(self, watch):
        self.watch, self.entered = watch, []

    def on_train_start(self, trainer, pl_module):
        self.own = self.replaced(pl_module)
        enter = self.watch._enter

        def noted(part):
            self.entered.append(part)
            enter(part)

        self.watch._enter = noted
        self.context = by_part(pl_module, self.watch)
        self.context.__enter__()

    def replaced(self, model):
        names = ("forward", "translate", "features", "generator_terms", "discriminator_loss", "manual_backward")
        return [(key, name) for key, one in model.named_modules() for name in names if name in vars(one)]

    def on_train_batch_end(self, trainer, pl_module, *_):
        self.context.__exit__(None, None, None)
        trainer.should_stop = True
        assert self.replaced(pl_module) == self.own
        assert recipe.follow is averaging.follow


@pytest.mark.parametrize(
    ("words", "forwards"),
    [
        (("model=esrgan", "perceptual=squeezenet", "perceptual.weights=random"), (1, 4, 1)),
        (("model=realesrgan", "perceptual=squeezenet", "perceptual.weights=random"), (1, 3, 1)),
        (("model=cyclegan",), (6, 6, 0)),
        (("model=pix2pix",), (1, 3, 0)),
        (("model=srcnn",), (1, 0, 0)),
    ],
    ids=lambda value: value[0],
)
def test_every_part_of_a_step_is_entered_as_often_as_it_runs(words, forwards):
    watch = Stopwatch()
    watched = Watched(watch)
    with prepared(["budget=smoke", "trainer=cpu", *words], 1) as training:
        fit(training, [watched], watch)
    count = {part: watched.entered.count(part) for part in PARTS}
    assert tuple(count[part] for part in ("G forward", "D forward", "perceptual")) == forwards
    players = 1 + bool(forwards[1])
    assert count["backward"] == count["optimizers"] == players and count["degradation"] == 1
    assert count["average of G"] == (training.model.averaged is not None)
    assert watch._open == ["mechanics"]
