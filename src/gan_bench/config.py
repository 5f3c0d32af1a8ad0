"""From yaml to objects and names: finds conf/ and experiments/, composes, checks, builds; never trains or reads data.

Importing this file imports Hydra but neither torch nor lightning.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException, MissingConfigException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from gan_bench.cells import Cell, find_cells
from gan_bench.check import check_config, groups_of, leaves, resolve
from gan_bench.errors import UsageError, did_you_mean, one_line
from gan_bench.naming import differences, fingerprint, run_name
from gan_bench.values import check_values, said_elsewhere

__all__ = [
    "build",
    "cells",
    "check",
    "check_nodes",
    "conf_dir",
    "dataset_root",
    "default_config",
    "degradation_node",
    "differences",
    "experiments_dir",
    "fingerprint",
    "mistyped",
    "plain",
    "read_yaml",
    "register_experiments",
    "run_name",
    "suite_config",
    "to_yaml",
    "typed_values",
]

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


def mistyped(message: str) -> str | None:
    """What Hydra's message on a word of the command line means: one line that says what was probably meant.

    Args:
        message: Hydra's.

    Returns:
        None where it is of another kind.
    """
    if found := re.search(r"Could not override '([^']+)'", message):
        key = found[1]
        if told := said_elsewhere(key):
            return told
        known = {name for name, _ in leaves(default_config({}, 0, None))}
        known |= {name.rpartition(".")[0] for name in known} | set(groups_of(conf_dir()))
        if key in known:
            return f"{key}: what was chosen has no such key; +{key}=... adds it"
        near = did_you_mean(key, known)
        return f"{key}: no such key{near if 'did you mean' in near else '; --cfg job shows them all'}"
    if found := re.search(r"Could not find '([\w/]+)/([^'/]*)'", message):
        group, choice = found[1], found[2]
        folder = experiments_dir() if group == "experiment" else conf_dir() / group
        known = {path.stem for path in folder.glob("*.yaml")}
        return f"{group}={choice}: no such choice{did_you_mean(choice, known)}" if known else None
    return None


def check(cfg: DictConfig, *, provided: Mapping[str, Collection[str]] | None = None) -> None:
    """Raise at the first key of a composed config that means nothing, or whose value is still needed or cannot be.

    Args:
        cfg: the composed config.
        provided: by dotted key, the arguments that `build` will be given there: `{"model": ["perceptual"]}`.

    Raises:
        UsageError: one line: the dotted key, the cause, and what was probably meant.
    """
    check_config(cfg, conf_dir(), provided or {})
    config, _ = resolve(cfg)
    check_values(config)
    find_cells(config, _chosen, _with_values)


def check_nodes(**nodes: Mapping[str, Any] | None) -> None:
    """Raise where nodes of a file that others may have written mean nothing, or would build what is not ours.

    Args:
        nodes: by root key, `dataset` and `degradation`.

    Raises:
        UsageError: one line with the dotted key.
    """
    check_config(OmegaConf.create({name: dict(node) for name, node in nodes.items() if node}), conf_dir(), {})


def cells(cfg: DictConfig) -> list[Cell]:
    """What a run is judged on: the test images of its own data set under its own degradation, then `suite.cells`.

    Args:
        cfg: the composed config.

    Raises:
        UsageError: a cell names a data set, degradation or key that is not there; one line with what was meant.
    """
    return find_cells(resolve(cfg)[0], _chosen, _with_values)


def suite_config(name: str) -> DictConfig:
    """A named suite of conf/suite as the config of a run that has nothing else: `suite`, `degradation.scale`.

    Args:
        name: of its file.

    Returns:
        What `cells` takes.

    Raises:
        UsageError: no such suite, or one that names none of its cells, as `own`.
    """
    node = _chosen("suite", name, "--suite", {})
    if "version" not in node:
        raise UsageError(f"--suite {name}: it has no cells of its own; name another file of conf/suite")
    check_config(OmegaConf.create({"suite": node}), conf_dir(), {})
    return OmegaConf.create({"suite": node, "degradation": {"scale": node["scale"]}})


def dataset_root(node: Mapping[str, Any]) -> dict[str, Any]:
    """Where the data set of a result lies today: its own folder, else the one that its yaml says on this machine.

    Args:
        node: of the data set, resolved when it was judged.

    Returns:
        The `root` to take instead; empty where the node's own stands, or nobody knows better.
    """
    root = node.get("root")
    if not root or Path(root).expanduser().exists():
        return {}
    try:
        today = _chosen("dataset", node["name"], "dataset", {})
    except UsageError:
        return {}
    same = today.get("_target_") == node.get("_target_") and Path(str(today.get("root"))).expanduser().exists()
    return {"root": today["root"]} if same else {}


def degradation_node(name: str, values: Mapping[str, Any] | DictConfig | None = None, scale: int | None = None) -> Any:
    """A degradation of conf/degradation, with its defaults list followed and values of one's own, checked.

    Args:
        name: of its file.
        values: further values: nested as in the file, or with dotted keys.
        scale: gt over lq; the file's own by default.

    Returns:
        The node, a DictConfig.

    Raises:
        UsageError: no such degradation, or no such key.
    """
    scaled = {} if scale is None else {"scale": scale}
    node = _chosen("degradation", name, "degradation", {})
    if str(node.get("_target_")).endswith(".AsGiven"):
        raise UsageError(f"degradation {name}: it makes no lq, but stands for that of a data set")
    return OmegaConf.create(_with_values(node, {**plain(values or {}), **scaled}))


def typed_values(words: Sequence[str], scale: int | None, of: str = "--scale") -> dict[str, Any]:
    """What `--set KEY=VALUE` says, nested.

    Args:
        words: `KEY=VALUE`, with dotted keys.
        scale: what `scale` must be, where it is known otherwise.
        of: whose scale that is.

    Raises:
        UsageError: no `KEY=VALUE`, no yaml, or another scale.
    """
    for word in words:
        if "=" not in word:
            raise UsageError(f"--set {word}: KEY=VALUE is needed")
    try:
        values = plain(OmegaConf.from_dotlist(list(words)))
    except (OmegaConfBaseException, YAMLError, ValueError, TypeError) as error:
        raise UsageError(f"--set {' '.join(words)}: {one_line(error)}") from None
    if scale is not None and values.get("scale", scale) != scale:
        raise UsageError(f"--set scale={values['scale']} against scale {scale} of {of}; leave one of them out")
    return values


def build(node: DictConfig | Mapping[str, Any] | None, /, *, key: str = "", **given: Any) -> Any:
    """Make the object that a mapping with a `_target_` describes; plain Python containers go into it.

    Args:
        node: the mapping; the `name` of a group's file is the bench's, not the target's.
        key: where the mapping stands in the config, for messages; deeper in, a `name` that the target takes is its own.
        given: further arguments, passed by reference; they win over the mapping's.

    Returns:
        The object, a partial of it where the mapping says `_partial_: true`, or None for a mapping without a target.

    Raises:
        UsageError: the target refused its arguments.
    """
    try:
        config = {} if node is None else plain(node)
        return _built(config, given, deeper="." in key) if config.get("_target_") else None
    except Exception as error:
        cause, where = _cause(error, key)
        # Lightning's own error for a wrong Trainer, by its name: importing it would import torch.
        if not isinstance(cause, USERS_MISTAKES) and type(cause).__name__ != "MisconfigurationException":
            raise cause from cause.__cause__
        raise UsageError(": ".join(filter(None, [where, one_line(cause)]))) from cause


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
        raise UsageError(f"{path}: no readable yaml mapping ({one_line(error)})") from None


def to_yaml(config: Mapping[str, Any]) -> str:
    """Plain containers as yaml text."""
    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def _chosen(group: str, name: str, place: str, within: Mapping[str, Any]) -> dict[str, Any]:
    """A file of a group as plain containers: its defaults list followed, interpolations resolved within a config."""
    known = [path.stem for path in (conf_dir() / group).glob("*.yaml")]
    unknown = UsageError(f"{place}={name}: no such {group}{did_you_mean(str(name), known)}")
    if not re.fullmatch(r"[\w-]+", str(name)):
        raise unknown
    try:
        with _hydra():  # a data set may choose a degradation, so it is composed with one
            whole, words = ("train", [f"{group}={name}"]) if group == "dataset" else (f"{group}/{name}", [])
            node = compose(whole, _search_path() + words)[group]
    except MissingConfigException:
        raise unknown from None
    return dict(resolve(OmegaConf.create({**within, group: node}))[0][group])


def _with_values(node: Mapping[str, Any], values: Mapping[str, Any], place: str = "degradation") -> dict[str, Any]:
    """A degradation's node with values set, checked as if it were a run's own; `place` is where they were typed."""
    made = OmegaConf.create(dict(node))
    for key, value in values.items():
        if key in ("name", "_target_"):
            raise UsageError(f"{place}.{key}: what a degradation is cannot be set; write a yaml of its own")
        try:
            OmegaConf.update(made, str(key), value, force_add=True)
        except OmegaConfBaseException as error:
            raise UsageError(f"{place}.{key}: {one_line(error)}") from None
    try:
        check_config(OmegaConf.create({"degradation": made}), conf_dir(), {})
    except UsageError as error:
        raise UsageError(place + str(error).removeprefix("degradation")) from None
    return plain(made)


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


def _built(config: dict[str, Any], given: Mapping[str, Any], deeper: bool) -> Any:
    """Instantiate as a partial and call it: Hydra would copy what it is given, and take a dataclass for a config."""
    arguments = {name: value for name, value in config.items() if name != "name"}
    make = instantiate({"_convert_": "all", **arguments, "_partial_": True})
    if deeper and "name" in config and "name" in inspect.signature(make.func).parameters:
        make = functools.partial(make, name=config["name"])
    return functools.partial(make, **given) if config.get("_partial_") else make(**given)


def _cause(error: BaseException, key: str) -> tuple[BaseException, str]:
    """The error below Hydra's wrapping, and the dotted key at which it was raised."""
    if not isinstance(error, InstantiationException):
        return error, key
    inner = str(error).partition("\nfull_key: ")[2].strip()
    cause = error.__cause__ or ValueError(str(error).partition("\nfull_key: ")[0])
    return cause, ".".join(filter(None, [key, inner]))
