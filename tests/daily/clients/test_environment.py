"""`b2p env` leads docker compose and testcontainers to a machine, and nothing else is needed."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import await_true
from tests.daily.clients.conftest import after_env, last_json, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.boot.person import Person

pytestmark = pytest.mark.daily

SCRIPTS = Path(__file__).parent / "scripts"
COMPOSE = f"""
services:
  built:
    build:
      context: .
      dockerfile: Containerfile
    command: ["httpd", "-f", "-p", "8000", "-h", "/served"]
    volumes: ["./source:/served/source"]
    ports: ["127.0.0.1::8000"]
  plain:
    image: {BUSYBOX}
    command: ["sleep", "1000"]
    depends_on: [built]
"""
CONTAINERFILE = f"FROM {BUSYBOX}\nCOPY word /served/word\n"


@pytest.fixture
def project(person: Person) -> Iterator[Path]:
    """A directory with two services, one of them built from what lies there."""
    directory = person.home / "project"
    directory.mkdir()
    (directory / "compose.yaml").write_text(COMPOSE)
    (directory / "Containerfile").write_text(CONTAINERFILE)
    (directory / "word").write_text("from here\n")
    (directory / "source").mkdir()
    (directory / "source" / "page").write_text("first\n")
    yield directory
    shutil.rmtree(directory)


def fetched(place: str, path: str) -> str:
    """What the web server there has; empty where none listens yet."""
    try:
        with urllib.request.urlopen(f"http://{place}/{path}", timeout=60) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_vs_codes_dev_container_has_the_project_in_it(
    docker: Docker, docker_cli: Path, devcontainer: list[str]
) -> None:
    environment = after_env(docker.person, "--docker")
    project = docker.person.home / "developed"
    (project / ".devcontainer").mkdir(parents=True)
    # It goes in as root by name.
    (project / "passwd").write_text("root:x:0:0:root:/tmp:/bin/sh\n")
    (project / "Containerfile").write_text(f"FROM {BUSYBOX}\nCOPY passwd /etc/passwd\n")
    image = "localhost/developed"
    docker("build", "-t", image, "-f", str(project / "Containerfile"), str(project))
    wish = {"image": image, "overrideCommand": True, "updateRemoteUserUID": False}
    (project / ".devcontainer/devcontainer.json").write_text(json.dumps(wish))
    (project / "word").write_text("from here\n")
    more = ("--workspace-folder", project, "--docker-path", docker_cli)
    up = last_json(run(*devcontainer, "up", *more, environment=environment))
    try:
        assert up["outcome"] == "success"
        said = run(*devcontainer, "exec", *more, "cat", "word", environment=environment)
        assert said.out == "from here\n"
        run(*devcontainer, "exec", *more, "sh", "-c", "echo back >word", environment=environment)
        assert (project / "word").read_text() == "back\n"
    finally:
        docker.remove(up["containerId"])
        shutil.rmtree(project)


def test_testcontainers_generic_container_lives_and_is_gone(
    docker: Docker, testcontainers_python: Path
) -> None:
    environment = after_env(docker.person, "--testcontainers")
    script = SCRIPTS / "generic_container.py"
    found = last_json(run(testcontainers_python, script, BUSYBOX, "ports", environment=environment))
    assert found == {
        "host": "127.0.0.1",
        "environment": "value\n",
        "logs": "begun\n",
        "served": "served\n",
    }
    assert not docker("ps", "-aq", "--filter", "label=org.testcontainers=true")


def test_compose_builds_starts_publishes_and_shows_an_edit_at_once(
    docker: Docker, compose: Path, project: Path
) -> None:
    environment = after_env(docker.person, "--docker")
    try:
        run(compose, "up", "--detach", environment=environment, cwd=project)
        word = run(compose, "exec", "-T", "built", "cat", "/served/word",
                   environment=environment, cwd=project)  # fmt: skip
        assert word.out == "from here\n"
        port = run(compose, "port", "built", "8000", environment=environment, cwd=project)
        place = port.out.strip()
        assert place.startswith("127.0.0.1:")
        await_true("its answer", lambda: fetched(place, "word") == "from here\n")
        assert fetched(place, "source/page") == "first\n"
        (project / "source" / "page").write_text("edited here\n")
        assert fetched(place, "source/page") == "edited here\n"
        listed = run(compose, "ps", "--services", environment=environment, cwd=project)
        assert sorted(listed.out.split()) == ["built", "plain"]
    finally:
        run(compose, "down", "--timeout", "0", environment=environment, cwd=project)
    assert not docker("ps", "-aq", "--filter", "label=com.docker.compose.project=project")
