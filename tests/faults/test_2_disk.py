"""Disk and data: lines 11 to 16."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.boot.person import await_true
from tests.faults.conftest import is_root
from tests.faults.database import Database, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.boot.person import Person
    from tests.debian_tools import Tools
    from tests.faults.conftest import Tally

pytestmark = pytest.mark.faults


@contextlib.contextmanager
def published(content: bytes, *, cut_at: int | None = None) -> Iterator[str]:
    """The address of a file; a server that hangs up in its middle with `cut_at`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut_at])

        do_HEAD = do_GET  # noqa: N815 - its caller's name

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/disk.img"
        server.shutdown()


@pytest.mark.parametrize("fault", ["cut off", "another", "a page"])
def test_11_what_is_not_the_promised_file_never_enters_the_cache(
    machine: Person, tmp_path: Path, fault: str, tally: Tally
) -> None:
    image = b"\0" * 510 + b"\x55\xaa" + b"\0" * (1 << 20)
    promised = hashlib.sha256(image).hexdigest()
    served = {"cut off": image, "another": image[:-1] + b"x", "a page": b"<html>login</html>"}[
        fault
    ]
    cut = len(image) // 2 if fault == "cut off" else None
    cache = {"B2P_CACHE_DIR": str(tmp_path / "cache"), "no_proxy": "127.0.0.1"}
    with published(served, cut_at=cut) as url:
        words = ("image", "pull", url, "--digest", f"sha256:{promised}")
        said = machine.b2p(*words, status=None, environment=cache)
    tally["bad inputs"] += 1
    assert said.status in (2, 125)
    assert machine.b2p("image", "ls", environment=cache).out.count("\n") <= 1
    assert not list((tmp_path / "cache").glob("media/*/manifest.json"))


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of that size in memory; the block may give it another one."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "b2p", place], check=True)

    def resize(to: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={to}", place], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.skipif(not is_root(), reason="only root can mount a small disk")
def test_12_a_full_disk_while_a_machine_runs_holds_it_until_there_is_room(
    somebody: Callable[[str], Person], tally: Tally
) -> None:
    person = somebody("tight")
    data = person.home / ".local/share/b2p"
    with small_disk(data, "400M") as resize:
        person.b2p("up")
        fill = "dd if=/dev/urandom of=/root/fill bs=1M count=600 2>&1; sync; sha256sum /root/fill"
        filling = person.begin("ssh", "--root", "--", fill)
        await_true("the standstill", lambda: person.state() == "broken", seconds=200)
        said = person.b2p("status", status=None)
        assert "disk is full" in said.out + said.err
        tally["full disks"] += 1
        resize("2G")
        person.b2p("up")
        out, _ = filling.communicate(timeout=300)
        assert "/root/fill" in out
        assert person.inside("stat -c %s /root/fill").strip() == str(600 << 20)
        person.b2p("rm", "-f", "default")


@pytest.mark.skipif(not is_root(), reason="only root can mount a small disk")
@pytest.mark.parametrize("size", ["1M", "20M"])
def test_12_a_full_disk_before_a_start_is_told(
    somebody: Callable[[str], Person], size: str, tally: Tally
) -> None:
    person = somebody("tight")
    cache = person.home / "cache"
    with small_disk(cache, size):
        said = person.b2p("up", status=125, environment={"B2P_CACHE_DIR": str(cache)}).err
        assert "room" in said
        assert "Traceback" not in said
        tally["full disks"] += 1
        assert person.qemu() is None


def test_13_and_a_full_disk_in_the_machine_is_survived(
    machine: Person, new: Callable[..., str], tally: Tally
) -> None:
    new("brim", "--disk", "2GiB")
    line = "fallocate -l 1700M /root/fill; dd if=/dev/zero of=/root/more bs=1M"
    said = machine.b2p("ssh", "brim", "--root", "--", line, status=None)
    assert "No space left" in said.out + said.err
    tally["full disks"] += 1
    assert machine.state("brim") == "running"
    machine.b2p("down", "brim")
    # It starts, with what was kept for that, so that something can be removed.
    again = machine.b2p("up", "brim").err
    assert "the machine's disk is full" in again
    assert "b2p set --disk" in again
    machine.b2p("podman", "-m", "brim", "ps")
    machine.b2p("down", "brim")
    machine.b2p("set", "brim", "--disk", "4GiB")
    assert "full" not in machine.b2p("up", "brim").err
    machine.inside("rm /root/fill /root/more && podman ps -q", name="brim")


def test_14_a_larger_disk_is_grown_into(machine: Person, new: Callable[..., str]) -> None:
    new("grows", "--disk", "2GiB")
    machine.inside("echo kept > /root/mark", name="grows")
    machine.b2p("down", "grows")
    machine.b2p("set", "grows", "--disk", "5GiB")
    machine.b2p("up", "grows")
    size = "df --output=size -B1 /var/lib/containers | tail -1"
    assert int(machine.inside(size, name="grows")) > 4 << 30
    assert machine.inside("cat /root/mark", name="grows") == "kept\n"


def test_15_what_a_database_has_committed_outlives_a_kill_of_qemu(
    machine: Person, new: Callable[..., str], tools: Tools, tmp_path: Path, tally: Tally
) -> None:
    new("base")
    database = Database(machine, "base")
    database.bring(packed(tools, tmp_path / "sqlite.tar"))
    for rows in (5, 40, 100):
        with database.writing(rows) as told:
            qemu = machine.qemu("base")
            assert qemu
            qemu.kill()
        tally["kills"] += 1
        machine.b2p("up", "base")
        sound, last = database.read()
        assert sound == "ok"
        assert last >= told


def test_16_rm_leaves_nothing(machine: Person, free: Callable[[str], str]) -> None:
    name = free("vanishes")
    before = machine.socket_folders()
    ssh = sorted((machine.home / ".ssh").rglob("*")) if (machine.home / ".ssh").exists() else []
    machine.b2p("up", name)
    machine.b2p("ssh", name, "--", "true")
    machine.b2p("rm", "-f", name)
    assert machine.traces(name) == []
    assert machine.socket_folders() == before
    assert machine.qemu(name) is None
    after = sorted((machine.home / ".ssh").rglob("*")) if (machine.home / ".ssh").exists() else []
    assert after == ssh
