"""The Python API: its public surface, and machines whose QEMU only pretends."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

import b2p
from b2p import api, readers, settings, wishes
from b2p.host import process
from b2p.store import record as records

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes_story import Computer

TREE = Path(__file__).parent.parent

SURFACE = {
    "machine": "(name: 'str | None' = None, **settings: 'Unpack[Wishes]') -> 'Machine'",
    "machines": "() -> 'list[Machine]'",
    "scratch": "(**settings: 'Unpack[Wishes]') -> 'Iterator[Engine]'",
    "Output": "(status: 'int', stdout: 'str', stderr: 'str') -> None",
    "Engine.env": "(self, base: 'Mapping[str, str] | None' = None) -> 'dict[str, str]'",
    "Engine.socket": "Path",
    "Engine.podman_url": "str",
    "Engine.docker_url": "str",
    "Machine.name": "str",
    "Machine.state": "State",
    "Machine.up": "(self) -> 'Self'",
    "Machine.down": "(self, *, force: 'bool' = False, timeout: 'float' = 30) -> 'None'",
    "Machine.suspend": "(self) -> 'None'",
    "Machine.remove": "(self, *, force: 'bool' = False) -> 'None'",
    "Machine.ssh": "(self, *command: 'str', root: 'bool' = False, input: 'str | None' = None,"
    " check: 'bool' = True, timeout: 'float | None' = None) -> 'Output'",
}
"""What others build on: changed only by adding to it."""


def test_the_public_surface_is_this() -> None:
    found = {}
    for name in SURFACE:
        value: Any = b2p
        for part in name.split("."):
            value = inspect.getattr_static(value, part) if value is not b2p else getattr(b2p, part)
        is_property = isinstance(value, property)
        found[name] = (
            value.fget.__annotations__["return"] if is_property else f"{inspect.signature(value)}"
        )
    assert found == SURFACE


def test_nothing_more_is_public() -> None:
    classes = {"Engine": b2p.Engine, "Machine": b2p.Machine}
    members = {
        f"{name}.{member}"
        for name, kind in classes.items()
        for member in vars(kind)
        if not member.startswith("_")
    }
    assert members == {name for name in SURFACE if "." in name}
    others = {"__version__", "Wishes", *classes}
    errors = {name for name in b2p.__all__ if name.endswith("Error")}
    assert set(b2p.__all__) == {one for one in SURFACE if "." not in one} | others | errors
    assert list(b2p.__all__) == sorted(b2p.__all__) == dir(b2p)


def test_every_error_is_public() -> None:
    from b2p import errors

    tree = {name for name in vars(errors) if name.endswith("Error")}
    assert tree == {name for name in b2p.__all__ if name.endswith("Error")}
    assert all(issubclass(getattr(b2p, name), b2p.B2PError) for name in tree)


@pytest.mark.parametrize("name", [one for one in b2p.__all__ if not one.startswith("__")])
def test_all_that_is_public_is_documented(name: str) -> None:
    value = getattr(b2p, name)
    assert inspect.getdoc(value)
    for member, one in vars(value).items() if inspect.isclass(value) else ():
        if not member.startswith("_") and (inspect.isroutine(one) or isinstance(one, property)):
            assert inspect.getdoc(one), f"{name}.{member}"


def test_each_setting_is_a_keyword() -> None:
    assert set(api.Wishes.__annotations__) == set(settings.KEYS)
    kinds = {"int": int, "bool": bool, "tuple[str, ...]": list}
    hints = typing.get_type_hints(
        api.Wishes, localns={name: getattr(settings, name) for name in dir(settings)}
    )
    for key, value in settings.Settings.__annotations__.items():
        if key not in settings.KEYS:
            continue
        if key in (*readers.SIZES, *readers.SPANS):
            assert hints[key] is str
        elif value in kinds:
            assert (typing.get_origin(hints[key]) or hints[key]) is kinds[value]
        else:
            assert hints[key] is str or get_args(hints[key])


def test_the_function_stays_when_the_folder_of_its_name_is_imported() -> None:
    code = (
        "import b2p; from b2p.machine import ports; import b2p.machine.argv;"
        "assert callable(b2p.machine), b2p.machine; assert ports.SSH;"
        "from b2p import machine; assert machine is b2p.machine"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=TREE, check=True)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'machina'"):
        b2p.machina  # noqa: B018 # type: ignore[attr-defined]


@pytest.fixture
def mine(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., b2p.Machine]:
    """Machines of the computer that pretends."""
    monkeypatch.chdir(computer.layout.sockets.parent)
    monkeypatch.setattr(wishes, "layout", lambda: computer.layout)
    monkeypatch.setattr(computer, "supply", lambda *_: computer)
    monkeypatch.setattr("b2p.ways.own.Supply", lambda *_: computer)
    for name in [name for name in os.environ if name.startswith("B2P_")]:
        monkeypatch.delenv(name)

    def made(name: str | None = None, **said: Any) -> b2p.Machine:
        given = {"disk": "1GiB", "mounts": [], "clients": "off", "golden": False, "timeout": 20}
        return b2p.machine(name, **{**given, **said})

    return made


def test_a_machine_is_up_in_its_block_and_then_as_before(mine: Callable[..., b2p.Machine]) -> None:
    m = mine("web", memory="512MiB")
    seen: list[str] = [m.state]
    with m as entered:
        assert entered is m
        seen.append(m.state)
        with mine("web"):
            pass
        seen.append(m.state)
    seen.append(m.state)
    m.up()
    m.suspend()
    with m:
        seen.append(m.state)
    seen.append(m.state)
    assert [one.name for one in b2p.machines()] == ["web"]
    m.remove(force=True)
    seen.append(m.state)
    assert b2p.machines() == []
    assert seen == [
        *("absent", "running", "running", "stopped"),
        *("running", "suspended", "absent"),
    ]


def test_what_was_given_wins(computer: Computer, mine: Callable[..., b2p.Machine]) -> None:
    computer.layout.config.mkdir(parents=True)
    computer.layout.settings.write_text('memory = "3GiB"\ncpus = 1\nname = "mine"\n')
    m = mine(memory="512MiB").up()
    record = records.read(computer.layout.machine("mine").record)
    assert record
    assert (m.name, record.memory_mib, record.cpus) == ("mine", 512, 1)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"memory": 2}, "the caller: memory cannot be 2"),
        ({"memroy": "2GiB"}, "the caller: there is no setting 'memroy'"),
        ({"name": "../x"}, "cannot be a machine's name"),
    ],
)
def test_what_cannot_be_is_told_where_it_is_said(
    mine: Callable[..., b2p.Machine], said: dict[str, Any], message: str
) -> None:
    with pytest.raises(b2p.UsageError, match=message):
        mine(**said)


def test_where_its_engine_answers(
    computer: Computer, mine: Callable[..., b2p.Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    m = mine("web")
    assert m.socket == computer.layout.machine("web").podman
    assert m.docker_url == m.podman_url == f"unix://{m.socket}"
    assert m.env()["DOCKER_HOST"] == m.docker_url
    assert m.env()["CONTAINER_HOST"] == m.podman_url
    monkeypatch.setenv("DOCKER_CONTEXT", "desktop")
    monkeypatch.setenv("MINE", "kept")
    whole = m.env(os.environ)
    assert whole.items() >= {**m.env(), "MINE": "kept"}.items()
    assert "DOCKER_CONTEXT" not in whole


def test_an_engine_of_its_own_leaves_nothing(
    computer: Computer, mine: Callable[..., b2p.Machine]
) -> None:
    before = mine("web").state
    with b2p.scratch(disk="1GiB", mounts=[], golden=False) as engine:
        assert engine.socket.is_socket()
        assert len(computer.running()) == 1
        assert b2p.machines() == []
    assert computer.running() == []
    assert computer.left() == []
    assert before == "absent"


def test_what_the_stories_say_is_logged(
    mine: Callable[..., b2p.Machine], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="b2p"):
        mine("web").up()
    assert any("machine 'web' is up" in line for line in caplog.messages)


def test_in_an_event_loop_it_is_refused(mine: Callable[..., b2p.Machine]) -> None:
    async def begin() -> None:
        mine("web").up()

    with pytest.raises(b2p.UsageError, match="event loop"):
        asyncio.run(begin())


def answering(
    monkeypatch: pytest.MonkeyPatch, *statuses: int
) -> list[tuple[list[str], bytes | None]]:
    """Have ssh end so, one run after the other; the list gets what it was asked."""
    asked: list[tuple[list[str], bytes | None]] = []
    left = list(statuses)

    def run(command: list[str], **options: Any) -> process.Completed:
        asked.append((command, options.get("input")))
        return process.Completed(left.pop(0), b"said\n", b"cried\n")

    monkeypatch.setattr("b2p.client.ssh.tool", lambda name: name)
    monkeypatch.setattr(process, "run", run)
    return asked


def test_a_command_in_the_machine(
    mine: Callable[..., b2p.Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    m = mine("web").up()
    asked = answering(monkeypatch, 0, 7, 7)
    assert m.ssh("cat", "a b", root=True, input="text") == b2p.Output(0, "said\n", "cried\n")
    assert asked[0][0][-1] == "cat 'a b'"
    assert any(word.startswith("root@") for word in asked[0][0])
    assert asked[0][1] == b"text"
    assert m.ssh("false", check=False).status == 7
    with pytest.raises(b2p.GuestError, match="'false' failed in machine 'web' with status 7") as e:
        m.ssh("false")
    assert e.value.details == "cried"


def test_a_status_of_255_is_asked_about(
    mine: Callable[..., b2p.Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    m = mine("web").up()
    answering(monkeypatch, 255, 0, 255, 255)
    assert m.ssh("exit 255", check=False).status == 255
    with pytest.raises(b2p.GuestError, match="does not let us in"):
        m.ssh("true")


def test_ssh_wants_a_command_and_a_machine_that_runs(mine: Callable[..., b2p.Machine]) -> None:
    with pytest.raises(b2p.UsageError, match="no command"):
        mine("web").ssh()
    with pytest.raises(b2p.UsageError, match="no machine 'web'"):
        mine("web").ssh("true")


def test_blocks_side_by_side_end_it_once(mine: Callable[..., b2p.Machine]) -> None:
    first, second = mine("web"), mine("web")
    first.__enter__()
    second.__enter__()
    states: list[str] = []
    for one in (first, second):
        one.__exit__(None, None, None)
        states.append(one.state)
    assert states == ["running", "stopped"]


def test_a_block_whose_machine_does_not_come_up_leaves_nothing(
    computer: Computer, mine: Callable[..., b2p.Machine]
) -> None:
    computer.fault = "fails"
    with pytest.raises(b2p.GuestError), mine("web"):
        pass
    assert computer.left() == []


def test_a_machine_may_be_removed_in_its_block(
    computer: Computer, mine: Callable[..., b2p.Machine]
) -> None:
    with mine("web") as m:
        m.remove(force=True)
    assert computer.left() == []
