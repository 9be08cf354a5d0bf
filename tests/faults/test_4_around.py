"""The environment: lines 27 to 32."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import B2P, await_true, opened_by_nobody
from tests.faults.conftest import edit, is_root, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.boot.person import Person
    from tests.faults.conftest import Tally

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("name", ["a b, c=d ü", "x" * 70], ids=["odd", "long"])
def test_27_a_home_of_any_name(somebody: Callable[[str], Person], name: str) -> None:
    person = somebody(name)
    person.b2p("up")
    assert person.inside("uname -n") == "default\n"
    person.b2p("down")
    person.b2p("up")
    person.b2p("rm", "-f", "default")
    assert person.processes() == []


LOOKS = (
    ["ls"],
    ["status"],
    ["ls", "--json"],
    ["inspect"],
    ["port"],
    ["config"],
    ["--help"],
    ["env"],
)


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {"LC_ALL": "xx_YY.UTF-8"},
        {"LC_ALL": "tr_TR.ISO-8859-9"}, {"NO_COLOR": "", "TERM": "dumb"}, {"TERM": "nonsense"},
        {"COLUMNS": "1"}, {"LANG": "", "LC_ALL": ""},
    ],
    ids=str,
)  # fmt: skip
def test_28_any_language_and_terminal(
    machine: Person, variables: dict[str, str], tally: Tally
) -> None:
    for words in LOOKS:
        machine.b2p(*words, environment=variables)
        tally["cycles"] += 1


@pytest.mark.parametrize("verb", ["ls", "inspect", "--help", "logs", "man"])
def test_28_output_that_is_closed_early(machine: Person, verb: str, tally: Tally) -> None:
    ended = subprocess.run(
        ["bash", "-c", f"'{B2P}' {verb} | head -0; exit ${{PIPESTATUS[0]}}"],
        env=machine.environment,
        cwd=machine.home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    tally["cycles"] += 1
    assert ended.returncode in (0, 141)
    assert ended.stderr == ""


def test_29_the_clock_is_right_after_the_computer_slept(machine: Person) -> None:
    from b2p.control.monitor import Monitor

    with Monitor(Path(machine.facts()["files"]["calls"])) as monitor:
        monitor.execute("stop")
        time.sleep(7)
        monitor.execute("cont")
    await_true("a right clock", lambda: is_right(machine))


@pytest.mark.parametrize("jump", [10_000, -10_000])
def test_29_and_a_clock_that_jumps_jumps_back(machine: Person, jump: int, tally: Tally) -> None:
    machine.inside(f"date -s @$(($(date +%s) + {jump}))")
    assert not is_right(machine)
    tally["clock jumps"] += 1
    machine.b2p("podman", "ps")
    await_true("a right clock", lambda: is_right(machine))
    machine.b2p("podman", "ps")


def is_right(machine: Person) -> bool:
    """Whether its clock is this computer's, to a second."""
    before = time.time()
    inside = float(machine.inside("date +%s.%N"))
    return max(before - inside, inside - time.time()) < 1.0


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_30_whatever_the_umask_files_are_ones_own(
    machine: Person, free: Callable[[str], str], umask: int
) -> None:
    name = free("masked")
    subprocess.run(
        ["bash", "-c", f"umask {umask:03o}; exec '{B2P}' up {name}"],
        env=machine.environment,
        cwd=machine.home,
        check=True,
        capture_output=True,
        timeout=550,
    )
    files = machine.facts(name)["files"]
    for what in ("record", "host_key", "data_disk"):
        assert not stat.S_IMODE(Path(files[what]).stat().st_mode) & 0o077, what
    for path in (Path(files["record"]).parent, Path(files["podman"]).parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_30_without_home_or_with_one_that_is_none(machine: Person, tally: Tally) -> None:
    for home in ("", "relative", "/nonexistent/home"):
        said = machine.b2p("ls", status=None, environment={"HOME": home})
        tally["bad inputs"] += 1
        assert said.status in (0, 2, 125)
    config = machine.home / ".config/b2p"
    config.mkdir(parents=True, exist_ok=True)
    config.chmod(0o500)
    try:
        machine.b2p("status", environment={"XDG_RUNTIME_DIR": ""})
    finally:
        config.chmod(0o700)


def test_31_as_root_without_kvm_in_ci(machine: Person) -> None:
    found = json.loads(machine.b2p("doctor", "--json", status=None, environment={"CI": "true"}).out)
    by_name = {one["what"]: one for one in found["checks"]}
    assert by_name["qemu"]["verdict"] == "ok"
    assert by_name["accelerator"]["verdict"] in ("ok", "warn")
    assert all(one["remedy"] for one in found["checks"] if one["verdict"] != "ok")
    assert machine.state() == "running"


def test_32_two_people_have_machines_of_one_name(
    machine: Person, somebody: Callable[[str], Person]
) -> None:
    other = somebody("other")
    other.b2p("up")
    mine, theirs = machine.facts(), other.facts()
    assert mine["uuid"] != theirs["uuid"]
    assert mine["ssh_port"] != theirs["ssh_port"]
    other.b2p("rm", "-f", "default")
    assert machine.state() == "running"


@pytest.mark.skipif(not is_root(), reason="only root can become another user")
def test_32_another_user_gets_in_nowhere(machine: Person) -> None:
    paths = [machine.facts()["files"][one] for one in ("podman", "qmp", "control", "record")]
    said = opened_by_nobody(paths)
    assert (said.out, said.err) == ("", "")


def test_32_a_machine_of_a_later_b2p_is_left_alone(
    machine: Person, new: Callable[..., str], tally: Tally
) -> None:
    new("later")
    machine.b2p("down", "later")
    record = record_of(machine, "later")
    kept = record.read_bytes()
    edit(record, schema=99, written_by="9.9")
    changed = record.read_bytes()
    for words in (["up", "later"], ["down", "later"], ["ssh", "later", "--", "true"]):
        said = machine.b2p(*words, status=125).err
        tally["bad inputs"] += 1
        assert "9.9" in said
    assert record.read_bytes() == changed
    record.write_bytes(kept)
    machine.b2p("up", "later")
