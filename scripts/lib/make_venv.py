"""Makes a virtual environment for this tree: aside, under a lock, moved into place when whole.

make_venv.py KIND TREE VENV. Runs on a bare Python 3.11 with nothing installed. The tree itself is
put on the path by a .pth file: an editable install would first have to fetch a build backend.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import tomllib
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

WEEK = 7 * 24 * 3600
PURPOSE = {
    "run": "b2p",
    "test": "b2p's checks and tests",
    "docs": "b2p's documentation",
    "build": "b2p's wheel",
}


class FailedError(Exception):
    """What went wrong, then what to do."""


def requirements(tree: Path, kind: str) -> list[str]:
    """The packages that pyproject.toml names for this kind of environment."""
    with (tree / "pyproject.toml").open("rb") as file:
        document = tomllib.load(file)
    if kind == "build":
        return list(document["build-system"]["requires"])
    project = document["project"]
    return [*project["dependencies"], *project["optional-dependencies"].get(kind, [])]


def bundled_pip() -> Path | None:
    """The pip that comes with this Python, as a wheel; it runs without being installed."""
    import importlib.util

    places = [sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels"]
    found = importlib.util.find_spec("ensurepip")
    if found and found.origin:
        places.insert(0, str(Path(found.origin).parent / "_bundled"))
    wheels = [wheel for place in places if place for wheel in Path(place).glob("pip-*.whl")]
    return wheels[0] if wheels else None


def uv_may_be_used() -> bool:
    """Uv is quicker, but knows nothing of pip's settings: only where there are none."""
    settings = [Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf"]
    settings += [Path.home() / ".pip/pip.conf", Path.home() / "Library/Application Support/pip"]
    for_pip = any(name.startswith("PIP_") for name in os.environ)
    return bool(shutil.which("uv")) and not for_pip and not any(map(Path.exists, settings))


def installers(python: Path) -> Iterator[list[str]]:
    """Commands that install packages into the environment of `python`; the best ones first."""
    if uv_may_be_used():
        yield ["uv", "pip", "install", "--quiet", "--python", str(python)]
    options = ["install", "--quiet", "--no-input", "--disable-pip-version-check"]
    options += ["--no-warn-script-location", "--progress-bar=off", "--no-compile"]
    if wheel := bundled_pip():
        yield [str(python), "-I", f"{wheel}/pip", *options]
    if run([sys.executable, "-I", "-m", "pip", "-V"]).returncode == 0:
        yield [sys.executable, "-I", "-m", "pip", "--python", str(python), *options]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """The command as it ended, with all that it said; it is asked nothing and can ask nothing."""
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def install(python: Path, wanted: list[str]) -> None:
    """Install the packages; what the installer says is shown only when none succeeds."""
    said = ""
    for command in installers(python):
        done = run([*command, *wanted])
        if done.returncode == 0:
            return
        said = done.stdout.strip()
    if not said:
        raise FailedError(
            f"{sys.executable} has no pip to install b2p's packages with",
            "install it (Debian: python3-venv), or set B2P_PYTHON to a Python that has one",
        )
    raise FailedError(
        "b2p's Python packages could not be installed",
        "read what pip said below; it obeys pip.conf, PIP_INDEX_URL and https_proxy",
        said,
    )


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Say what is done; on a terminal the seconds run, and the line stays with their sum."""
    start, ended = time.monotonic(), threading.Event()

    def count() -> None:
        while not ended.wait(0.5):
            print(f"\rb2p: {what} ... {time.monotonic() - start:.0f} s", end="", file=sys.stderr)

    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    counter = threading.Thread(target=count, daemon=True)
    print(f"b2p: {what} ...", end="" if live else "\n", file=sys.stderr, flush=True)
    if live:
        counter.start()
    outcome = "not done"
    try:
        yield
        outcome = f"{time.monotonic() - start:.1f} s"
    finally:
        ended.set()
        if live:
            counter.join()
        print(f"{chr(13) if live else ''}b2p: {what}: {outcome}   ", file=sys.stderr, flush=True)


def make(kind: str, tree: Path, target: Path, aside: Path) -> None:
    """Make the environment aside and rename it: a half-made one never bears its name."""
    with told(f"setting up Python for {PURPOSE[kind]} (once)"):
        venv.create(aside, symlinks=True, with_pip=False)
        python = aside / "bin" / "python"
        install(python, requirements(tree, kind))
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = aside / "lib" / version / "site-packages"
        (packages / "b2p_tree.pth").write_text(f"{tree}\n", encoding="utf-8")
        (aside / "tree").write_text(f"{kind} {tree}\n", encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        aside.rename(target)


def forget_old(kind: str, tree: Path, target: Path) -> None:
    """Remove environments of this tree as it was a week and more ago, and of trees that went."""
    for other in target.parent.glob("venv-*/tree"):
        its_kind, _, its_tree = other.read_text(encoding="utf-8").strip().partition(" ")
        old = time.time() - other.stat().st_mtime > WEEK
        same = (its_kind, its_tree) == (kind, str(tree)) and other.parent != target
        if (same and old) or not Path(its_tree).is_dir():
            shutil.rmtree(other.parent, ignore_errors=True)


def take(lock: TextIO) -> None:
    """Hold the lock, which the kernel takes back from whoever dies."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with told("waiting for another b2p that sets up Python"):
            fcntl.flock(lock, fcntl.LOCK_EX)


def main(kind: str, tree: Path, target: Path) -> int:
    """Make the environment unless somebody else just did; the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    aside = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_name(".venv.lock").open("w") as lock:
            take(lock)
            if os.access(target / "bin" / "python", os.X_OK):
                return 0
            shutil.rmtree(aside, ignore_errors=True)
            try:
                make(kind, tree, target, aside)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
            forget_old(kind, tree, target)
    except KeyboardInterrupt:
        print("b2p: interrupted; nothing left behind", file=sys.stderr)
        return 130
    except FailedError as error:
        message, hint, *said = error.args
        print(f"b2p: {message}\n  {hint}", *said, sep="\n", file=sys.stderr)
        return 125
    except OSError as error:
        print(f"b2p: {error}", "  set XDG_CACHE_HOME elsewhere", sep="\n", file=sys.stderr)
        return 125
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
