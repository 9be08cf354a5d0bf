"""What a guest is told: who its user is, its name and keys. One frozen value, checked once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from b2p import names
from b2p.errors import UsageError
from b2p.machine.registries import FORM, Registries

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

_KEY = re.compile(r"[a-z][A-Za-z0-9@.+-]* [A-Za-z0-9+/]{20,}={0,3}( [^\x00-\x1f\x7f]*)?")
# It stands in units, shell scripts and TOML: none of them must be able to end its quotes.
_PROXY = re.compile(r"[^\s\x00-\x1f\x7f\"'\\$`<>]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Raises UsageError for what would not reach the guest as it is."""

    name: str
    """The machine's, which becomes the guest's."""
    instance: str
    """Another one makes the guest do its first boot's work again: the machine's UUID."""
    keys: tuple[str, ...]
    """Lines of authorized_keys."""
    host_key: str = field(default="", repr=False)
    """The guest's own private key as ssh-keygen writes it; empty: the guest makes one."""
    host_key_public: str = ""
    proxy: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By the names of PROXY_NAMES."""
    registries: Registries = field(default_factory=Registries)

    def __post_init__(self) -> None:
        names.checked(self.name)
        for key in self.keys:
            _checked_key(key)
        for name, value in self.proxy.items():
            if name not in PROXY_NAMES or not _PROXY.fullmatch(value):
                raise UsageError(
                    f"{name} cannot be {value!r} in a guest",
                    f"the names are {', '.join(PROXY_NAMES)}; write special characters as %XX",
                )
        for word in self.registries.words:
            if not FORM.fullmatch(word):
                raise UsageError(f"{word!r} cannot be a registry", "write HOST or HOST:PORT")
        if bool(self.host_key) != bool(self.host_key_public):
            raise ValueError("a host key has two halves")

    @property
    def authorized_keys(self) -> str:
        """The file's text."""
        return "".join(f"{key}\n" for key in self.keys)


def _checked_key(key: str) -> None:
    if "PRIVATE KEY" in key:
        raise UsageError("a private key was given as the user's key", "give the .pub beside it")
    if not _KEY.fullmatch(key):
        shown = f"{key[:40]!r} ..." if len(key) > 40 else repr(key)
        raise UsageError(f"{shown} is not a public key", "give the line of an id_*.pub file")
