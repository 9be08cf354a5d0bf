"""The text of registries.conf."""

from __future__ import annotations

import tomllib

import pytest

from b2p.machine.registries import FORM, Registries


def test_where_nothing_is_wished_there_is_no_file() -> None:
    assert Registries().for_podman() == ""
    assert Registries().for_docker() == ""
    assert Registries(mirrors=("quay.io=a.example",)).for_docker() == ""


def test_all_wishes_are_in_one_file() -> None:
    text = Registries(
        search=("quay.io", "docker.io"),
        mirrors=("docker.io=a.example:5000", "docker.io=b.example/hub"),
        insecure=("b.example/hub", "10.0.2.2:5000"),
    ).for_podman()
    assert tomllib.loads(text) == {
        "unqualified-search-registries": ["quay.io", "docker.io"],
        "registry": [
            {"location": "10.0.2.2:5000", "insecure": True},
            {"location": "b.example/hub", "insecure": True},
            {
                "location": "docker.io",
                "mirror": [
                    {"location": "a.example:5000"},
                    {"location": "b.example/hub", "insecure": True},
                ],
            },
        ],
    }


@pytest.mark.parametrize("name", ["docker.io", "localhost:5000", "10.0.2.2:5000/a/b-c"])
def test_names_of_registries(name: str) -> None:
    assert FORM.fullmatch(name)


@pytest.mark.parametrize("name", ["", "https://x", "x:port", 'a"b', "-x", "a b"])
def test_what_names_none(name: str) -> None:
    assert not FORM.fullmatch(name)
