"""Log lines: what podman sends with timestamps, as k8s-file lines and as LogLine."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

END = {"device": "", "parseLogType": "", "time": "", "msg": "", "cid": ""}


def parted(payload: bytes) -> tuple[str, str, str]:
    """Time, F for a whole line or P for a part of one, and the text without its newline."""
    text = payload.decode("utf-8", "replace")
    time, _, message = text.partition(" ")
    return time, "F" if message.endswith("\n") else "P", message.removesuffix("\n")


def raw_line(device: str, payload: bytes) -> str:
    """The line as it stood in the log file of 2019."""
    time, kind, message = parted(payload)
    return f"{time} {device} {kind} {message}\n"


def log_line(device: str, payload: bytes, identity: str) -> dict[str, Any]:
    """A LogLine of the container with that full id."""
    time, kind, message = parted(payload)
    return {"device": device, "parseLogType": kind, "time": time, "msg": message, "cid": identity}
