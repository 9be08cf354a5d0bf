"""Who a machine is told to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {"ssh_host_ed25519_key": "private\n", "../../etc/evil": "x"}


@pytest.fixture
def run(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(agent.identity, "RUN", str(tmp_path / "run"))
    return tmp_path / "run"


def test_keys_and_token_lie_where_only_root_reads_them(agent: Any, run: Path) -> None:
    request = {"host_keys": KEYS, "authorized_keys": ["one", "two"], "token": "secret"}
    agent.identity.apply(request)
    modes = {path.name: path.stat().st_mode & 0o777 for path in run.iterdir()}
    assert modes == {
        "ssh_host_ed25519_key": 0o600,
        "evil": 0o600,
        "authorized_keys": 0o644,
        "token": 0o600,
    }
    assert (run / "authorized_keys").read_text() == "one\ntwo\n"


def test_what_is_left_out_stays_as_it_is(agent: Any, run: Path) -> None:
    agent.identity.apply({"token": "first"})
    agent.identity.apply({"authorized_keys": ["one"]})
    assert (run / "token").read_text() == "first"
    agent.identity.apply({"token": "2"})
    assert (run / "token").read_text() == "2"


def test_it_is_the_machine_that_it_is_told_to_be_and_its_journal_goes_on(
    agent: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, journals = tmp_path / "machine-id", tmp_path / "journal"
    file.write_text("b2b2\n")
    (journals / "b2b2").mkdir(parents=True)
    (journals / "b2b2/system.journal").write_text("so far")
    monkeypatch.setattr(agent.identity, "MACHINE_ID", str(file))
    monkeypatch.setattr(agent.identity, "JOURNALS", str(journals))
    for _ in range(2):
        agent.identity.apply({"machine_id": "c0de"})
        assert file.read_text() == "c0de\n"
        assert (journals / "c0de/system.journal").read_text() == "so far"
    # Whoever has it open by its old name goes on with it.
    (journals / "b2b2/later").write_text("")
    assert (journals / "c0de/later").exists()


def test_the_clock_is_set_where_it_is_wrong(
    agent: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    clock = agent.identity.time
    monkeypatch.setattr(clock, "time", lambda: 1000.0)
    monkeypatch.setattr(clock, "clock_settime", lambda _clock, seconds: told.append(seconds))
    agent.identity.apply({"time": 1000.2})
    agent.identity.apply({"time": 2000})
    assert told == [2000.0]


@pytest.mark.parametrize(
    ("content", "wakes"), [(None, False), ("[]", False), ('[{"id": 1}]', True)]
)
@pytest.mark.parametrize(
    ("whose", "unit"), [(0, "podman-restart.service"), (1, "b2p-core-restart.service")]
)
def test_containers_are_woken_where_there_are_some(
    agent: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    whose: int,
    unit: str,
    content: str | None,
    wakes: bool,
) -> None:
    stored = tmp_path / "containers.json"
    started: list[str] = []
    if content is not None:
        stored.write_text(content)
    kind = agent.kinds.PODMAN
    assert kind.restarts[whose][1] == unit
    nothing = str(tmp_path / "none")
    lists = [(str(stored) if unit == one else nothing, one) for _, one in kind.restarts]
    monkeypatch.setattr(kind, "restarts", lists)
    monkeypatch.setattr(kind, "quadlets", nothing)
    monkeypatch.setattr(agent.identity, "GENERATORS", str(tmp_path / "generators"))
    monkeypatch.setattr(agent.power, "start_unit", started.append)
    agent.identity.wake_containers()
    assert started == ([unit] if wakes else [])
    # A quadlet that comes later is seen at the next reload.
    assert (tmp_path / "generators/podman-system-generator").is_symlink()


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Europe/Berlin", "Berlin"), ("../../etc/passwd", "UTC"), ("No/Where", "UTC")],
)
def test_the_hosts_time_zone_is_taken_where_there_is_one(
    agent: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, shown: str
) -> None:
    zones, local = tmp_path / "zones", tmp_path / "localtime"
    (zones / "Europe").mkdir(parents=True)
    for zone in ("UTC", "Europe/Berlin"):
        (zones / zone).write_text(zone)
    local.symlink_to(zones / "UTC")
    monkeypatch.setattr(agent.identity, "ZONES", str(zones))
    monkeypatch.setattr(agent.identity, "LOCAL_TIME", str(local))
    agent.identity.apply({"timezone": name})
    assert local.resolve().name == shown
