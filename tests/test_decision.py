"""What a machine is to be."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from b2p import __version__, decision, sizes
from b2p.errors import UsageError
from b2p.settings import Settings
from b2p.store.record import Record

NOW = "2026-01-02T03:04:05+00:00"


def settings(**said: Any) -> Settings:
    return Settings(**{"cpus": 4, "mounts": (), **said}, said=frozenset(said))


def made(**said: Any) -> Record:
    wishes = settings(**said)
    return decision.made(
        "web", wishes, arch="x86_64", image="0123", uuid="u", now=NOW, extra=("-x",)
    )


def test_a_new_machine_has_all_that_was_wished() -> None:
    assert made(memory=3 * sizes.GIB, disk=5 * sizes.GIB, accel="tcg") == Record(
        name="web",
        uuid="u",
        arch="x86_64",
        image="0123",
        cpus=4,
        memory_mib=3072,
        disk_bytes=5 * sizes.GIB,
        accel="tcg",
        created=NOW,
        written_by=__version__,
        extra=("-x",),
    )


def test_what_nobody_said_stays_as_it_was_decided() -> None:
    before = replace(made(memory=sizes.GIB), cpus=7, accel="tcg", ssh_port=22000, written_by="0")
    after = decision.changed(before, settings(), image="4567", extra=None)
    changed = {
        one.name for one in fields(Record) if getattr(before, one.name) != getattr(after, one.name)
    }
    assert changed == {"image", "written_by"}
    assert (after.image, after.written_by) == ("4567", __version__)


@pytest.mark.parametrize(
    ("key", "value", "member", "expected"),
    [
        ("cpus", 1, "cpus", 1),
        ("memory", 4 * sizes.GIB, "memory_mib", 4096),
        ("disk", 200 * sizes.GIB, "disk_bytes", 200 * sizes.GIB),
        ("accel", "tcg", "accel", "tcg"),
    ],
)
def test_what_was_said_is_taken_and_told(key: str, value: Any, member: str, expected: Any) -> None:
    before = made()
    said = settings(**{key: value})
    assert getattr(decision.changed(before, said, image="", extra=None), member) == expected
    (told,) = decision.differences(before, said)
    assert told.startswith(f"{key} ")
    assert decision.differences(decision.changed(before, said, image="", extra=None), said) == []


def test_options_of_qemu_are_told_and_may_be_taken_back() -> None:
    before = made()
    assert decision.differences(before, settings(), extra=("-y", "z")) == ["QEMU's option -y z"]
    assert decision.differences(before, settings(), extra=("-x",)) == []
    assert decision.changed(before, settings(), image="", extra=()).extra == ()


def test_a_machine_keeps_its_architecture() -> None:
    before = made()
    for same in ("auto", "x86_64"):
        assert decision.changed(before, settings(arch=same), image="", extra=None).arch == "x86_64"
    with pytest.raises(UsageError, match=r"'web' is an x86_64 one, .* become aarch64") as one:
        decision.changed(before, settings(arch="aarch64"), image="", extra=None)
    assert "b2p up NAME --arch aarch64" in one.value.hint


def test_a_disk_does_not_shrink() -> None:
    with pytest.raises(UsageError, match="holds 100GiB and cannot shrink to 99GiB") as caught:
        decision.changed(made(), settings(disk=99 * sizes.GIB), image="", extra=None)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("asked", "family", "told"),
    [
        ("b2p", "", []),
        ("0123", "", []),
        ("./a.qcow2", "", []),
        ("https://example.org/a.iso", "debian", []),
        ("debian", "debian", []),
        ("b2p", "debian", ["image b2p"]),
        ("flatcar", "", ["image flatcar"]),
    ],
)
def test_another_image_than_the_machines_is_told(asked: str, family: str, told: list[str]) -> None:
    record = replace(made(), family=family, image="0123456789")
    assert decision.differences(record, settings(image=asked)) == told


def test_a_machine_keeps_its_engine() -> None:
    before = made(engine="docker")
    assert before.engine == "docker"
    assert before.varlink == "off"
    after = decision.changed(before, settings(engine="docker", varlink="tcp"), image="", extra=None)
    assert (after.engine, after.varlink) == ("docker", "off")
    assert decision.changed(before, settings(), image="", extra=None).engine == "docker"
    with pytest.raises(UsageError, match="'web' has docker, and keeps it") as caught:
        decision.changed(before, settings(engine="podman"), image="", extra=None)
    assert caught.value.hint == "make another one: b2p up NAME --engine podman"


def test_the_engine_of_a_familys_image_is_nobodys_wish() -> None:
    before = replace(made(), family="fedora")
    after = decision.changed(before, settings(engine="docker"), image="", extra=None)
    assert after.engine == "podman"
