"""One b2p at a time changes a machine."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from b2p.errors import BusyError, StateError
from b2p.store.lock import Holder, hold, holder

if TYPE_CHECKING:
    from pathlib import Path

CHILD = """
import sys, time
from pathlib import Path
from b2p.store.lock import hold
with hold(Path(sys.argv[1]), command="b2p up a"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_loser_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / ".a.lock"
    with (
        hold(path, command="b2p up a"),
        pytest.raises(BusyError) as caught,
        hold(path, command="b2p down a"),
    ):
        pass
    assert "machine 'a' is being changed by 'b2p up a'" in caught.value.message
    assert f"process {os.getpid()}" in caught.value.message
    assert f"kill {os.getpid()}" in caught.value.hint


def test_it_is_free_again_after_the_block_even_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / ".a.lock"
    with pytest.raises(RuntimeError), hold(path, command="x"):
        raise RuntimeError
    assert holder(path) is None
    with hold(path, command="y"):
        assert isinstance(found := holder(path), Holder)
        assert found.command == "y"


def test_who_waits_is_told_once_and_gets_it(tmp_path: Path) -> None:
    path = tmp_path / ".a.lock"
    told: list[Holder | None] = []
    released = threading.Event()

    def keep() -> None:
        with hold(path, command="b2p up a"):
            ready.set()
            released.wait(30)

    ready = threading.Event()
    thread = threading.Thread(target=keep)
    thread.start()
    ready.wait(5)

    def waits(found: Holder | None) -> None:
        told.append(found)
        released.set()

    with hold(path, command="b2p down a", wait=30, on_wait=waits):
        pass
    thread.join()
    assert [one.command for one in told if one] == ["b2p up a"]


def test_waiting_ends_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / ".a.lock"
    with hold(path, command="x"):
        begun = time.monotonic()
        with pytest.raises(BusyError), hold(path, command="y", wait=0.1):
            pass
        assert 0.1 <= time.monotonic() - begun < 30


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".a.lock"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"process {child.pid}"), hold(path, command="x"):
            pass
        child.kill()
    assert holder(path) is None
    with hold(path, command="x"):
        pass


def test_a_lock_that_rm_removed_is_held_by_nobody_who_waited_for_it(tmp_path: Path) -> None:
    path = tmp_path / ".a.lock"
    inside: list[int] = []

    def enter() -> None:
        with hold(path, command="b2p up a", wait=5):
            inside.append(path.stat().st_ino)

    with hold(path, command="b2p rm a") as lock:
        waiting = threading.Thread(target=enter)
        waiting.start()
        time.sleep(0.06)
        lock.discard()
        with hold(path, command="b2p up a"):
            # The new file is the lock now; the waiting one must not slip in by the old one.
            time.sleep(0.06)
            assert inside == []
    waiting.join()
    assert inside == [path.stat().st_ino]


@pytest.mark.parametrize(
    "content", [b"", b"x", b"[]", b'{"pid": 1}', b'{"pid": -1, "command": "x", "since": 1}']
)
def test_a_lock_file_of_any_content_is_no_hindrance(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ".a.lock"
    path.write_bytes(content)
    assert holder(path) is None
    with hold(path, command="x"):
        assert json.loads(path.read_bytes())["pid"] == os.getpid()


def test_a_directory_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "none" / ".a.lock"
    with pytest.raises(StateError, match="No such file"), hold(path, command="x"):
        pass


def test_nothing_that_b2p_starts_inherits_a_lock(tmp_path: Path) -> None:
    path = tmp_path / ".a.lock"
    with hold(path, command="x"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        with hold(path, command="y"):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refused)
    with (
        pytest.raises(StateError, match="No locks available") as caught,
        hold(tmp_path / ".web.lock", command="up"),
    ):
        pass
    assert "file system that has locks" in caught.value.hint
