"""How files come over a network, and how a machine without one loses no time: `TIMEOUT` seconds in a process at most.

No host is named here: the addresses are those of torchvision and huggingface_hub.
"""

from __future__ import annotations

import os
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gan_bench.errors import WorkError, one_line

__all__ = ["TIMEOUT", "download", "download_from_hub", "is_offline", "no_long_waits", "refuse_offline"]

TIMEOUT: Final = 5.0  # seconds that a machine without a network may cost, by host
OFFLINE: Final = ("GAN_BENCH_OFFLINE", "HF_HUB_OFFLINE")

_unreachable: dict[str, str] = {}  # cause by host, empty where it answers: asked once in a process


def download(url: str, path: Path, digest: str = "") -> None:
    """Fetch a file, whole or not at all.

    Args:
        url: of the file.
        path: where it shall lie; its folder is made.
        digest: how its SHA-256 must begin.

    Raises:
        WorkError: why not, without the file's name.
    """
    from torch.hub import download_url_to_file

    with _guarded(url):
        path.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(url, str(path), hash_prefix=digest or None, progress=os.isatty(2))


def download_from_hub(repository: str, name: str) -> None:
    """Fetch a file into the Hugging Face cache.

    Raises:
        WorkError: why not, without the file's name.
    """
    from huggingface_hub import hf_hub_download, hf_hub_url

    with _guarded(hf_hub_url(repository, name)):
        hf_hub_download(repository, name, etag_timeout=TIMEOUT)


def is_offline() -> str:
    """The environment variable that forbids to ask the network; empty where none does."""
    return next((name for name in OFFLINE if os.environ.get(name, "").lower() not in ("", "0", "false", "no")), "")


def refuse_offline() -> None:
    """Raise WorkError where the environment forbids to ask the network."""
    if word := is_offline():
        raise WorkError(f"{word} forbids to fetch it")


@contextmanager
def no_long_waits(url: str) -> Iterator[None]:
    """For libraries that fetch by themselves: sockets give up after `TIMEOUT`, and at once without a network.

    Args:
        url: any of the host that the library would ask first.
    """
    cause = is_offline() or _unanswered(url)

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(f"no network ({cause})")

    resolve = socket.getaddrinfo
    with _socket_timeout():
        try:
            if cause:
                socket.getaddrinfo = refuse  # whatever client the library uses
            yield
        finally:
            socket.getaddrinfo = resolve


@contextmanager
def _guarded(url: str) -> Iterator[None]:
    """Only where a network may be asked and answers; whatever goes wrong becomes one line."""
    refuse_offline()
    if cause := _unanswered(url):
        raise WorkError(f"it cannot be fetched: {cause}")
    try:
        with _socket_timeout(), redirect_stdout(None):
            yield
    except (OSError, RuntimeError, ValueError) as error:  # the hub's errors are ValueErrors or OSErrors
        raise WorkError(f"it cannot be fetched: {one_line(error, 160)}") from error


def _unanswered(url: str) -> str:
    """Why a host gives no answer in time, empty if it does; in a thread: the look-up of a name has no time-out."""
    host = urlsplit(url).netloc
    if host in _unreachable:
        return _unreachable[host]
    told: list[str] = []

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - the library's own https
            urllib.request.urlopen(request, timeout=TIMEOUT).close()  # noqa: S310
            told.append("")
        except OSError as error:  # an error by HTTP is an answer
            told.append("" if hasattr(error, "code") else one_line(getattr(error, "reason", error), 160))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    _unreachable[host] = told[0] if told else f"no answer within {TIMEOUT:.0f} s"
    return _unreachable[host]


@contextmanager
def _socket_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
