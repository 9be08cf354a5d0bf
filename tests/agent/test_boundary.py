"""The firewall that keeps a machine from the host's loopback: put up and taken away once each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_is_put_up_once_and_taken_away_once(
    agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    boundary = agent.boundary
    monkeypatch.setattr(boundary, "MARK", str(tmp_path / "run/closed"))
    monkeypatch.setattr(boundary.power, "run_with", lambda text, *_words: done.append(text))
    for closed in (False, True, True, False, False):
        boundary.be(closed=closed)
    assert done == [boundary.TABLE, boundary.EMPTY]


def test_what_is_refused_is_tried_again(
    agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_words: str) -> None:
        raise OSError

    boundary = agent.boundary
    monkeypatch.setattr(boundary, "MARK", str(tmp_path / "closed"))
    monkeypatch.setattr(boundary.power, "run_with", refused)
    for _ in range(2):
        try:
            boundary.be(closed=True)
        except OSError:
            continue
        raise AssertionError("nobody was told")
