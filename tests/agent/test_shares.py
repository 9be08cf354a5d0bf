"""The agent and the host's directories: mounted in order, let go of all together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.test_agent import asked, served

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["served"]

TABLE = rb"""29 1 0:26 / / rw,relatime shared:1 - overlay overlay rw
44 29 0:34 / /home/my\040\303\274 rw,relatime shared:14 - 9p b2p-mount-0 rw,access=any
45 29 0:35 / /tmp rw,relatime shared:15 master:3 - 9p b2p-mount-1 rw
46 29 0:36 / /mnt/own rw - 9p theirs rw
"""


@pytest.fixture
def guest(agent: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Guest:
    """What is mounted in a guest that only pretends."""
    return Guest(agent, monkeypatch, tmp_path)


class Guest:
    """Its mounts are lines of a table; `busy` ones cannot be unmounted."""

    def __init__(self, agent: Any, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.shares = agent.shares.Shares()
        self.root = root
        self.table: list[bytes] = []
        self.busy: set[str] = set()
        self.refused: set[str] = set()
        self.calls: list[tuple[Any, ...]] = []
        self.error = agent.disk.UnusableError
        monkeypatch.setattr(agent.disk, "mount", self.mount)
        monkeypatch.setattr(agent.disk, "unmounted", self.unmounted)
        monkeypatch.setattr(agent.shares, "mounted", self.mounted)
        self.parsed = agent.shares.Mounted

    def mounted(self, pid: str = "self") -> list[Any]:
        """What a process sees; nobody else has a namespace of their own."""
        return [self.parsed(line) for line in self.table] if pid == "self" else []

    def mount(self, source: str, target: str, kind: str, flags: int, options: str) -> None:
        """Mount something."""
        if target in self.refused:
            raise self.error(f"{source} can't be mounted on {target}: No such device")
        self.calls.append((source, target, kind, flags, options))
        if source:
            tag = source if kind else "b2p-mount-0"
            line = f"1 1 0:{len(self.table)} / {target} rw shared:9 - 9p {tag} rw"
            self.table.append(line.encode())

    def unmounted(self, target: str) -> bool:
        """Unmount it."""
        if target in self.busy:
            return False
        self.table = [line for line in self.table if target not in line.decode().split()]
        return True

    def wish(self, number: int, *names: str, read_only: bool = False) -> dict[str, Any]:
        """What the host says of one."""
        at = [f"{self.root}/{name}" for name in names]
        return {"tag": f"b2p-mount-{number}", "at": at, "options": "o", "read_only": read_only}

    def places(self) -> list[str]:
        """Where something is mounted, below the root."""
        return [line.decode().split()[4].removeprefix(f"{self.root}/") for line in self.table]


def test_only_the_hosts_directories_count_and_their_names_are_read(agent: Any) -> None:
    found = [agent.shares.Mounted(line) for line in TABLE.splitlines()]
    assert [one.place for one in found if one.is_share] == ["/home/my ü", "/tmp"]
    assert [one.group(b"shared") for one in found] == [b"1", b"14", b"15", b""]
    assert [one.group(b"master") for one in found] == [b"", b"", b"3", b""]


def test_they_are_mounted_in_order_and_not_twice(agent: Any, guest: Guest) -> None:
    guest.shares.wished = [guest.wish(0, "a", "alias", read_only=True), guest.wish(1, "a/b")]
    assert guest.shares.bring() == []
    assert guest.places() == ["a", "alias", "a/b"]
    read_only, bind = agent.shares.MS_RDONLY, agent.disk.MS_BIND
    again = bind | agent.shares.MS_REMOUNT | read_only
    assert [call[3] for call in guest.calls] == [read_only, bind, again, 0]
    assert (guest.root / "a/b").is_dir()
    assert guest.shares.bring() == []
    assert len(guest.calls) == 4


def test_one_that_fails_is_told_and_hinders_no_other(guest: Guest) -> None:
    guest.refused = {f"{guest.root}/a"}
    guest.shares.wished = [guest.wish(0, "a", "alias"), guest.wish(1, "b")]
    (problem,) = guest.shares.bring()
    assert "No such device" in problem
    assert guest.places() == ["b"]


def test_all_are_let_go_of_in_the_other_order(guest: Guest) -> None:
    guest.shares.wished = [guest.wish(0, "a", "alias"), guest.wish(1, "a/b")]
    guest.shares.bring()
    guest.shares.leave()
    assert guest.places() == []


def test_where_one_is_in_use_all_stay(agent: Any, guest: Guest, monkeypatch: Any) -> None:
    import holders  # type: ignore[import-not-found]

    monkeypatch.setattr(holders, "inside", lambda place: [f"sh (process 7) is in {place}"])
    guest.shares.wished = [guest.wish(0, "a"), guest.wish(1, "b")]
    guest.shares.bring()
    guest.busy = {f"{guest.root}/a"}
    with pytest.raises(agent.shares.HeldError, match=r"sh \(process 7\) is in .*/a"):
        guest.shares.leave()
    assert sorted(guest.places()) == ["a", "b"]


def test_who_holds_one_in_another_namespace_is_found(agent: Any, monkeypatch: Any) -> None:
    holders = agent.holders
    lines = {
        "self": [b"44 29 0:34 / /home/me rw shared:14 - 9p b2p-mount-0 rw"],
        # A service's own namespace, which is told of every unmounting.
        "7": [b"60 59 0:34 / /home/me rw master:14 - 9p b2p-mount-0 rw"],
        "8": [b"70 69 0:34 /src /src rw - 9p b2p-mount-0 rw"],
        "9": [b"70 69 0:34 /src /src rw - 9p b2p-mount-0 rw"],
        # A directory for its own scraps, made of ours.
        "10": [b"60 59 0:34 /private /home/me rw master:14 - 9p b2p-mount-0 rw"],
    }
    tables = {pid: [agent.shares.Mounted(line) for line in found] for pid, found in lines.items()}
    monkeypatch.setattr(holders, "_processes", lambda: ["1", "7", "8", "9", "10"])
    spaces = {"self": "a", "1": "a", "7": "b", "8": "c", "9": "c", "10": "d"}
    monkeypatch.setattr(holders, "_namespace", spaces.__getitem__)
    monkeypatch.setattr(holders, "_name", lambda pid: f"container '{pid}'")
    monkeypatch.setattr(agent.shares, "mounted", lambda pid: tables[pid])
    assert holders.elsewhere(tables["self"]) == [
        "container '10' has /home/me",
        "container '8' has /home/me",
    ]


def test_a_container_is_called_by_its_name(agent: Any, monkeypatch: Any, tmp_path: Path) -> None:
    store, ident = tmp_path / "containers.json", "ab" * 32
    monkeypatch.setattr(agent.holders, "STORES", ("/no/such/store", str(store)))
    group = f"0::/machine.slice/libpod-{ident}.scope/container\n"
    assert agent.holders.container(group) == ident[:12]
    store.write_text(f'[{{"id": "{ident}", "names": ["web"]}}]')
    assert agent.holders.container(group) == "web"
    assert agent.holders.container("0::/system.slice/b2p-ssh@3.service\n") == ""


def test_who_stands_in_a_directory_is_found(agent: Any, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w"):
        (said,) = agent.holders.inside(str(tmp_path))
    assert said.endswith(f"is in {tmp_path}")
    assert agent.holders.inside(str(tmp_path / "other")) == []


def test_what_is_let_go_of_comes_back_when_the_host_is_silent(
    agent: Any, served: Any, monkeypatch: Any
) -> None:
    done: list[str] = []

    def bring() -> list[str]:
        done.append("bring")
        return []

    monkeypatch.setattr(served.shares, "leave", lambda: done.append("leave"))
    monkeypatch.setattr(served.shares, "bring", bring)
    monkeypatch.setattr(agent.disk, "thaw", lambda: done.append("thaw"))
    asked(served, id=1, do="identity", mounts=[])
    assert asked(served, id=2, do="unmount") == [{"id": 2, "ok": True, "held": []}]
    asked(served, id=3, do="thaw")
    assert done == ["bring", "leave", "bring"]


def test_who_holds_them_is_answered(agent: Any, served: Any, monkeypatch: Any) -> None:
    def leave() -> None:
        raise agent.shares.HeldError(["container 'web' has /src"])

    monkeypatch.setattr(served.shares, "leave", leave)
    (answer,) = asked(served, id=2, do="unmount")
    assert answer["held"] == ["container 'web' has /src"]
    assert served.thaw_at is None


def test_what_could_not_be_mounted_is_told_with_ready(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.shares, "bring", lambda: ["not mounted: x"])
    said = asked(served, id=1, do="identity", mounts=[])
    assert {"event": "ready", "problems": ["not mounted: x"]} in said
