"""Files for guests, read back by readers of their formats."""

from __future__ import annotations

import configparser
import json
import subprocess
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from b2p import families
from b2p.machine.registries import Registries
from b2p.provision import contents
from tests.provision.examples import HOST_KEY, PLAIN, TOLD

if TYPE_CHECKING:
    from b2p.families.model import Family

FAMILY = families.by_name("fedora-coreos")


def text_of(path: str) -> str:
    return next(file.text for file in contents.files(FAMILY, TOLD) if file.path == path)


def test_podman_is_told_of_mirrors_and_of_registries_without_tls() -> None:
    document = tomllib.loads(text_of(FAMILY.places.registries))
    assert document == {
        "registry": [
            {"location": "10.0.2.2:5000", "insecure": True},
            {
                "location": "docker.io",
                "mirror": [{"location": "10.0.2.2:5000", "insecure": True}],
            },
        ]
    }


def test_docker_is_told_of_what_it_knows() -> None:
    places = replace(FAMILY.places, registries="/daemon.json", registries_format="docker")
    told = replace(TOLD, registries=Registries(insecure=("r.example:5000",)))
    (text,) = [
        file.text
        for file in contents.files(replace(FAMILY, places=places), told)
        if file.path == "/daemon.json"
    ]
    assert json.loads(text) == {"insecure-registries": ["r.example:5000"]}


def test_a_shell_and_systemd_read_the_proxy_as_it_is() -> None:
    script = f'{text_of(contents.PROFILE)}printf "%s %s" "$http_proxy" "$NO_PROXY"'
    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "http://u:p%40ss@proxy.example:3128 localhost,.example"
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.read_string(text_of(FAMILY.places.proxy))
    # The last line wins with this reader; with systemd all of them count.
    assert unit["Manager"]["DefaultEnvironment"] == '"no_proxy=localhost,.example"'


@pytest.mark.parametrize("family", families.ALL, ids=lambda family: family.name)
def test_no_family_gets_what_it_has_no_place_for(family: Family) -> None:
    paths = {file.path: file.mode for file in contents.files(family, TOLD)}
    assert "" not in paths
    assert all(path.startswith("/") for path in paths)
    assert paths.get(family.places.ssh_host_key) == 0o600
    assert HOST_KEY not in [file.text for file in contents.files(family, TOLD, host_keys=False)]
    assert set(contents.files(family, PLAIN)) <= set(contents.files(family, TOLD))
