"""The words of `b2p port`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from b2p.cli.main import run
from tests.fakes_machine import stopped_machine

if TYPE_CHECKING:
    from b2p.store.layout import Layout


@pytest.mark.parametrize("words", [["port"], ["port", "default"], ["port", "ls", "default"]])
def test_ports_are_listed(
    layout: Layout, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_machine(layout)
    assert run(words) == 0
    assert "no port leads to machine 'default'" in capsys.readouterr().err
    assert run(["port", "add", "8080:80", "0.0.0.0:53:5353/udp"]) == 0
    capsys.readouterr()
    assert run(words) == 0
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.split() == ["HERE", "MACHINE", "BY", "PROBLEM"]
    assert first.split() == ["127.0.0.1:8080", "80/tcp", "hand"]
    assert second.split() == ["0.0.0.0:53", "5353/udp", "hand"]
    assert run([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == 1
    assert said["ports"][0] == {
        "by": "hand",
        "protocol": "tcp",
        "guest_port": 80,
        "address": "127.0.0.1",
        "host_port": 8080,
        "problem": "",
    }
    assert run(["port", "rm", "8080:80"]) == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["port", "add"], "missing argument"),
        (["port", "add", "80"], "write HOST:GUEST"),
        (["port", "rm", "8080:80"], "was not added"),
        (["port", "web"], "there is no machine 'web'"),
        (["port", "add", "-m", "web", "8080:80"], "there is no machine 'web'"),
        (["port", "--nonsense"], "no such option"),
    ],
)
def test_wrong_words_are_told(
    layout: Layout, words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped_machine(layout)
    assert run(words) == 2
    assert reason in capsys.readouterr().err


def test_help_is_at_hand(home: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["port", "--help"]) == 0
    assert "docker run -p 8080:80" in capsys.readouterr().out
