"""Files copied into a machine and out of it, as a person does it."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import B2P, PATIENCE
from tests.daily.files.conftest import MACHINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily


def test_a_file_goes_into_the_machine_and_comes_back(owner: Person) -> None:
    content = bytes(range(256)) * (1 << 14)
    (owner.home / "four megabytes").write_bytes(content)
    (owner.home / "four megabytes").chmod(0o751)
    owner.b2p("cp", "four megabytes", f"{MACHINE}:copy", cwd=owner.home)
    line = "stat -c '%a %U' copy; sha256sum < copy"
    said = owner.b2p("ssh", MACHINE, "--", f"cd; {line}").out.split()
    assert said[:3] == ["751", "core", hashlib.sha256(content).hexdigest()]
    owner.b2p("cp", f"{MACHINE}:copy", "back", cwd=owner.home)
    assert (owner.home / "back").read_bytes() == content
    assert (owner.home / "back").stat().st_mode & 0o777 == 0o751


def test_a_tree_goes_as_root_and_comes_back(owner: Person) -> None:
    top = owner.home / "tree"
    (top / "bin ü").mkdir(parents=True)
    (top / "bin ü/run").write_text("#!/bin/sh\necho ran\n")
    (top / "bin ü/run").chmod(0o755)
    (top / "link").symlink_to("bin ü/run")
    owner.b2p("cp", "--root", "tree", f"{MACHINE}:/opt/new", cwd=owner.home)
    assert owner.inside("/opt/new/link; stat -c %U /opt/new/link", name=MACHINE) == "ran\nroot\n"
    owner.b2p("cp", "--root", f"{MACHINE}:/opt/new", "returned", cwd=owner.home)
    assert (owner.home / "returned/link").is_symlink()
    assert (owner.home / "returned/bin ü/run").stat().st_mode & 0o777 == 0o755


def test_streams_go_in_and_out(owner: Person) -> None:
    owner.b2p("cp", "-", f"{MACHINE}:note", stdin="hello\n")
    assert owner.b2p("cp", f"{MACHINE}:note", "-").out == "hello\n"


def test_what_cannot_be_is_told(owner: Person) -> None:
    said = owner.b2p("cp", "-", f"{MACHINE}:/etc/new", stdin="x", status=125).err
    assert "Permission denied" in said
    assert "--root" in said
    assert "there is no /no/such" in owner.b2p("cp", f"{MACHINE}:/no/such", ".", status=125).err


def test_somebody_who_has_seen_enough_ends_it(owner: Person, tmp_path: Path) -> None:
    owner.b2p("ssh", MACHINE, "--", "cd; head -c 50000000 /dev/zero > big")
    words = [str(B2P), "cp", f"{MACHINE}:big", "-"]
    with subprocess.Popen(
        words, env=owner.environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdout.read(10) == b"\0" * 10
        child.stdout.close()
        child.wait(PATIENCE)
        assert child.stderr
        assert b"Traceback" not in child.stderr.read()
