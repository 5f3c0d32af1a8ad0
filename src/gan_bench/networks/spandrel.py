"""Networks of spandrel (https://github.com/chaiNNer-org/spandrel) as generators of ours; imported when used.

Padding, cropping and what surrounds a network, as a noise level or a change of range, are the descriptor's. What
spandrel could not read back from a state dict is refused, so that whatever is trained here opens there, with equal
output.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from gan_bench.errors import UsageError, did_you_mean, one_line
from gan_bench.networks.foreign import Foreign

__all__ = ["Spandrel", "opened"]

# What spandrel's classes call scale and channels.
_SCALE = ("scale", "upscale", "up_scale", "upscale_factor", "upscaling_factor", "upsampling", "sf")
_IN = ("num_in_ch", "in_chans", "in_nc", "in_channels", "in_ch", "inp_channels", "img_channel", "n_colors", "dd_in")
_OUT = ("num_out_ch", "out_nc", "out_channels", "out_ch")
_EXTRA_IN = {"DRUNet": 1}  # a noise level is one more channel; spandrel adds it
_INSTEAD = {"SwinIR": {"window_size": 8}, "Swin2SR": {"window_size": 8}, "HAT": {"window_size": 16}}  # with 7 all fail
_ONLY = {"MMRRDBNet_test": 4}  # it takes other scales, and fails at the first image


class Spandrel(Foreign):
    """Any image network that spandrel knows, by its name.

    Args:
        name: spandrel's word for the architecture or for the class; upper and lower case are alike.
        scale: output over input.
        num_in_ch: channels of the input.
        num_out_ch: channels of the output.
        **arguments: the class's own; they win over what follows from the others.

    Raises:
        UsageError: no such network, a scale, channels or an argument that it does not take, one that it lacks, or what
            spandrel could not read back from the weights; spandrel is missing.
    """

    def __init__(self, name: str, scale: int = 4, num_in_ch: int = 3, num_out_ch: int = 3, **arguments: Any) -> None:
        refusals = []
        for kind in _classes(name):
            try:
                super().__init__(*_built(kind, name, (scale, num_in_ch, num_out_ch), arguments))
                return
            except UsageError as refusal:
                refusals.append(refusal)
        raise refusals[0]


def opened(state: Mapping[str, Any]) -> Foreign | None:
    """The network that a state dict belongs to, with its weights; None where spandrel does not know it.

    Args:
        state: as its file has it, without a wrapping.

    Raises:
        UsageError: it does not fit its network, it fills masks, or spandrel is missing.
    """
    descriptor = _read(state)
    return None if descriptor is None else Foreign(descriptor.model, descriptor)


def _built(
    kind: type[nn.Module], name: str, wanted: tuple[int, int, int], arguments: Mapping[str, Any]
) -> tuple[nn.Module, Any]:
    """Network and descriptor; what the caller left open is as spandrel reads it back."""
    if kind.__name__ in _ONLY and wanted[0] != _ONLY[kind.__name__]:
        raise UsageError(f"{name} cannot do scale {wanted[0]}: spandrel runs it at {_ONLY[kind.__name__]} alone")
    network = _made(kind, name, {**_translated(kind, *wanted), **arguments})
    try:
        descriptor = _read(network.state_dict())
    except UsageError as error:
        raise UsageError(f"{name} with these arguments would not open in spandrel: {error}") from None
    if descriptor is None:
        raise UsageError(f"{name} with these arguments would not open in spandrel; change or leave some")
    has = (descriptor.scale, descriptor.input_channels, descriptor.output_channels)
    if has != wanted:
        text = "scale {} with {} channels in and {} out"
        raise UsageError(f"{name} cannot do {text.format(*wanted)}: it does {text.format(*has)}")
    read = descriptor.model.hyperparameters
    odd = [word for word, value in arguments.items() if _plain(read.get(word)) != _plain(value)]
    if not odd:
        return descriptor.model, descriptor
    asked = _made(kind, name, {**read, **arguments})
    asked.load_state_dict(descriptor.model.state_dict())
    if not _agree(Foreign(asked, descriptor), Foreign(descriptor.model, descriptor)):
        raise UsageError(f"{name}.{odd[0]}: no weights tell it, and spandrel would read {read.get(odd[0])}; leave it")
    return asked, descriptor


def _made(kind: type[nn.Module], name: str, arguments: dict[str, Any]) -> nn.Module:
    """An instance; what it does not take, lacks or refuses is one line."""
    takes = inspect.signature(kind).parameters
    for word in arguments:
        if word not in takes:
            raise UsageError(f"{name}.{word}: it takes no such argument{did_you_mean(word, takes)}")
    absent = [word for word, one in takes.items() if one.default is one.empty and word not in arguments]
    if absent:
        raise UsageError(f"{name} needs {', '.join(absent)}")
    try:
        with _apart():
            network: nn.Module = kind(**arguments)
            return network
    except Exception as error:  # each has its own for what it cannot do
        told = ", ".join(f"{word}={value}" for word, value in arguments.items())
        raise UsageError(f"{name} cannot be built with {told}: {one_line(error, 160)}") from None


def _translated(kind: type[nn.Module], scale: int, num_in_ch: int, num_out_ch: int) -> dict[str, Any]:
    """Our words in the class's own."""
    takes = inspect.signature(kind).parameters
    words = dict.fromkeys(_SCALE, scale) | dict.fromkeys(_OUT, num_out_ch)
    words |= dict.fromkeys(_IN, num_in_ch + _EXTRA_IN.get(kind.__name__, 0))
    found: dict[str, Any] = {word: value for word, value in words.items() if word in takes}
    found |= {word: [value] for word, value in found.items() if isinstance(takes[word].default, list | tuple)}
    if scale > 1 and "upsampler" in takes and takes["upsampler"].default == "":
        found["upsampler"] = "pixelshuffle"
    return found | _INSTEAD.get(kind.__name__, {})


def _read(state: Mapping[str, Any]) -> Any:
    """Spandrel's descriptor of a state dict; None where it knows none."""
    spandrel = _library()
    try:
        with _apart():
            descriptor = spandrel.MAIN_REGISTRY.load(dict(state))
    except spandrel.UnsupportedModelError:
        return None
    except Exception as error:  # each architecture has its own for tensors that do not fit
        raise UsageError(
            f"spandrel takes it for a network whose shapes it does not have ({one_line(error, 160)})"
        ) from None
    if not isinstance(descriptor, spandrel.ImageModelDescriptor):
        raise UsageError(f"{descriptor.architecture.id} fills in what a mask leaves out and restores no whole image")
    return descriptor


def _classes(name: str) -> list[type[nn.Module]]:
    """The classes that a name means: one by its own name, or all of an architecture."""
    known: dict[str, list[type[nn.Module]]] = {}
    aliases: dict[str, list[type[nn.Module]]] = {}
    for support in _library().MAIN_REGISTRY:
        arch = support.architecture
        module = importlib.import_module(type(arch).__module__)
        kinds = {word.lower(): getattr(module, word) for word in module.__all__ if not word.endswith("Arch")}
        known |= {arch.id.lower(): list(kinds.values())} | {word: [kind] for word, kind in kinds.items()}
        aliases |= {kind.__name__.lower(): [kind] for kind in kinds.values()}
    word = str(name).lower()
    if word not in aliases | known:
        raise UsageError(f"spandrel has no network {name!r}{did_you_mean(word, known)}")
    return (aliases | known)[word]


def _library() -> Any:
    try:
        import spandrel
    except ImportError:
        raise UsageError('spandrel is needed here; pip install "gan-bench[interop]"') from None
    return spandrel


@contextmanager
def _apart() -> Iterator[None]:
    """Foreign code builds on the CPU, as it expects; what it warns of is not for the user."""
    with warnings.catch_warnings(), torch.device("cpu"):
        warnings.simplefilter("ignore")
        yield


@torch.no_grad()
def _agree(one: Foreign, other: Foreign) -> bool:
    """Whether two networks of equal weights restore an image alike."""
    outputs = []
    for network in (one, other):
        with _apart(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            outputs.append(network.eval()(torch.rand(1, network.num_in_ch, 16, 16)))
            network.train()
    return torch.allclose(outputs[0], outputs[1], atol=1e-6)


def _plain(value: Any) -> Any:
    """Lists and tuples alike."""
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
