"""The fence against a typo: walks a resolved config and raises one line at the first key that means nothing.

It knows a config's words and the signatures of its targets; it composes, builds and reads no data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_bench.errors import UsageError
from gan_bench.targets import HYDRA_KEYS, check_arguments, hint, locate

__all__ = ["DECLARED", "PACKAGES", "check_config", "groups_of", "leaves", "resolve"]

PACKAGES = ("gan_bench", "torch.nn", "torch.optim", "torchvision", "lightning", "torchmetrics")

# What a mapping without a `_target_` may hold, by its place: [] is any element of a list, <model> the name of a model.
BUDGET = frozenset({"name", "steps", "batch", "patch", "val_every"})
BUDGET |= {"lr", "periods", "end", "ema", "num_feat", "num_block"}
OF_EACH_MODEL = frozenset({"batch", "patch"})  # a run looks for these under its model's name, a model's yaml for others
DECLARED: dict[str, frozenset[str]] = {
    "budget": BUDGET | {"max_time", "pool", "<model>"},
    "budget.<model>": BUDGET | {"depths", "num_heads", "attention", "buffer", "x<scale>"},
    "budget.<model>.x<scale>": OF_EACH_MODEL,
    "model.stages[]": frozenset({"name", "fraction", "weights", "lr", "patch", "schedule", "fresh"}),
    "metrics": frozenset({"name", "names", "validation", "instead", "protocol"}),
}
FREE = "suite.cells[]"  # `cells` checks them: whatever keys a degradation has
# Any term's or layer's name: the model and the criterion know theirs.
WEIGHTS = frozenset({"model.stages[].weights", "model.perceptual.layers", "perceptual.criterion.layers"})
MISSING = "???"
STAND_IN = "<needed>"


def check_config(cfg: DictConfig, conf: Path, provided: Mapping[str, Collection[str]]) -> None:
    """Raise at the first key that means nothing: root, interpolations, the tree, then values still needed.

    Args:
        cfg: the composed config, without the `hydra` node.
        conf: the folder of train.yaml and its groups.
        provided: by dotted key, the arguments that its builder will be given at run time.

    Raises:
        UsageError: one line: the dotted key, the cause, the way out.
    """
    train = _read(conf / "train.yaml")
    roots = (train.keys() - {"defaults", "hydra"}) | set(groups_of(conf).values())
    for name in map(str, cfg):
        if name not in roots:
            raise UsageError(f"{name}: no such key{hint(name, roots)}")
    config, missing = resolve(cfg)
    walk = _Walk(conf, train, _models(config, conf), _names(config))
    for name, node in config.items():
        walk(node, name, name)
    packages = PACKAGES + _allowed(config)
    for key, node in walk.targets:  # last, because importing a target may take seconds
        check_arguments(node, key, _target(node["_target_"], f"{key}._target_", packages), provided.get(key, ()))
    for key in missing:
        raise UsageError(f"{key}: a value is needed, e.g. {key}=...")
    _check_budget_is_read(cfg, config)


def resolve(cfg: DictConfig) -> tuple[dict[str, Any], list[str]]:
    """Follow every interpolation; a missing value stays the string `???`, also for what points to it.

    Args:
        cfg: a composed config.

    Returns:
        The config as plain containers, and the dotted keys of its missing values.

    Raises:
        UsageError: an interpolation leads nowhere.
    """
    raw: Any = OmegaConf.to_container(cfg, resolve=False)
    missing = [key for key, value in leaves(raw) if value == MISSING]
    try:
        plain = OmegaConf.to_container(OmegaConf.create(_replaced(raw, MISSING, STAND_IN)), resolve=True)
    except OmegaConfBaseException as error:
        raise UsageError(f"{error.full_key}: {str(error.msg or error).splitlines()[0]}") from error
    return _replaced(plain, STAND_IN, MISSING), missing


def leaves(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a tree of mappings and lists, empty ones included, with its dotted key.

    Args:
        node: a tree of plain containers.
        key: where the tree hangs.

    Yields:
        Pairs such as `("model.stages[0].lr", 1e-4)`.
    """
    if isinstance(node, Mapping) and node:
        for name, child in node.items():
            yield from leaves(child, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list) and node:
        for index, child in enumerate(node):
            yield from leaves(child, f"{key}[{index}]")
    else:
        yield key, node


def groups_of(conf: Path) -> dict[str, str]:
    """The groups that train.yaml chooses from.

    Args:
        conf: the folder of train.yaml.

    Returns:
        By group as an override spells it (`model`, `dataset@val`), the root key under which its choice lies.
    """
    entries = [entry for entry in _read(conf / "train.yaml").get("defaults", []) if isinstance(entry, dict)]
    specs = [str(spec).split()[-1] for entry in entries for spec in entry]  # "optional x", "override x"
    specs = [spec for spec in specs if spec.split("/")[0] not in {"hydra", "experiment"}]
    return {spec: re.split(r"[./]", spec.split("@")[-1])[0] for spec in specs}


@dataclass(frozen=True)
class _Walk:
    """One pass over a config: `key` is where a node stands, `role` the same place with names generalized."""

    conf: Path
    train: Mapping[str, Any]
    models: frozenset[str]
    names: Mapping[str, str]
    targets: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, node: Any, key: str, role: str) -> None:
        if isinstance(node, list):
            for index, item in enumerate(node):
                self(item, f"{key}[{index}]", f"{role}[]")
        elif isinstance(node, Mapping):
            self.mapping(node, key, role)
            for name, child in node.items():
                self(child, f"{key}.{name}", f"{role}.{self.word(str(name), role)}")

    def mapping(self, node: Mapping[str, Any], key: str, role: str) -> None:
        """The rule that fits the mapping: its target's signature (later), numbers only, or a list of keys."""
        for name in map(str, node):
            if re.fullmatch(r"_\w*_", name) and name not in HYDRA_KEYS:
                raise UsageError(f"{key}.{name}: no such key{hint(name, HYDRA_KEYS)}")
        if "_target_" in node:
            self.targets.append((key, node))
        elif role in WEIGHTS:
            _check_weights(node, key)
        else:
            self.keys(node, key, role)

    def keys(self, node: Mapping[str, Any], key: str, role: str) -> None:
        """Compare with the declared keys, else with those that the yaml of this place shows; none: it is free."""
        known = DECLARED.get(role) or (_template_keys(self.templates(role), role) if not role.startswith(FREE) else ())
        for name, child in zip(map(str, node), node.values(), strict=True):
            word = self.word(name, role)
            if "<" in word and not isinstance(child, Mapping):
                raise UsageError(f"{key}.{name}: a mapping is needed, e.g. {key}.{name}.batch=...")
            if known and word not in known:
                words = {word for word in known if "<" not in word} | (self.models if "<model>" in known else set())
                raise UsageError(f"{key}.{name}: no such key{hint(name, words)}")

    def word(self, name: str, role: str) -> str:
        """The name, or the kind of name that the declaration of this place speaks of."""
        known = DECLARED.get(role, frozenset())
        if "<model>" in known and name in self.models:
            return "<model>"
        return "x<scale>" if "x<scale>" in known and re.fullmatch(r"x[1-9]\d*", name) else name

    def templates(self, role: str) -> list[Any]:
        """The yaml nodes that declare a root key: train.yaml's, then the chosen file of its group, else all files."""
        root = re.split(r"[.\[]", role)[0]
        folder = self.conf / root
        chosen = _with_defaults(folder, self.names.get(root, ""))
        return [self.train.get(root), *(chosen or map(_read, sorted(folder.glob("*.yaml"))))]


def _check_budget_is_read(cfg: DictConfig, config: Mapping[str, Any]) -> None:
    """Raise where the budget gives the model at hand a value of its own that its yaml does not look for."""
    model = _names(config).get("model", "")
    given = (config.get("budget") or {}).get(model) or {}
    raw: Any = OmegaConf.to_container(cfg, resolve=False)
    text = str(raw.get("model")).replace("${model.name}", model)
    for name, value in given.items():
        if name not in OF_EACH_MODEL and not isinstance(value, Mapping) and f"budget.{model}.{name}" not in text:
            raise UsageError(f"budget.{model}.{name}: the yaml of {model} does not read it; remove it")


def _target(path: Any, key: str, packages: Collection[str]) -> Callable[..., Any]:
    """What a `_target_` names, if it may be trusted."""
    if not isinstance(path, str):
        raise UsageError(f"{key}: a dotted name is needed, not {path!r}")
    if not any(path.startswith(f"{package}.") for package in packages):
        raise UsageError(
            f"{key}: {path} is in none of {', '.join(packages)}; trust it by allow: [{path.split('.')[0]}]"
        )
    return locate(path, key)


def _check_weights(node: Mapping[str, Any], key: str) -> None:
    for name, value in node.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value != MISSING and not (number and math.isfinite(value) and value >= 0):
            raise UsageError(f"{key}.{name}: a weight is a number >= 0, not {value!r}")


def _template_keys(nodes: Iterable[Any], role: str) -> frozenset[str]:
    """The keys that yaml nodes show at a place, `paths.runs[]` for one: all of them together."""
    for step in re.findall(r"\[\]|[^.\[\]]+", role)[1:]:
        if step == "[]":
            nodes = [item for node in nodes if isinstance(node, list) for item in node]
        else:
            nodes = [node.get(step) for node in nodes if isinstance(node, dict)]
    return frozenset(str(name) for node in nodes if isinstance(node, dict) for name in node if name != "defaults")


def _with_defaults(folder: Path, stem: str) -> list[dict[str, Any]]:
    """A group's file and, first, those of the same group that its defaults list names."""
    file = folder / f"{stem}.yaml"
    if not stem or not file.is_file():
        return []
    node = _read(file)
    bases = [entry for entry in node.get("defaults", []) if isinstance(entry, str) and entry not in {"_self_", stem}]
    return [base for entry in bases for base in _with_defaults(folder, entry)] + [node]


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise UsageError(f"{file}: no such file; is the package installed whole?")
    content: Any = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    return content if isinstance(content, dict) else {}


def _replaced(node: Any, old: str, new: str) -> Any:
    if isinstance(node, dict):
        return {name: _replaced(child, old, new) for name, child in node.items()}
    if isinstance(node, list):
        return [_replaced(child, old, new) for child in node]
    return new if node == old else node


def _allowed(config: Mapping[str, Any]) -> tuple[str, ...]:
    allow = config.get("allow") or []
    if not isinstance(allow, list) or not all(isinstance(package, str) for package in allow):
        raise UsageError(f"allow: a list of packages is needed, e.g. allow=[mypackage], not {allow!r}")
    return tuple(allow)


def _names(config: Mapping[str, Any]) -> dict[str, str]:
    """Each group's own name."""
    return {root: str(node["name"]) for root, node in config.items() if isinstance(node, Mapping) and "name" in node}


def _models(config: Mapping[str, Any], conf: Path) -> frozenset[str]:
    """The models that a budget may speak of: ours, and the one at hand, which may be a user's."""
    return frozenset(file.stem for file in (conf / "model").glob("*.yaml")) | {_names(config).get("model", "")}
