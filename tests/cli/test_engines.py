"""What the verbs say of a machine with docker's engine, and of wishes for one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from b2p.cli.main import run
from tests import fakes_machine as fakes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from b2p.store.layout import Layout

    Capture = pytest.CaptureFixture[str]


def test_env_leads_dockers_clients_alone(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout, engine="docker")
    socket = layout.machine("default").podman
    assert run(["-q", "env"]) == 0
    assert capsys.readouterr().out == f"export DOCKER_HOST=unix://{socket};\n"
    assert run(["env", "--unset"]) == 0
    assert "unset DOCKER_HOST;" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["env", "--rootless"], "has docker, which is root's alone"),
        (["env", "--varlink"], "has docker, which speaks no varlink"),
    ],
)
def test_what_docker_has_not_is_told_in_a_line(
    layout: Layout, capsys: Capture, words: Sequence[str], said: str
) -> None:
    fakes.stopped_machine(layout, engine="docker")
    assert run(["-q", *words]) == 2
    assert said in capsys.readouterr().err


def test_podman_is_pointed_at_docker(layout: Layout, capsys: Capture) -> None:
    with fakes.running_machine(layout, engine="docker"):
        assert run(["podman", "run", "--rm", "x y"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "has no podman, but docker" in first
    assert second.strip() == "give docker the words: b2p ssh default -- docker run --rm 'x y'"


def test_status_names_the_engine_and_the_sockets_that_there_are(
    layout: Layout, capsys: Capture
) -> None:
    with fakes.running_machine(layout, engine="docker"):
        run(["status", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["engine"] == "docker"
    assert "core_socket" not in found
    assert found["docker_socket"] == str(layout.machine("default").docker)


@pytest.mark.parametrize(
    "words", [["up"], ["scratch", "--", "true"], ["image", "build"]], ids=lambda words: words[0]
)
@pytest.mark.usefixtures("home")
def test_an_engine_that_there_is_not_is_told(words: Sequence[str], capsys: Capture) -> None:
    place = 2 if words[0] == "image" else 1
    assert run([*words[:place], "--engine", "rkt", *words[place:]]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "engine cannot be 'rkt'" in first
    assert "podman or docker" in second


def test_projects_and_the_environment_may_choose_it(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "b2p.toml").write_text('engine = "docker"\n')
    assert run(["config", "--json"]) == 0
    assert '"docker"' in capsys.readouterr().out
    monkeypatch.setenv("B2P_ENGINE", "containerd")
    assert run(["config"]) == 2
    assert "engine cannot be 'containerd'" in capsys.readouterr().err
