"""What a person, a project or the environment asks for: settings, names, mounts, user-data."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from b2p import families, names, project, proxies, settings, sizes, surroundings
from b2p.copying import place
from b2p.errors import B2PError
from b2p.families.model import Ignition, NoCloud
from b2p.machine import forwards, share
from b2p.provision import ignition, multipart, nocloud, told
from b2p.settings import Layer
from tests.hostile_input import (
    DEEP,
    EVIL_NAMES,
    escapes,
    harmless,
    json_values,
    objects,
    spoiled,
)
from tests.hostile_input import (
    names as wild,
)
from tests.provision.examples import TOLD

TOML = b'cpus = 2\nmemory = "2GiB"\nname = "web"\nmounts = ["~"]\n[machine.web]\ndisk = "10GiB"\n'
keys = st.sampled_from(sorted(settings.KEYS))


@example(b"a = " + DEEP)
@example(b"a." * 50_000 + b"b = 1")
@given(spoiled(TOML) | st.binary(max_size=60))
def test_a_file_of_settings(content: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="b2p-") as folder, harmless():
        path = Path(folder) / "b2p.toml"
        path.write_bytes(content)
        document = project.document(path)
        project.named([path])
        settings.merged(settings.file_layers(document, "web", str(path)), cores=2)


@given(st.dictionaries(keys, json_values, max_size=4) | json_values)
def test_settings_of_any_kind(values: Any) -> None:
    with harmless():
        document = values if isinstance(values, dict) else {"machine": values}
        layers = settings.project_layers(document, "web", "b2p.toml")
        anchored = [
            Layer(
                one.origin,
                project.anchored(one.values, Path("/p/b2p.toml"), Path("/h"), confined=True),
            )
            for one in layers
        ]
        settings.merged(anchored, cores=2)


@given(keys, st.text(max_size=30) | wild)
def test_settings_by_the_environment(key: str, text: str) -> None:
    with harmless():
        layer = settings.environment_layer({f"B2P_{key.upper()}": text})
        settings.merged([layer], cores=2)


@given(wild | escapes)
def test_a_name_is_a_name_everywhere(text: str) -> None:
    with harmless():
        found = names.checked(text)
        assert found.isascii()
        assert "/" not in found
        assert found not in ("", ".", "..")
        assert not found.startswith("-")
        assert found.isprintable()


@pytest.mark.parametrize("text", EVIL_NAMES)
def test_no_evil_name_is_a_machines(text: str) -> None:
    with pytest.raises(B2PError):
        names.checked(text)


@given(st.text(max_size=40) | st.just("9" * 5000 + "GiB"))
def test_a_size(text: str) -> None:
    with harmless():
        sizes.written(sizes.parsed(text))


PIECES = st.sampled_from(
    [":", "/", "..", "ro", "cached", "~", ",", "=", "0.0.0.0", "8080", "-", "/udp", "%", "\n"]
)
words = st.lists(PIECES | st.text(max_size=4), max_size=8).map("".join)


@given(words)
def test_a_mount(text: str) -> None:
    with harmless():
        found = share.parsed(text)
        assert ".." not in found.guest.split("/")
        assert found.guest.startswith("/")
        assert share.parsed(str(found)) == found


@given(words)
def test_a_port(text: str) -> None:
    with harmless():
        for rule in forwards.parsed(text):
            assert "," not in rule.whole
            assert 1 <= rule.host_port <= 65535


@given(words)
def test_a_place_to_copy_to(text: str) -> None:
    with harmless():
        found = place(text, "default")
        assert not found.machine or names.checked(found.machine)


@given(st.lists(words, max_size=3))
def test_registries_end_no_quotes_of_a_file(found: list[str]) -> None:
    import tomllib

    with harmless():
        layer = Layer("x", {"registries": found, "insecure_registries": found})
        merged = settings.merged([layer], cores=1)
        text = merged.of_registries.for_podman()
        assert tomllib.loads(text).get("unqualified-search-registries", []) == found


@given(words | st.sampled_from(["http://[", "http://a:b", "http://\u2100"]))
def test_a_proxy(text: str) -> None:
    with harmless():
        proxies.for_guest({"http_proxy": text})
        surroundings.proxies({"http_proxy": text})


@pytest.mark.parametrize("text", ["http://[", "http://a:b", "http://\u2100"])
def test_a_broken_proxy_is_told_as_deaf(text: str) -> None:
    assert [name for name, _ in surroundings.deaf_proxies({"http_proxy": text})] == ["http_proxy"]


USER_DATA = b"#cloud-config\npackages: [htop]\nwrite_files:\n  - {path: /x, content: y}\n"
MIME = multipart.joined(USER_DATA, b"#!/bin/sh\ntrue\n")


@given(
    spoiled(USER_DATA)
    | spoiled(MIME)
    | st.text(max_size=40).map(lambda text: b"#cloud-config\n" + text.encode("utf-8", "replace"))
    | st.just(b"#cloud-config\n" + b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")
)
def test_user_data_of_any_kind(data: bytes) -> None:
    with harmless():
        family = families.by_name("debian")
        assert isinstance(family.provisioner, NoCloud)
        nocloud.seed(family, family.provisioner, TOLD, user_data=data)


def test_user_data_that_is_deep() -> None:
    with pytest.raises(B2PError, match="not YAML"):
        multipart.kind_of(b"#cloud-config\n" + DEEP)


IGNITION = {"ignition": {"version": "3.0.0"}, "passwd": {"users": []}}


@given(
    objects(**IGNITION).map(lambda value: json.dumps(value).encode())
    | json_values.map(lambda v: json.dumps(v).encode())
    | spoiled(json.dumps(IGNITION).encode())
    | st.just(DEEP)
)
def test_an_ignition_of_any_kind(data: bytes) -> None:
    with harmless():
        family = families.by_name("fedora-coreos")
        assert isinstance(family.provisioner, Ignition)
        ignition.config(family, family.provisioner, TOLD, user=data or b" ")


@given(wild | escapes, words)
def test_what_a_guest_is_told(key: str, proxy: str) -> None:
    with harmless():
        told.Told(name="web", instance="u", keys=(key,), proxy={"HTTP_PROXY": proxy})
