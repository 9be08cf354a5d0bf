"""Files of the host in the machine and its containers: one's own, seen at once, let go of."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from typing import TYPE_CHECKING

import pytest

from tests.boot.engine import BUSYBOX, Docker
from tests.boot.person import await_true
from tests.daily.files.conftest import FIXED, GONE, MACHINE, MAPPED, QUICK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily

SECONDS = 20.0
"""In which a change must have been seen; nothing here measures speed."""


def test_a_container_reads_and_writes_where_one_stands(docker: Docker, project: Path) -> None:
    (project / "in").write_text("from the host\n")
    line = "cat in; echo made > out; mkdir deep; echo x > 'deep/ä b'; ls -1"
    said = docker("run", "--rm", "-v", f"{project}:/src", "-w", "/src", BUSYBOX, "sh", "-c", line)
    assert said.splitlines() == ["from the host", "deep", "in", "out"]
    assert (project / "out").read_text() == "made\n"
    assert (project / "deep/ä b").read_text() == "x\n"
    assert {path.stat().st_uid for path in project.rglob("*")} == {os.getuid()}


def test_an_edit_is_seen_at_once_also_in_a_file_that_is_held_open(
    docker: Docker, project: Path
) -> None:
    page = project / "page"
    page.write_text("one\n")
    line = "exec 3</src/page; cat /src/page; while sleep 0.1; do cat <&3; done"
    docker("run", "-d", "--name", "w", "-v", f"{project}:/src", BUSYBOX, "sh", "-c", line)
    try:
        await_true("the first words", lambda: "one" in docker("logs", "w"))
        # As long as before, and within the same moment: neither size nor time need tell.
        page.write_text("two\n")
        assert docker("exec", "w", "cat", "/src/page") == "two"
        (project / "new").write_text("new\n")
        assert docker("exec", "w", "cat", "/src/new") == "new"
        (project / "new").unlink()
        assert docker.run("exec", "w", "test", "-e", "/src/new", status=None).status == 1
        with page.open("a") as file:
            file.write("three\n")
        await_true("what was added", lambda: "three" in docker("logs", "w"), seconds=SECONDS)
        assert "\0" not in docker("logs", "w")
    finally:
        docker.remove("w")


def test_names_links_and_modes_are_the_same_on_both_sides(owner: Person, project: Path) -> None:
    script = project / "run.sh"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o750)
    (project / "link").symlink_to("run.sh")
    line = (
        "./link && ln -s 'ü x' made-link && touch 'ü x' && chmod 600 'ü x' && ln 'ü x' second"
        " && stat -c %a run.sh"
    )
    said = owner.b2p("ssh", MACHINE, "--root", "--", line, cwd=project)
    assert said.out.split() == ["ran", "750"]
    assert str((project / "made-link").readlink()) == "ü x"
    assert stat.S_IMODE((project / "ü x").stat().st_mode) == 0o600
    assert (project / "second").samefile(project / "ü x")


def test_who_may_not_give_a_file_away_cannot_from_within(owner: Person, project: Path) -> None:
    line = "touch mine && chown 4242 mine; stat -c %u mine"
    said = owner.b2p("ssh", MACHINE, "--root", "--", line, cwd=project)
    # As with any program of this user: root gives away, others do not.
    assert said.out.strip() == ("4242" if os.getuid() == 0 else str(os.getuid()))
    assert ("not permitted" in said.err) is (os.getuid() != 0)


def test_a_lock_holds_between_processes_of_the_guest(owner: Person, project: Path) -> None:
    line = "flock held sh -c 'flock -n held true || echo locked'; flock -n held echo free"
    said = owner.b2p("ssh", MACHINE, "--root", "--", line, cwd=project)
    assert said.out.split() == ["locked", "free"]


def test_the_machine_is_entered_where_one_stands(owner: Person, project: Path) -> None:
    assert owner.b2p("ssh", MACHINE, "--root", "--", "pwd", cwd=project).out == f"{project}\n"
    assert owner.b2p("ssh", MACHINE, "--root", "--", "pwd", cwd=project.parents[2]).out == "/root\n"


def test_an_image_is_built_of_where_one_stands(
    docker: Docker, owner: Person, project: Path
) -> None:
    (project / "Containerfile").write_text(f"FROM {BUSYBOX}\nCOPY greeting /\n")
    (project / "greeting").write_text("hello from the build\n")
    owner.b2p("podman", "-m", MACHINE, "build", "-t", "built", ".", cwd=project)
    words = ("run", "--rm", "-v", "./greeting:/again", "built", "cat", "/greeting", "/again")
    said = owner.b2p("podman", "-m", MACHINE, *words, cwd=project)
    assert said.out == "hello from the build\n" * 2


def test_a_read_only_one_is_not_written_to(owner: Person) -> None:
    (owner.home / "fixed/text").write_text("fixed")
    said = owner.b2p("ssh", MACHINE, "--root", "--", f"cat {FIXED}/text; touch {FIXED}/new || true")
    assert said.out == "fixed"
    assert "Read-only file system" in said.err
    assert not (owner.home / "fixed/new").exists()


def test_what_a_cached_one_writes_is_on_the_host_when_it_is_closed(owner: Person) -> None:
    owner.b2p("ssh", MACHINE, "--root", "--", f"echo quick > {QUICK}/made")
    assert (owner.home / "quick/made").read_text() == "quick\n"


@pytest.mark.parametrize("place", [MAPPED, QUICK])
def test_a_database_that_maps_its_files_works(owner: Person, place: str) -> None:
    code = (
        f"import sqlite3; c = sqlite3.connect('{place}/db');"
        "print(c.execute('pragma journal_mode=wal').fetchone());"
        "c.execute('create table t(x)'); c.execute('insert into t values (7)'); c.commit()"
    )
    said = owner.b2p("ssh", MACHINE, "--root", "--", "python3", "-c", code)
    assert "wal" in said.out
    with contextlib.closing(sqlite3.connect(owner.home / place[5:] / "db")) as base:
        assert base.execute("select x from t").fetchone() == (7,)


def test_a_container_that_holds_a_mount_is_named_and_nothing_changes(
    docker: Docker, owner: Person, project: Path
) -> None:
    (project / "alive").write_text("yes")
    docker("run", "-d", "--name", "holder", "-v", f"{project}:/src", BUSYBOX, "sleep", "600")
    try:
        said = owner.b2p("suspend", MACHINE, status=125).err
        assert "container 'holder' has /tmp" in said
        assert owner.state(MACHINE) == "running"
        assert docker("exec", "holder", "cat", "/src/alive") == "yes"
        assert owner.b2p("ssh", MACHINE, "--root", "--", "cat alive", cwd=project).out == "yes"
    finally:
        docker.remove("holder")


def test_a_program_that_stands_in_a_mount_is_named(owner: Person, project: Path) -> None:
    line = "setsid -f sleep 600 </dev/null >/dev/null 2>&1; echo started"
    owner.b2p("ssh", MACHINE, "--root", "--", line, cwd=project)
    assert "sleep (process " in owner.b2p("suspend", MACHINE, status=125).err
    owner.b2p("ssh", MACHINE, "--root", "--", "pkill sleep; sleep 0.5", cwd=owner.home.parents[1])


def test_suspended_and_resumed_the_mounts_are_there_again(
    docker: Docker, owner: Person, project: Path
) -> None:
    docker("run", "-d", "--name", "other", BUSYBOX, "sleep", "600")
    # One that was started by somebody who stood in a mount does not hold it.
    words = ("run", "-d", "--name", "stood", BUSYBOX, "sleep", "600")
    owner.b2p("podman", "-m", MACHINE, *words, cwd=project)
    # It leaves a process behind, which has a namespace of its own.
    owner.b2p("podman", "-m", MACHINE, "--rootless", "ps", cwd=project)
    try:
        owner.b2p("suspend", MACHINE)
        assert owner.state(MACHINE) == "suspended"
        (owner.home / "gone").rmdir()
        (project / "page").write_text("while it slept\n")
        said = owner.b2p("up", MACHINE).err
        assert "goes on after" in said
        assert f"'{owner.home}/gone' is not mounted: there is no such directory" in said
        line = f"cat page; grep -c ' 9p ' /proc/mounts; ls -A {GONE}"
        found = owner.b2p("ssh", MACHINE, "--root", "--", line, cwd=project)
        assert found.out.split("\n") == ["while it slept", "4", ""]
        assert docker.is_running("other")
    finally:
        docker.remove("other", "stood")


def test_a_machine_boots_without_a_directory_that_is_gone(owner: Person, project: Path) -> None:
    owner.b2p("down", MACHINE)
    said = owner.b2p("up", MACHINE).err
    assert f"'{owner.home}/gone' is not mounted" in said
    assert owner.b2p("ssh", MACHINE, "--root", "--", "pwd", cwd=project).out == f"{project}\n"
    begun = time.time()
    owner.b2p("ssh", MACHINE, "--root", "--", "touch stamp", cwd=project)
    # Times are the host's, whatever the guest believes.
    assert abs((project / "stamp").stat().st_mtime - begun) < 60
