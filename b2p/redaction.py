"""What a bug report must not tell: names, keys, logins, addresses of people. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/]{16,}={0,3}(?: [^\s\"']+)?",
    re.DOTALL,
)
_LOGIN = re.compile(r"(?<=://)[^/\s@\"']+@")
_SECRET = re.compile(
    r"((?:token|password|passwd|secret|authorization|auth|identitytoken)[\"']?\s*[:=]\s*[\"']?)"
    r"(?:(?:bearer|basic)\s+)?[^\s\"',}]+",
    re.IGNORECASE,
)
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b")


class Redaction:
    """Takes out what is told of a person; the same word always becomes the same stand-in."""

    def __init__(
        self,
        *,
        home: str,
        user: str,
        host: str,
        machines: Iterable[str],
        tokens: Iterable[str] = (),
    ) -> None:
        self._texts = [(token, "TOKEN") for token in tokens if token]
        self._texts += [(home, "~")] if len(home) > 1 else []
        words = {user: "USER", host: "HOST"}
        words |= {name: f"machine-{number}" for number, name in enumerate(sorted(machines), 1)}
        # Longer ones first: a name may be a part of another.
        words = {one: words[one] for one in sorted(words, key=len, reverse=True) if one}
        self._words = words
        self._pattern = (
            re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, words))})(?![A-Za-z0-9])")
            if words
            else None
        )

    def applied(self, text: str) -> str:
        """The text without them."""
        text = _KEYS.sub("KEY", text)
        text = _LOGIN.sub("LOGIN@", text)
        text = _SECRET.sub(r"\1SECRET", text)
        text = _MAIL.sub("MAIL", text)
        for found, shown in self._texts:
            text = text.replace(found, shown)
        if self._pattern is not None:
            text = self._pattern.sub(lambda match: self._words[match[0]], text)
        return text
