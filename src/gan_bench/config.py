"""From yaml to objects and names: finds conf/ and experiments/, composes, checks, builds; never trains or reads data.

Importing this file imports Hydra but neither torch nor lightning.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from gan_bench.check import check_config, groups_of, leaves, resolve
from gan_bench.errors import UsageError

__all__ = [
    "build",
    "check",
    "conf_dir",
    "default_config",
    "differences",
    "experiments_dir",
    "fingerprint",
    "plain",
    "read_yaml",
    "register_experiments",
    "run_name",
    "to_yaml",
]

# Root keys that say where and how a run is computed, never what.
# Root keys that say where and how, never what is computed.
UNNAMED = frozenset({"trainer", "logger", "paths", "workers", "allow", "hydra"})
USERS_MISTAKES = (ValueError, TypeError, ImportError, FileNotFoundError, OmegaConfBaseException)


def conf_dir() -> Path:
    """The folder of train.yaml and its groups: inside the installed package, else at the repository's root.

    Returns:
        Its absolute path.

    Raises:
        UsageError: it is in neither place.
    """
    return _shipped("conf")


def experiments_dir() -> Path:
    """The folder of the studies, found like `conf_dir`.

    Returns:
        Its absolute path.

    Raises:
        UsageError: it is in neither place.
    """
    return _shipped("experiments")


def register_experiments(folder: Path | None = None) -> list[str]:
    """Make `experiment=x` mean experiments/x.yaml, defaults list included; call it before Hydra starts.

    Args:
        folder: where the studies are; `experiments_dir()` where None.

    Returns:
        Their names, sorted.
    """
    files = sorted((folder or experiments_dir()).glob("*.yaml"))
    for file in files:
        # A group of its own through the store: as a search path, every folder of the repository would be a group.
        ConfigStore.instance().store(group="experiment", name=file.stem, node=OmegaConf.load(file), package="_global_")
    return [file.stem for file in files]


def default_config(choices: Mapping[str, str], seed: int, scale: int | None) -> dict[str, Any]:
    """What the yaml files alone say: composed inside a running `@hydra.main` as well as outside of one.

    Args:
        choices: by group, the chosen file, as `HydraConfig.get().runtime.choices` has them; groups that are not
            train.yaml's (hydra/launcher, experiment) are ignored.
        seed: the run's seed.
        scale: the run's `degradation.scale`, in pixels per pixel; ignored where the degradation has no such key.

    Returns:
        The resolved config; a value still missing is the string `???`.
    """
    known = groups_of(conf_dir())
    overrides = [f"{group}={choice}" for group, choice in choices.items() if group in known and choice is not None]
    with _hydra():
        cfg = compose(config_name="train", overrides=_search_path() + overrides)
    cfg.seed = seed
    if scale is not None and "scale" in (cfg.get("degradation") or {}):
        cfg.degradation.scale = scale
    return resolve(cfg)[0]


def check(cfg: DictConfig, *, provided: Mapping[str, Collection[str]] | None = None) -> None:
    """Raise at the first key of a composed config that means nothing, or whose value is still needed.

    Args:
        cfg: the composed config.
        provided: by dotted key, the arguments that `build` will be given there: `{"model": ["perceptual"]}`.

    Raises:
        UsageError: one line: the dotted key, the cause, and what was probably meant.
    """
    check_config(cfg, conf_dir(), provided or {})


def build(node: DictConfig | Mapping[str, Any] | None, /, *, key: str = "", **given: Any) -> Any:
    """Make the object that a mapping with a `_target_` describes; plain Python containers go into it.

    Args:
        node: the mapping; its `name` is the bench's, not the target's.
        key: where the mapping stands in the config, for messages.
        given: further arguments, passed by reference; they win over the mapping's.

    Returns:
        The object, a partial of it where the mapping says `_partial_: true`, or None for a mapping without a target.

    Raises:
        UsageError: the target refused its arguments.
    """
    try:
        config = {} if node is None else plain(node)
        return _built(config, given) if config.get("_target_") else None
    except Exception as error:
        cause, where = _cause(error, key)
        # Lightning's own error for a wrong Trainer, by its name: importing it would import torch.
        if not isinstance(cause, USERS_MISTAKES) and type(cause).__name__ != "MisconfigurationException":
            raise cause from cause.__cause__
        raise UsageError(": ".join(filter(None, [where, _one_line(cause)]))) from cause


def plain(cfg: DictConfig | Mapping[str, Any]) -> dict[str, Any]:
    """A config as plain containers, interpolations resolved.

    Args:
        cfg: a config or a part of one; a plain mapping is copied as it is.

    Returns:
        Dictionaries, lists and scalars.
    """
    content: Any = OmegaConf.to_container(cfg, resolve=True) if isinstance(cfg, DictConfig) else cfg
    return dict(content or {})


def read_yaml(path: Path) -> dict[str, Any]:
    """A yaml file as plain containers, interpolations left as they are.

    Raises:
        UsageError: it is damaged.
    """
    try:
        content: Any = OmegaConf.to_container(OmegaConf.load(path))
        return dict(content)
    except (YAMLError, OmegaConfBaseException, TypeError, ValueError) as error:
        raise UsageError(f"{path}: no readable yaml mapping ({_one_line(error)})") from None


def to_yaml(config: Mapping[str, Any]) -> str:
    """Plain containers as yaml text."""
    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def fingerprint(config: Mapping[str, Any]) -> str:
    """Eight hex digits that change with any value that can change a result.

    Args:
        config: a resolved config; its root keys trainer, logger, paths and hydra do not count, nor does key order.

    Returns:
        The head of a SHA-256 over canonical JSON.
    """
    return hashlib.sha256(_canonical(_named(config)).encode()).hexdigest()[:8]


def run_name(config: Mapping[str, Any], default: Mapping[str, Any]) -> str:
    """The name of the run's folder: two runs that could differ in a result never share one.

    Args:
        config: the run's resolved config.
        default: `default_config` with the same choices, seed and scale.

    Returns:
        `<model>_<dataset>_<degradation>_x<scale>_<budget>_s<seed>`, and `_<fingerprint>` where another value differs.
    """
    model, dataset, degradation, budget = (
        _safe(config[group]["name"]) for group in ("model", "dataset", "degradation", "budget")
    )
    scale = config["degradation"].get("scale", 1)
    name = f"{model}_{dataset}_{degradation}_x{scale}_{budget}_s{config['seed']}"
    return f"{name}_{fingerprint(config)}" if differences(default, config) else name


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What tells two resolved configs apart, as far as it can change a result (see `fingerprint`).

    Args:
        old: one config.
        new: the other.

    Returns:
        Lines such as `model.generator.num_feat: 32 against 64`, in the order of the keys.
    """
    before, after = dict(leaves(_named(old))), dict(leaves(_named(new)))
    return [
        f"{key}: {before.get(key, 'nothing')} against {after.get(key, 'nothing')}"
        for key in dict.fromkeys([*before, *after])
        if key not in before or key not in after or _canonical(before[key]) != _canonical(after[key])
    ]


def _shipped(name: str) -> Path:
    package = Path(__file__).resolve().parent
    for folder in (package / name, package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise UsageError(f"{name}/: neither in {package} nor in {package.parents[1]}; reinstall gan-bench")


def _hydra() -> AbstractContextManager[None]:
    if GlobalHydra.instance().is_initialized():
        return nullcontext()
    return initialize_config_dir(str(conf_dir()), version_base="1.3")


def _search_path() -> list[str]:
    """A running command's own search path, without which a user's yaml would not be found again."""
    overrides = HydraConfig.get().overrides.hydra if HydraConfig.initialized() else []
    return [override for override in overrides if override.startswith("hydra.searchpath")]


def _built(config: dict[str, Any], given: Mapping[str, Any]) -> Any:
    """Instantiate as a partial and call it: Hydra would copy what it is given, and take a dataclass for a config."""
    arguments = {name: value for name, value in config.items() if name != "name"}
    make = instantiate({"_convert_": "all", **arguments, "_partial_": True})
    return functools.partial(make, **given) if config.get("_partial_") else make(**given)


def _cause(error: BaseException, key: str) -> tuple[BaseException, str]:
    """The error below Hydra's wrapping, and the dotted key at which it was raised."""
    if not isinstance(error, InstantiationException):
        return error, key
    inner = str(error).partition("\nfull_key: ")[2].strip()
    cause = error.__cause__ or ValueError(str(error).partition("\nfull_key: ")[0])
    return cause, ".".join(filter(None, [key, inner]))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _named(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in UNNAMED}


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", str(name))
