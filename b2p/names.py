"""What a machine may be called. Pure."""

from __future__ import annotations

import re

from b2p.errors import UsageError

DEFAULT = "default"
FORM = re.compile(r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?", re.ASCII)
"""Of networks too."""


def checked(name: str) -> str:
    """The name itself, once it is known to do as a file, a host and a word of a shell."""
    if not FORM.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a machine's name",
            "use at most 40 of a-z, 0-9, - and _, with a letter or digit at both ends",
        )
    return name
