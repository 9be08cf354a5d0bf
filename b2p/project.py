"""The b2p.toml files that count in a directory: the user's own, and that of the project there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from b2p import names
from b2p.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE_NAME = "b2p.toml"
NAME = "name"
"""The key by which a file names the machine that is meant where no other one is named."""
PATHS = ("provision", "each_start", "files", "units", "quadlets")
"""Keys whose values are paths of this computer, from the directory of the file that says them."""

_DEEPEST = 100
"""Dots of one key."""


def files(user_file: Path, directory: Path, home: Path) -> list[Path]:
    """Those that are there, the one that wins last."""
    found = [user_file] if user_file.is_file() else []
    project = project_file(directory, home)
    if project and project.resolve() != user_file.resolve():
        found.append(project)
    return found


def project_file(directory: Path, home: Path) -> Path | None:
    """The b2p.toml of the nearest parent, up to home; never one that another user has put there."""
    for parent in (directory, *directory.parents):
        path = parent / FILE_NAME
        if path.is_file() and path.stat().st_uid in (0, os.geteuid()):
            return path
        if parent == home:
            break
    return None


def document(path: Path) -> Mapping[str, object]:
    """What a b2p.toml holds; UsageError, with line and column, where it is no TOML."""
    import tomllib

    try:
        text = path.read_text(encoding="utf-8")
        if any(line.partition("=")[0].count(".") > _DEEPEST for line in text.splitlines()):
            raise _too_deep(path)  # tomllib's memory grows with the square of it
        return tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(path)!r} is no TOML: {error}", "correct it there") from None
    except RecursionError:
        raise _too_deep(path) from None
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror}", "see to it") from None


def _too_deep(path: Path) -> UsageError:
    return UsageError(f"{str(path)!r} is no file of settings: too deep", "correct it there")


def named(paths: list[Path]) -> tuple[str, str]:
    """The machine that these files name, and the one that does so; empty where none does."""
    for path in reversed(paths):
        name = document(path).get(NAME)
        if name is None:
            continue
        if not isinstance(name, str):
            raise UsageError(f"{path}: name cannot be {name!r}", "write a machine's name there")
        try:
            return names.checked(name), str(path)
        except UsageError as error:
            raise UsageError(f"{path}: {error.message}", error.hint) from None
    return "", ""


def anchored(
    values: Mapping[str, object], file: Path, home: Path, *, confined: bool = False
) -> dict[str, object]:
    """The values with their paths made absolute, as seen from the file that says them.

    With `confined` UsageError for what lies outside of that file's directory: a project brings its
    own files into a machine, not the user's.
    """
    return {
        key: [_anchored(one, key, file, home, confined=confined) for one in raw]
        if key in PATHS and isinstance(raw, list)
        else raw
        for key, raw in values.items()
    }


def _anchored(one: object, key: str, file: Path, home: Path, *, confined: bool) -> object:
    if not isinstance(one, str) or not one:
        return one
    host, colon, guest = one.rpartition(":") if key == "files" else (one, "", "")
    path = home / host[2:] if host.startswith("~/") else file.parent / host
    if confined and not path.resolve().is_relative_to(file.parent.resolve()):
        raise UsageError(
            f"{file}: {key} cannot be {one!r}: it lies outside of the project",
            "name it in your own b2p.toml, or copy it into the project",
        )
    return f"{path}{colon}{guest}"
