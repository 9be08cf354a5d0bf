from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"2026-01-02T03:04:05Z a line\n", ("2026-01-02T03:04:05Z", "F", "a line")),
        (b"2026-01-02T03:04:05Z part", ("2026-01-02T03:04:05Z", "P", "part")),
        (b"2026-01-02T03:04:05Z \n", ("2026-01-02T03:04:05Z", "F", "")),
        (b"2026-01-02T03:04:05Z \xff\n", ("2026-01-02T03:04:05Z", "F", "\ufffd")),
    ],
)
def test_a_line(gateway: Any, payload: bytes, wanted: tuple[str, str, str]) -> None:
    logs = gateway("shapes.logs")
    assert logs.parted(payload) == wanted
    time, kind, message = wanted
    assert logs.raw_line("stderr", payload) == f"{time} stderr {kind} {message}\n"
    assert logs.log_line("stdout", payload, "c1") == {
        "device": "stdout",
        "parseLogType": kind,
        "time": time,
        "msg": message,
        "cid": "c1",
    }
