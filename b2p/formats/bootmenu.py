"""The menus of an ISO's boot loader (isolinux.cfg, grub.cfg): kernel, initrds and command line."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_GRUB_LINUX = {"linux", "linuxefi", "linux16"}
_GRUB_INITRD = {"initrd", "initrdefi", "initrd16"}
_NOT_KERNELS = (".c32", ".bin", ".bs", ".0", ".com", ".cbt")
"""What isolinux also starts as a `kernel`: its own modules, and other loaders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line of a menu that boots Linux; paths are absolute in the ISO."""

    label: str
    kernel: str
    initrds: tuple[str, ...]
    command_line: str


@dataclass(slots=True)
class _Draft:
    label: str
    kernel: str = ""
    initrds: list[str] = field(default_factory=list)
    words: str | None = None


def is_menu(path: str) -> bool:
    """Whether a file of that path is such a menu."""
    name = posixpath.basename(path).lower()
    return name in ("isolinux.cfg", "syslinux.cfg", "extlinux.conf", "grub.cfg")


def default(text: str, *, path: str) -> Choice | None:
    """What the menu at `path` boots unasked: its own default, else its first Linux."""
    is_grub = path.lower().endswith("grub.cfg")
    wanted, choices = (_grub if is_grub else _isolinux)(text, posixpath.dirname(path))
    if wanted.isdigit() and is_grub and int(wanted) < len(choices):
        return choices[int(wanted)]
    named = (one for one in choices if one.label.lower() == wanted.lower())
    return next(named, choices[0] if choices else None)


def included(text: str, *, path: str) -> tuple[str, ...]:
    """The absolute paths of other files that an isolinux menu is made of."""
    names = re.findall(r"^\s*(?:menu\s+)?include\s+(\S+)", text, re.IGNORECASE | re.MULTILINE)
    return tuple(_absolute(name, posixpath.dirname(path)) for name in names)


def with_console(command_line: str, console: str) -> str:
    """The command line, with `console` added where the kernel would not speak there."""
    spoken = {word.removeprefix("console=").partition(",")[0] for word in command_line.split()}
    return command_line if console in spoken else f"{command_line} console={console}".strip()


def _isolinux(text: str, folder: str) -> tuple[str, list[Choice]]:
    wanted, common = "", ""
    drafts: list[_Draft] = []
    for line in text.splitlines():
        word, rest = [*line.split(None, 1), "", ""][:2]
        word, rest = word.lower(), rest.strip()
        if word == "default":
            wanted = rest
        elif word == "label":
            drafts.append(_Draft(rest))
        elif word == "menu" and rest.lower() == "default" and drafts:
            wanted = drafts[-1].label
        elif word == "append" and not drafts:
            common = rest
        elif drafts:
            _fill(drafts[-1], word, rest)
    return wanted, [_isolinux_choice(one, common, folder) for one in drafts if _is_linux(one)]


def _fill(draft: _Draft, word: str, rest: str) -> None:
    if word in ("kernel", "linux"):
        draft.kernel = rest
    elif word == "initrd":
        draft.initrds = rest.split(",")
    elif word == "append":
        draft.words = "" if rest == "-" else rest


def _is_linux(draft: _Draft) -> bool:
    return bool(draft.kernel) and not draft.kernel.lower().endswith(_NOT_KERNELS)


def _isolinux_choice(draft: _Draft, common: str, folder: str) -> Choice:
    words = (common if draft.words is None else draft.words).split()
    initrds = list(draft.initrds)
    for word in [word for word in words if word.startswith("initrd=")]:
        initrds = word.removeprefix("initrd=").split(",")
    return Choice(
        label=draft.label,
        kernel=_absolute(draft.kernel, folder),
        initrds=tuple(_absolute(one, folder) for one in initrds),
        command_line=" ".join(word for word in words if not word.startswith("initrd=")),
    )


def _grub(text: str, folder: str) -> tuple[str, list[Choice]]:  # noqa: ARG001 - paths are absolute
    wanted = ""
    drafts: list[_Draft] = []
    for line in text.splitlines():
        words = _words(line)
        match words:
            case ["set", assignment, *_] if assignment.startswith("default="):
                wanted = assignment.removeprefix("default=")
            case ["menuentry", label, *_]:
                drafts.append(_Draft(label))
            case [linux, kernel, *rest] if linux in _GRUB_LINUX:
                drafts = drafts or [_Draft("")]
                drafts[-1].kernel, drafts[-1].words = kernel, " ".join(_plain(rest))
            case [initrd, *paths] if initrd in _GRUB_INITRD and drafts:
                drafts[-1].initrds = paths
    choices = [
        Choice(
            label=one.label,
            kernel=_absolute(one.kernel, "/"),
            initrds=tuple(_absolute(path, "/") for path in one.initrds),
            command_line=one.words or "",
        )
        for one in drafts
        if one.kernel
    ]
    return wanted, choices


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def _plain(words: Iterable[str]) -> list[str]:
    """The words without variables that only GRUB could fill in."""
    return [word for word in words if "$" not in word]


def _absolute(path: str, folder: str) -> str:
    path = re.sub(r"^\([^)]*\)", "", path)
    return posixpath.normpath(posixpath.join("/", folder, path))
