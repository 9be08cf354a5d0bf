"""Where this user's files lie: platformdirs for what lasts, a short private path for sockets."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from b2p.errors import HostError, UsageError
from b2p.store.layout import SOCKET_PATH_LIMIT, Layout, MachineFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PRIVATE_DIRECTORY = 0o700
TEMPORARY = Path("/tmp")  # noqa: S108 - of all temporary directories the shortest; owner checked
_VARIABLES = ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")


def layout(
    environ: Mapping[str, str],
    *,
    directories: Callable[[], tuple[Path, Path, Path]] | None = None,
    on_network: Callable[[Path], bool] = lambda _: False,
    temporary: Path = TEMPORARY,
) -> Layout:
    """The roots of this user's files; nothing is made yet.

    `directories` gives data, cache and config (platformdirs, where not given); B2P_CACHE_DIR in
    `environ` overrides the cache. `on_network` tells whether a path lies on a network file system,
    where a unix socket does not work. Raises HostError where there is no home.
    """
    home = _home(environ)
    data, cache, config = (directories or _by_platformdirs)()
    if chosen := environ.get("B2P_CACHE_DIR"):
        cache = Path(chosen).expanduser()
        if not cache.is_absolute():
            raise UsageError(
                f"B2P_CACHE_DIR is {chosen!r}, not an absolute path", "begin it with a /"
            )
    for path, variable in zip((data, cache, config), _VARIABLES, strict=True):
        if not path.is_absolute():
            raise HostError(
                f"{str(path)!r} is not an absolute path", f"set {variable} to one, or unset it"
            )
    sockets = sockets_root(home, os.getuid(), on_network=on_network, temporary=temporary)
    return Layout(data=data, cache=cache, config=config, sockets=sockets)


def sockets_root(
    home: Path,
    uid: int,
    *,
    on_network: Callable[[Path], bool],
    temporary: Path = TEMPORARY,
) -> Path:
    """~/.b2p, or /tmp/b2p-UID where a home is too long for sockets or on the network.

    Raises HostError where the latter is too long as well.
    """
    for root in (home / ".b2p", temporary / f"b2p-{uid}"):
        if _longest(root) > SOCKET_PATH_LIMIT:
            continue
        if root.parent == home and on_network(home):
            continue
        return root
    raise HostError(
        f"{str(temporary)!r} is too long a path for sockets (at most {SOCKET_PATH_LIMIT} bytes)",
        "use a home directory of a shorter path",
    )


def prepare(places: Layout) -> None:
    """Make the directories that machines need, private whatever the umask; idempotent.

    Raises HostError where one belongs to another user or cannot be made.
    """
    private_directory(places.data)
    private_directory(places.machines)
    private_directory(places.cache)
    private_directory(places.sockets)


def prepare_machine(files: MachineFiles) -> None:
    """Make one machine's two directories; their parents are `prepare`'s. Raises HostError."""
    longest = max(len(os.fsencode(path)) for path in files.sockets)
    if longest > SOCKET_PATH_LIMIT:
        raise HostError(
            f"{str(files.run)!r} is too long a path for sockets"
            f" ({longest} bytes with the name, at most {SOCKET_PATH_LIMIT})",
            "use a home directory of a shorter path",
        )
    private_directory(files.home)
    private_directory(files.nothing)
    private_directory(files.run)


def private_directory(path: Path, *, uid: int | None = None) -> None:
    """Make a directory of mode 0700, with its parents; one that is there is checked and closed.

    Refuses (HostError) one of another user's, and a link in a directory where anybody may write:
    somebody else could have put it there.
    """
    uid = os.getuid() if uid is None else uid
    try:
        _make_parents(path.parent)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=PRIVATE_DIRECTORY)
        shared = path.parent.stat().st_mode & stat.S_IWOTH
        found = path.lstat() if shared else path.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise HostError(f"{str(path)!r} is not a directory", "move it away")
        if found.st_uid != uid:
            raise _foreign(path, found.st_uid)
        if stat.S_IMODE(found.st_mode) != PRIVATE_DIRECTORY:
            path.chmod(PRIVATE_DIRECTORY)
    except OSError as error:
        raise HostError(
            f"cannot make the directory {str(path)!r}: {error.strerror or error}",
            "give yourself the right to write there, or set HOME to a directory of yours",
        ) from error


def _foreign(path: Path, owner: int) -> HostError:
    return HostError(
        f"{str(path)!r} belongs to another user (uid {owner})",
        f"remove it as that user, or run b2p as the user {owner}"
        if path.parent == TEMPORARY
        else "run b2p as that user, or set HOME to your own home directory",
    )


def _make_parents(path: Path) -> None:
    """Parents that are missing; mode 0700 as the XDG specification wants it."""
    if path.is_dir():
        return
    _make_parents(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=PRIVATE_DIRECTORY)
        path.chmod(PRIVATE_DIRECTORY)


def _longest(root: Path) -> int:
    """Bytes of the longest socket path below a root."""
    files = Layout(data=root, cache=root, config=root, sockets=root).machine("any")
    return max(len(os.fsencode(path)) for path in files.sockets)


def _home(environ: Mapping[str, str]) -> Path:
    """The home directory: HOME, else what the user database says."""
    # Without HOME the user database is asked; where it knows nothing either, "~" remains.
    home = Path(environ.get("HOME", os.path.expanduser("~")))  # noqa: PTH111 - home() raises
    if not home.is_absolute():
        raise HostError(
            f"there is no home directory: HOME is {environ.get('HOME', 'not set')!r}",
            "set HOME to the path of your home directory",
        )
    return home


def _by_platformdirs() -> tuple[Path, Path, Path]:
    from platformdirs import PlatformDirs

    found = PlatformDirs("b2p", appauthor=False)
    return found.user_data_path, found.user_cache_path, found.user_config_path
