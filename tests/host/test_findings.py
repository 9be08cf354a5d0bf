"""The file of findings: a cache that may vanish or rot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.host import findings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "findings.json"


def test_a_finding_is_found_again_and_others_stay(path: Path) -> None:
    findings.write(path, "qemu", "a", {"version": 1})
    findings.write(path, "qemu", "b", {"version": 2})
    findings.write(path, "accelerators", "a", {"why": ""})
    findings.write(path, "qemu", "a", {"version": 3})
    assert findings.read(path, "qemu", "a") == {"version": 3}
    assert findings.read(path, "qemu", "b") == {"version": 2}
    assert findings.read(path, "accelerators", "a") == {"why": ""}
    assert findings.read(path, "qemu", "c") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"schema": 99, "qemu": {"a": {}}}',
        b'{"schema": 1}',
        b'{"schema": 1, "qemu": []}',
        b'{"schema": 1, "qemu": {"a": 1}}',
    ],
)
def test_a_rotten_file_is_an_empty_one(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert findings.read(path, "qemu", "a") is None
    findings.write(path, "qemu", "a", {"version": 1})
    assert findings.read(path, "qemu", "a") == {"version": 1}


def test_the_oldest_findings_go(path: Path) -> None:
    for number in range(5):
        findings.write(path, "qemu", str(number), {"n": number}, keep=3)
    kept = [number for number in range(5) if findings.read(path, "qemu", str(number))]
    assert kept == [2, 3, 4]


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    findings.write(path, "qemu", "a", {"version": 1})
    assert [one.name for one in path.parent.iterdir()] == ["findings.json"]


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings.write(tmp_path / "file" / "findings.json", "qemu", "a", {})
    assert findings.read(tmp_path / "file" / "findings.json", "qemu", "a") is None
