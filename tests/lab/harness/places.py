"""Where the lab keeps its files, and the progress lines it prints.

Nothing is ever written into the source tree: images and logs live below one
cache folder, sockets in a short-lived folder below the system's temporary one
(a Unix socket's path may not be longer than 107 bytes).
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import time

LAB = pathlib.Path(__file__).resolve().parent.parent
TREE = LAB.parent.parent
UNUSED_LIMIT = 7 * 24 * 3600  # seconds


class LabError(Exception):
    """The lab itself cannot go on; the text is for its user."""


def cache() -> pathlib.Path:
    """The cache folder: $QFC_LAB_DIR, else qfc-lab below the user's cache folder."""
    given = os.environ.get("QFC_LAB_DIR")
    if given:
        return pathlib.Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "qfc-lab"


def say(text: str) -> None:
    """One progress line, at once even when the output is a pipe."""
    print(f"lab: {text}", flush=True)


def size(path: pathlib.Path) -> str:
    """What a file or folder takes, for progress lines."""
    if path.is_file():
        total = path.stat().st_size
    else:
        total = sum(f.lstat().st_size for f in path.rglob("*") if not f.is_symlink())
    return f"{total / 1e6:.0f} MB"


@contextlib.contextmanager
def step(what: str, result: pathlib.Path):
    """Say what takes long before it starts, and its size and time after it."""
    say(f"{what} ...")
    start = time.monotonic()
    yield
    say(f"{what}: {size(result)}, {time.monotonic() - start:.0f} s")


@contextlib.contextmanager
def locked():
    """Only one process builds images in a cache folder; others wait for it."""
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another lab is making images in this folder; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_unused(pattern: str) -> None:
    """Drop what matches in the cache folder and was not touched for a week."""
    for path in cache().glob(pattern):
        if time.time() - path.stat().st_mtime > UNUSED_LIMIT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def clean() -> None:
    """Remove everything that the lab fetched, built and kept."""
    if cache().exists():
        say(f"removing {cache()} ({size(cache())})")
        shutil.rmtree(cache())
