"""Files of weights that metrics and losses want: where each is looked for, whether it is sound, how it is fetched.

No host is named here: an address comes from torchvision's own tables, from torch-fidelity or from huggingface_hub.
All of them, and torch, are imported when used. The folders are those of the libraries, so that a file put there by
hand serves them too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from gan_bench.download import download, download_from_hub, refuse_offline
from gan_bench.errors import UsageError, WorkError, did_you_mean, one_line

__all__ = ["FILES", "WeightFile", "cache_folder", "chosen", "defect", "fetch", "hub_url", "is_published", "needed"]
__all__ += ["obtain", "sha256"]

HUB: Final = "chaofengc/IQA-PyTorch-Weights"  # pyiqa's files
HEX: Final = 8  # digits of the SHA-256 that end a published file's name


@dataclass(frozen=True)
class WeightFile:
    """One file that may be wanted.

    Attributes:
        key: what commands call it.
        name: of the file; where it ends in -<8 hex digits>, those begin the published file's SHA-256.
        serves: metrics and losses that want it.
        place: `checkpoints`, torch's; `pyiqa`, beside it; else a repository in the Hugging Face cache.
        size: of the published file in MB.
        licence: of the weights.
        network: torchvision's name of the network that the file must fit, where torchvision has one.
        shapes: of the entries of a .mat file.
        library: that has the address, `torchvision` or `torch_fidelity`; else it is huggingface_hub.
    """

    key: str
    name: str
    serves: tuple[str, ...]
    place: str
    size: float
    licence: str
    network: str = ""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    library: str = ""

    @property
    def path(self) -> Path:
        """Where it is looked for."""
        if self.place in ("checkpoints", "pyiqa"):
            return _torch_home() / "hub" / self.place / self.name
        repository = _hub_cache() / f"models--{self.place.replace('/', '--')}" / "snapshots"
        return next(iter(sorted(repository.glob(f"*/{self.name}"))), repository / "main" / self.name)

    @property
    def belongs(self) -> Path:
        """What is carried to a machine without a network: the file, or the repository's whole folder."""
        return self.path if self.place in ("checkpoints", "pyiqa") else self.path.parents[2]

    @property
    def digest(self) -> str:
        """How the published file's SHA-256 begins; empty where that is not known."""
        head = Path(self.name).stem.rpartition("-")[2]
        return head if len(head) == HEX and set(head) <= set("0123456789abcdef") else ""

    @property
    def url(self) -> str:
        """Where its library fetches it."""
        if self.library == "torch_fidelity":
            from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

            return str(URL_INCEPTION_V3)
        if self.library == "torchvision":
            from torchvision.models import get_model_weights

            return str(get_model_weights(self.network).DEFAULT.url)
        return hub_url(self.name, HUB if self.place == "pyiqa" else self.place)


# Of TensorFlow's Inception of 2015, torchvision's network with other ends.
_INCEPTION: Final = {"num_classes": 1008, "aux_logits": False, "init_weights": False}
_NIQE_SHAPES = {"mu_prisparam": (1, 36), "cov_prisparam": (36, 36)}


def _torchvision(key: str, name: str, serves: tuple[str, ...], size: float, network: str) -> WeightFile:
    return WeightFile(key, name, serves, "checkpoints", size, "BSD-3-Clause", network, library="torchvision")


# fmt: off
_ALL = (
    _torchvision("alexnet", "alexnet-owt-7be5be79.pth", ("lpips",), 233, "alexnet"),
    _torchvision("squeezenet", "squeezenet1_1-b8a52dc0.pth", ("lpips_squeeze", "perceptual=squeezenet"), 4.7,
                 "squeezenet1_1"),
    _torchvision("vgg16", "vgg16-397923af.pth", ("lpips_vgg", "dists"), 528, "vgg16"),
    _torchvision("vgg19", "vgg19-dcbb9e9d.pth", ("perceptual=vgg19",), 548, "vgg19"),
    WeightFile("niqe", "niqe_modelparameters.mat", ("niqe",), "pyiqa", 0.01, "University of Texas",
               shapes=_NIQE_SHAPES),
    WeightFile("dists", "DISTS_weights-f5e65c96.pth", ("dists",), "pyiqa", 0.01, "MIT"),
    WeightFile("musiq", "musiq_koniq_ckpt-e95806b9.pth", ("musiq",), "pyiqa", 104, "Apache-2.0"),
    WeightFile("maniqa", "ckpt_koniq10k.pt", ("maniqa",), "pyiqa", 544, "Apache-2.0"),
    WeightFile("vit", "model.safetensors", ("maniqa",), "timm/vit_base_patch8_224.augreg2_in21k_ft_in1k", 346,
               "Apache-2.0"),
    WeightFile("inception", "weights-inception-2015-12-05-6726825d.pth", ("fid", "kid"), "checkpoints", 91,
               "Apache-2.0", "inception_v3", library="torch_fidelity"),
)
# fmt: on
FILES: Final[dict[str, WeightFile]] = {file.key: file for file in _ALL}


def hub_url(name: str = "README.md", repository: str = HUB) -> str:
    """The address of a file on the Hugging Face hub, or on its mirror of HF_ENDPOINT."""
    from huggingface_hub import hf_hub_url

    return str(hf_hub_url(repository, name))


def needed(user: str) -> list[WeightFile]:
    """The files that a metric or loss wants."""
    return [file for file in FILES.values() if user in file.serves]


def chosen(words: Iterable[str]) -> list[WeightFile]:
    """Files by key, by what they serve, or `all`.

    Raises:
        UsageError: a word that is none of these.
    """
    files: dict[str, WeightFile] = {}
    known = {"all", *FILES, *(user for file in FILES.values() for user in file.serves)}
    for word in words:
        if word not in known:
            raise UsageError(f"no weights {word!r}{did_you_mean(word, known)}")
        files |= {file.key: file for file in FILES.values() if word in ("all", file.key, *file.serves)}
    return list(files.values())


def obtain(key: str) -> Path:
    """A sound file: that on disk, whatever its checksum, or else fetched where a network may be asked.

    Args:
        key: of FILES.

    Raises:
        WorkError: it is damaged or another network's, or is not there and cannot be fetched.
    """
    file = FILES[key]
    if not file.path.is_file():
        try:
            return fetch(file)
        except WorkError as error:
            raise WorkError(f"needs {file.name}; {error}; see gan-bench weights list {key}") from None
    if cause := defect(file):
        raise WorkError(f"{file.path} {cause}: remove it, then gan-bench weights fetch {key}")
    return file.path


def fetch(file: WeightFile) -> Path:
    """Download a file to where it is looked for, whole or not at all.

    Raises:
        WorkError: why not, without the file's name.
    """
    refuse_offline()  # before torchvision is imported for an address
    if file.place in ("checkpoints", "pyiqa"):
        download(file.url, file.path, file.digest)
    else:
        download_from_hub(file.place, file.name)
    if cause := defect(file):
        raise WorkError(f"fetched, it {cause}")
    return file.path


def defect(file: WeightFile) -> str:
    """What is wrong with a file that is there: `cannot be read (...)`, `holds other weights (...)`; empty if nothing.

    A file of a network that torchvision has must fit it to the last name and shape, a .mat file hold what is wanted.
    """
    try:
        stat = file.path.stat()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return _defect(file.key, file.path, stat.st_mtime_ns)


def is_published(file: WeightFile) -> bool | None:
    """Whether the file on disk has the published checksum; None where that is not known."""
    return sha256(file.path).startswith(file.digest) if file.digest else None


def sha256(path: Path) -> str:
    """Of a file; computed once in a process unless the file changes."""
    return _sha256(path, path.stat().st_mtime_ns)


def cache_folder() -> Path:
    """Where gan-bench keeps what it computed once: GAN_BENCH_CACHE, else gan-bench in XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("GAN_BENCH_CACHE")
    return Path(own).expanduser() if own else _user_cache() / "gan-bench"


@lru_cache
def _sha256(path: Path, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache
def _defect(key: str, path: Path, _changed: int) -> str:
    file = FILES[key]
    try:
        found = _READERS[path.suffix](path)
    except Exception as error:  # pickle, zip, torch and scipy each have their own for a damaged file
        whole = not file.network and "Unsupported global" in str(error)  # an author's own classes beside the weights
        return "" if whole else f"cannot be read ({one_line(error, 160)})"
    expected = dict(file.shapes) or _network_shapes(file.network)
    odd = [name for name in sorted(expected.keys() | found.keys()) if expected.get(name) != found.get(name)]
    if not expected or not odd:
        return ""
    return f"holds other weights ({odd[0]}: {found.get(odd[0], 'missing')}, not {expected.get(odd[0], 'there')})"


def _torch_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tuple(value.shape) for name, value in state.items() if isinstance(value, torch.Tensor)}


def _mat_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    import numpy as np
    import scipy.io

    arrays = {name: value for name, value in scipy.io.loadmat(path).items() if name in _NIQE_SHAPES}
    if not all(np.isfinite(value).all() for value in arrays.values()):
        raise ValueError("not all numbers are finite")
    return {name: tuple(value.shape) for name, value in arrays.items()}


def _safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping


_READERS: Final[dict[str, Callable[[Path], dict[str, tuple[int, ...]]]]] = {
    ".pth": _torch_shapes,
    ".pt": _torch_shapes,
    ".mat": _mat_shapes,
    ".safetensors": _safetensors_shapes,
}


def _network_shapes(network: str) -> dict[str, tuple[int, ...]]:
    """Of torchvision's network, without memory for it; nothing for no network."""
    if not network:
        return {}
    import torch
    from torchvision.models import get_model

    with torch.device("meta"):
        model = get_model(network, weights=None, **(_INCEPTION if network == "inception_v3" else {}))
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def _torch_home() -> Path:
    """As torch.hub has it, without importing torch."""
    return Path(os.environ.get("TORCH_HOME") or _user_cache() / "torch").expanduser()


def _hub_cache() -> Path:
    """As huggingface_hub has it."""
    home = Path(os.environ.get("HF_HOME") or _user_cache() / "huggingface").expanduser()
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
