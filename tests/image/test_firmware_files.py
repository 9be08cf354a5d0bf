"""Firmware as it goes into a guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.image import firmware_files
from b2p.machine import engines, ports

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("initrd", "build", "guest/etc", "guest/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "initrd/init").write_text("#!/bin/sh\nport @PODMAN@\n")
    (tmp_path / "build/finish").write_text("plain\n")
    (tmp_path / "guest/etc/b").write_text("x\n")
    (tmp_path / "guest/etc/a").write_text("y\n")
    (tmp_path / "guest/__pycache__/a.pyc").write_bytes(b"z")
    return tmp_path


def test_words_are_filled_with_what_both_sides_share() -> None:
    text = b"@PODMAN@ @CONTROL_PORT_NAME@ user@host a@b@c @lower@"
    name = ports.CONTROL_PORT_NAME.encode()
    assert firmware_files.filled(text) == b"2375 " + name + b" user@host a@b@c @lower@"


def test_files_come_sorted_and_scripts_may_be_run(root: Path) -> None:
    assert firmware_files.files_below(root) == [
        ("build/finish", b"plain\n", 0o644),
        ("guest/etc/a", b"y\n", 0o644),
        ("guest/etc/b", b"x\n", 0o644),
        ("initrd/init", b"#!/bin/sh\nport 2375\n", 0o755),
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("guest/etc/a", "other"),
        ("guest/etc/new", ""),
        ("build/finish", "#!plain\n"),
        ("initrd/init", "#!/bin/sh\nport @SSH@\n"),
    ],
)
def test_whatever_goes_into_a_guest_changes_the_digest(root: Path, path: str, text: str) -> None:
    before = firmware_files.digest(root)
    (root / path).write_text(text)
    assert firmware_files.digest(root) != before


def test_what_does_not_go_into_a_guest_leaves_the_digest(root: Path) -> None:
    before = firmware_files.digest(root)
    (root / "guest/__pycache__/b.pyc").write_bytes(b"new")
    (root / "probe").mkdir()
    (root / "probe/x.bin").write_bytes(b"new")
    assert firmware_files.digest(root) == before


def test_an_engines_own_files_win_and_change_no_other_engines_digest(root: Path) -> None:
    podman = firmware_files.digest(root)
    docker = firmware_files.digest(root, engines.DOCKER)
    own = root / "docker/guest/etc"
    own.mkdir(parents=True)
    (own / "a").write_text("docker's @GATE@\n")
    (root / "guest/usr/bin").mkdir(parents=True)
    (root / "guest/usr/bin/varlink").write_text("v\n")
    assert firmware_files.files_of(root, "guest", engines.DOCKER) == [
        ("etc/a", b"docker's /etc/docker/daemon.json\n", 0o644),
        ("etc/b", b"x\n", 0o644),
    ]
    names = [name for name, _, _ in firmware_files.files_of(root, "guest", engines.PODMAN)]
    assert names == ["etc/a", "etc/b", "usr/bin/varlink"]
    (root / "guest/usr/bin/varlink").unlink()
    assert firmware_files.digest(root) == podman
    assert firmware_files.digest(root, engines.DOCKER) != docker
