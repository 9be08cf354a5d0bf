"""How talking to a machine fails.

GoneError      nothing listens there, or it hung up: QEMU is not there (any more)
SilentError    something listens and says nothing in its time
RefusedError   it understood, and would not or could not
"""

from __future__ import annotations

from b2p.errors import B2PError, StateError


class GoneError(StateError):
    """Nothing listens at a machine's socket, or it hung up."""


class SilentError(StateError):
    """Something listens at a machine's socket, but no answer came in time."""


class RefusedError(B2PError):
    """A command was understood and failed; `kind` is QMP's error class where there is one."""

    def __init__(self, message: str, hint: str = "", *, kind: str = "") -> None:
        super().__init__(message, hint)
        self.kind = kind
