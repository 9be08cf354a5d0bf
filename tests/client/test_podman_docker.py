"""What podman and docker write down of engines, with a machine added and taken away again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from b2p.client import docker, podman
from b2p.client.documents import Change, Entry
from b2p.errors import StateError

ENTRY = Entry(
    alias="b2p-x",
    socket=Path("/s 1/podman.sock"),
    docker_socket=Path("/s 1/docker.sock"),
    description="a machine",
)
OTHERS = (
    '{"Connection":{"Default":"mine","Connections":{"mine":{"URI":"ssh://u@h/s","Identity":"/k"}}},'
    '"Farm":{"List":{"f":["mine"]}}}\n'
)


def put(changes: list[Change]) -> None:
    for change in changes:
        if change.content:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            change.path.write_text(change.content)
        else:
            change.path.unlink()


@pytest.mark.parametrize("default", [False, True])
@pytest.mark.parametrize("before", ["", OTHERS])
def test_podmans_file_is_as_before_once_a_machine_came_and_went(
    tmp_path: Path, before: str, default: bool
) -> None:
    path = tmp_path / "podman-connections.json"
    if before:
        path.write_text(before)
    client = podman.Podman(path)
    chosen = client.default()
    put(client.telling(ENTRY, default=default))
    assert client.leads_to("b2p-x") == "unix:///s 1/podman.sock"
    assert client.default() == ("b2p-x" if default else chosen)
    assert client.telling(ENTRY, default=default) == []
    put(client.forgetting(ENTRY, default_before=chosen))
    assert (path.read_text() if path.exists() else "") == before


def test_podmans_file_is_written_as_podman_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    (change,) = podman.Podman(path).telling(ENTRY, default=True)
    assert change.content == (
        '{"Connection":{"Default":"b2p-x","Connections":'
        '{"b2p-x":{"URI":"unix:///s 1/podman.sock"}}},"Farm":{}}\n'
    )


def test_a_connection_that_was_led_elsewhere_is_not_taken_away(tmp_path: Path) -> None:
    client = podman.Podman(tmp_path / "c.json")
    put(client.telling(ENTRY, default=False))
    elsewhere = client.place.read_text().replace("podman.sock", "another")
    client.place.write_text(elsewhere)
    assert client.forgetting(ENTRY, default_before="") == []


def test_a_default_that_is_gone_does_not_come_back(tmp_path: Path) -> None:
    client = podman.Podman(tmp_path / "c.json")
    put(client.telling(ENTRY, default=True))
    put(client.telling(replace(ENTRY, alias="b2p-y"), default=False))
    put(client.forgetting(ENTRY, default_before="gone"))
    assert client.default() == ""


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"Connection":[]}', '{"Connection":{"Connections":1}}']
)
def test_a_file_that_is_not_podmans_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(StateError) as caught:
        podman.Podman(path).telling(ENTRY, default=False)
    assert str(path) in caught.value.message


def test_where_podman_keeps_its_connections() -> None:
    end = "containers/podman-connections.json"
    assert podman.place({"HOME": "/h"}) == Path("/h/.config") / end
    assert podman.place({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == Path("/c") / end
    assert podman.place({"HOME": "/h", "PODMAN_CONNECTIONS_CONF": "/p"}) == Path("/p")


@pytest.mark.parametrize("default", [False, True])
@pytest.mark.parametrize("config", ["", '{\n\t"auths": {},\n\t"currentContext": "default"\n}'])
def test_dockers_files_are_as_before_once_a_machine_came_and_went(
    tmp_path: Path, config: str, default: bool
) -> None:
    if config:
        (tmp_path / "config.json").write_text(config)
    client = docker.Docker(tmp_path)
    chosen = client.default()
    put(client.telling(ENTRY, default=default))
    assert client.leads_to("b2p-x") == "unix:///s 1/docker.sock"
    assert client.default() == ("b2p-x" if default else chosen)
    assert client.telling(ENTRY, default=default) == []
    put(client.forgetting(ENTRY, default_before=chosen))
    left = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    # "default" is docker's word for no context at all.
    after = config.replace(',\n\t"currentContext": "default"', "") if default else config
    assert left == ({tmp_path / "config.json": after} if config else {})


def test_a_context_of_an_older_b2p_is_taken_away_too(tmp_path: Path) -> None:
    client = docker.Docker(tmp_path)
    put(client.telling(replace(ENTRY, docker_socket=ENTRY.socket), default=False))
    put(client.forgetting(ENTRY, default_before=""))
    assert client.leads_to("b2p-x") == ""


def test_a_context_lies_where_docker_looks_for_it(tmp_path: Path) -> None:
    entry = replace(ENTRY, docker_socket=Path("/tmp/a.sock"), description="hello")
    (change,) = docker.Docker(tmp_path).telling(entry, default=False)
    # As docker 26 named it.
    name = "8e9b914906ed5b0b0da00f788f5f99901db82552ad5cd47188a8f43dd7e7bc42"
    assert change.path == tmp_path / "contexts/meta" / name / "meta.json"
    assert json.loads(change.content) == {
        "Name": "b2p-x",
        "Metadata": {"Description": "hello"},
        "Endpoints": {"docker": {"Host": "unix:///tmp/a.sock", "SkipTLSVerify": False}},
    }
