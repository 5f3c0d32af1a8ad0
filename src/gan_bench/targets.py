"""What a `_target_` names, and which arguments it takes: dotted names to callables, callables to their keywords."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from gan_bench.errors import UsageError, did_you_mean

__all__ = ["HYDRA_KEYS", "check_arguments", "hint", "locate"]

HYDRA_KEYS = frozenset({"_target_", "_partial_", "_args_", "_recursive_", "_convert_"})


def check_arguments(node: Mapping[str, Any], key: str, target: Callable[..., Any], given: Collection[str]) -> None:
    """Compare the keys of a mapping with its target's signature.

    Args:
        node: the mapping.
        key: where it stands, for messages.
        target: what its `_target_` names.
        given: arguments that it will be given when it is built.

    Raises:
        UsageError: an argument that the target does not take, or one that it lacks.
    """
    label, takes = getattr(target, "__name__", str(target)), _arguments(target)
    dropped = set() if "." in key or "[" in key else {"name"}  # a group's own name is not passed on
    for name in node:
        if not takes.open and name not in takes.names | HYDRA_KEYS | dropped:
            raise UsageError(f"{key}.{name}: {label} takes no such argument{hint(name, takes.names)}")
    positional = takes.positional[: len(node.get("_args_") or ())]
    present = (node.keys() - dropped) | set(given) | set(positional)
    absent = [name for name in takes.required if name not in present]
    if absent and not node.get("_partial_"):
        raise UsageError(f"{key}: {label} needs {', '.join(absent)}; add {key}.{absent[0]}")


@dataclass(frozen=True)
class _Arguments:
    names: frozenset[str]
    positional: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    open: bool = True


def _arguments(target: Callable[..., Any]) -> _Arguments:
    """What a target takes; behind `**kwargs` also what the callable that it forwards to takes."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # some builtins have no signature
        return _Arguments(frozenset())
    keyword = [p for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}]
    names = frozenset(p.name for p in keyword)
    positional = tuple(p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD})
    fixed = [p for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    required = tuple(p.name for p in fixed if p.default is p.empty)
    forward = getattr(target, "__forwards_to__", None)
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        return _Arguments(names, positional, required, open=False)
    inner = _arguments(forward) if forward is not None else _Arguments(frozenset())
    return _Arguments(names | inner.names, positional, required, inner.open)


def locate(path: str, key: str) -> Callable[..., Any]:
    """The callable behind a dotted name; never through a module that belongs to another package."""
    words = path.split(".")
    here: Any = _module(words[0], path, key)
    for depth, word in enumerate(words[1:], 1):
        child = getattr(here, word, None)
        if child is None and inspect.ismodule(here):
            child = _module(".".join(words[: depth + 1]), path, key)
        if child is None or (inspect.ismodule(child) and child.__name__.split(".")[0] != words[0]):
            raise UsageError(f"{key}: {'.'.join(words[:depth])} has no {word!r}{hint(word, _public(here))}")
        here = child
    if not callable(here):
        raise UsageError(f"{key}: {path} cannot be called; name a class or a function")
    return here  # type: ignore[no-any-return]


def _module(name: str, target: str, key: str) -> Any:
    """The module, or None where its parent has none of that name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        inside = f"{name}.".startswith(f"{error.name}.")
        if inside and "." in name:
            return None
        raise UsageError(f"{key}: {target} needs the package {error.name!r}, which is not installed") from error


def _public(owner: Any) -> set[str]:
    names = {name for name in getattr(owner, "__all__", dir(owner)) if not name.startswith("_")}
    return names | {module.name for module in pkgutil.iter_modules(getattr(owner, "__path__", []))}


def hint(word: str, known: Collection[str]) -> str:
    """The suggestion; without one near, the known words where they fit on a line."""
    hint = did_you_mean(word, known) if known else ""
    return hint if len(hint) <= 200 else ""
