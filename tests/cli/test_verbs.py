"""The verbs, with machines that only seem to run and stories that only listen."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from b2p.cli.main import run
from tests import fakes_machine as fakes

if TYPE_CHECKING:
    from b2p.store.layout import Layout

Capture = pytest.CaptureFixture[str]


class Story:
    """Remembers how it was called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        module = types.ModuleType(f"b2p.{name}")
        vars(module)[name] = self
        monkeypatch.setitem(sys.modules, f"b2p.{name}", module)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append((arguments, options))
        record = types.SimpleNamespace(name=arguments[0], family="", engine="podman")
        return types.SimpleNamespace(command=("qemu", "-name", "a b"), record=record)


def test_up_hands_on_the_wishes_and_the_words_after_the_dashes(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, home: Path
) -> None:
    story = Story(monkeypatch, "up")
    (home / "b2p.toml").write_text('[machine.big]\nmemory = "4GiB"\n')
    assert run(["up", "big", "--cpus", "3", "--", "-device", "x"]) == 0
    ((name, settings, layout, _), options) = story.calls[0]
    assert (name, settings.cpus, settings.memory, settings.said) == (
        "big",
        3,
        4 << 30,
        {"cpus", "memory"},
    )
    assert options == {
        "dry_run": False,
        "default": False,
        "provision": False,
        "extra": ("-device", "x"),
    }
    assert layout.data == home / ".local/share/b2p"
    said = capsys.readouterr()
    assert not said.out
    assert said.err == """b2p: to use it: eval "$(b2p env big --docker)"\n"""


@pytest.mark.usefixtures("home")
def test_a_dry_run_prints_a_line_that_a_shell_can_take(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    story = Story(monkeypatch, "up")
    assert run(["up", "--dry-run"]) == 0
    assert story.calls[0][1]["dry_run"] is True
    assert capsys.readouterr().out == "qemu -name 'a b'\n"


def test_a_projects_own_machine_is_meant_in_its_directory(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, home: Path
) -> None:
    story = Story(monkeypatch, "up")
    (home / "work/deep").mkdir(parents=True)
    (home / "work/b2p.toml").write_text('name = "web"\n[machine.web]\ncpus = 3\n')
    monkeypatch.chdir(home / "work/deep")
    assert run(["up"]) == 0
    assert run(["up", "another"]) == 0
    assert [(words[0], words[1].cpus == 3) for words, _ in story.calls] == [
        ("web", True),
        ("another", False),
    ]
    capsys.readouterr()
    assert run(["config"]) == 0
    said = capsys.readouterr()
    assert f"cpus 3 {home}/work/b2p.toml [machine.web]" in " ".join(said.out.split())
    assert f"'web' here: {home}/work/b2p.toml" in said.err
    assert run(["config", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["schema"], shown["machine"]) == (1, "web")
    assert {"key": "timeout", "value": 300, "from": "default"} in shown["settings"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cpu = 1\n", "did you mean 'cpus'?"),
        ("nam = 'x'\n", "did you mean 'name'?"),
        ("cpus = 1\nmemory = \n", "line 2, column"),
        ("machine = 'web'\n", 'name = "NAME"'),
    ],
)
def test_a_file_that_is_wrong_is_told_with_what_to_do(
    capsys: Capture, home: Path, text: str, told: str
) -> None:
    (home / "b2p.toml").write_text(text)
    assert run(["config"]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert told in said.err
    assert str(home / "b2p.toml") in said.err


@pytest.mark.usefixtures("home")
def test_the_machine_is_named_by_the_word_then_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story(monkeypatch, "down")
    run(["down"])
    monkeypatch.setenv("B2P_MACHINE", "other")
    run(["stop", "-q"])
    run(["down", "third", "--force", "--timeout", "7"])
    assert [arguments[0] for arguments, _ in story.calls] == ["default", "other", "third"]
    assert story.calls[0][1] == {"force": False, "timeout": 30}
    assert story.calls[2][1] == {"force": True, "timeout": 7}


@pytest.mark.usefixtures("home")
def test_rm_takes_each_name_once(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch, "remove")
    assert run(["rm", "-f", "a", "b", "a"]) == 0
    assert [arguments[0] for arguments, _ in story.calls] == ["a", "b"]
    assert story.calls[0][1] == {"force": True}


def test_ls_shows_running_stopped_and_broken_side_by_side(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout, "idle")
    fakes.stopped_machine(layout, "odd")
    layout.machine("odd").record.write_text("{")
    with fakes.running_machine(layout, "busy"):
        assert run(["ls"]) == 0
        shown = capsys.readouterr().out
        assert run(["ls", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [line.split()[:2] for line in shown.splitlines()] == [
        ["NAME", "STATE"],
        ["busy", "running"],
        ["idle", "stopped"],
        ["odd", "broken"],
    ]
    assert listed["schema"] == 1
    assert [one["state"] for one in listed["machines"]] == ["running", "stopped", "broken"]
    assert "machine.json" in listed["machines"][2]["problem"]


def test_ls_tells_of_networks_where_a_machine_is_in_one(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout, "alone")
    assert run(["ls"]) == 0
    assert "NETWORK" not in capsys.readouterr().out
    fakes.stopped_machine(layout, "known", network="lab", network_number=2)
    assert run(["ls"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split()[-1] == "NETWORK"
    assert [row.split()[-1] for row in rows] == ["-", "lab"]


@pytest.mark.usefixtures("home")
def test_an_empty_list_is_a_remark_and_empty_json(capsys: Capture) -> None:
    assert run(["ls"]) == 0
    said = capsys.readouterr()
    assert "b2p up" in said.err
    assert not said.out
    assert run(["ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["machines"] == []


def test_the_status_of_a_running_machine_says_whether_its_engine_answers(
    layout: Layout, capsys: Capture
) -> None:
    with fakes.running_machine(layout):
        assert run(["status", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert run(["status"]) == 0
    assert (found["state"], found["answers"], found["memory"]) == ("running", True, "2GiB")
    assert found["podman_socket"] == str(layout.machine("default").podman)
    assert found["core_socket"] == str(layout.machine("default").podman_core)
    shown = capsys.readouterr().out
    assert "answers        yes" in shown
    assert "disk used      0 B" in shown


def test_inspect_shows_what_was_decided_and_where_the_files_are(
    layout: Layout, capsys: Capture
) -> None:
    record = fakes.stopped_machine(layout)
    assert run(["inspect"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["decided"]["uuid"] == record.uuid
    assert found["files"]["record"] == str(layout.machine("default").record)
    assert found["files"]["podman"] == str(layout.machine("default").podman)


def test_a_machine_whose_disk_is_gone_is_broken(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout, pid=1 << 22, pid_start=1.0)
    layout.machine("default").data_disk.unlink()
    assert run(["status"]) == 0
    assert "its disk" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["status", "inspect", "logs", "console", "ssh", "env", "podman"])
@pytest.mark.usefixtures("home")
def test_an_unknown_machine_is_a_usage_error(capsys: Capture, verb: str) -> None:
    assert run([verb]) == 2
    assert "there is no machine 'default'" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["console", "ssh", "podman"])
def test_going_into_a_stopped_machine_tells_how_to_start_it(
    layout: Layout, capsys: Capture, verb: str
) -> None:
    fakes.stopped_machine(layout)
    assert run([verb]) == 2
    assert capsys.readouterr().err == (
        "b2p: machine 'default' is not running\n  start it with 'b2p up default'\n"
    )


def test_logs_are_cleaned_of_what_a_terminal_would_obey(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout)
    files = layout.machine("default")
    files.console_log.write_bytes(b"\x1b[2J\x1b[1;31mred\x1b[0m alert\r\n\xff\x07half")
    files.qemu_log.write_text("qemu: hm\n")
    assert run(["logs"]) == 0
    assert capsys.readouterr().out == "red alert\n\N{REPLACEMENT CHARACTER}half\n"
    assert run(["logs", "--qemu"]) == 0
    assert capsys.readouterr().out == "qemu: hm\n"


def test_logs_of_a_machine_that_never_spoke_are_empty(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout)
    assert run(["logs"]) == 0
    assert not capsys.readouterr().out


FAKE_SSH = """#!/bin/sh
printf '%s\\n' "$@" >>"{log}"
for last; do :; done
[ "$last" = true ] && exit {second}
exit {first}
"""


def fake_ssh(home: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int = 0) -> Path:
    """An ssh that ends as told: with `first`, but with `second` when `true` is to be run."""
    program, log = home / "bin/ssh", home / "ssh.log"
    program.parent.mkdir()
    program.write_text(FAKE_SSH.format(log=log, first=first, second=second))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return log


@pytest.mark.parametrize(
    ("words", "user", "line"),
    [
        (["ssh", "--", "df", "-h", "a b"], "core", "df -h 'a b'"),
        (["ssh", "--root", "--", "echo $HOME"], "root", "echo $HOME"),
        (["podman", "run", "-m", "512m", "x", "sh", "-c", "a b"], "root",
         "podman run -m 512m x sh -c 'a b'"),
        (["podman", "-m", "default", "ps", "--json"], "root", "podman ps --json"),
        (["podman", "--version"], "root", "podman --version"),
        (["podman", "--rootless", "ps", "--rootless"], "core", "podman ps --rootless"),
    ],
)  # fmt: skip
def test_the_inner_command_gets_its_words_and_hands_on_its_status(
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    layout: Layout,
    words: list[str],
    user: str,
    line: str,
) -> None:
    log = fake_ssh(home, monkeypatch, first=3)
    with fakes.running_machine(layout):
        assert run(words) == 3
    said = log.read_text().splitlines()
    assert said[-3:] == [f"{user}@127.0.0.1", "--", line]
    assert said[said.index("-p") + 1] == "2222"


@pytest.mark.parametrize(("second", "status"), [(0, 255), (255, 125)])
def test_a_255_is_the_commands_unless_ssh_cannot_get_in(
    monkeypatch: pytest.MonkeyPatch, home: Path, layout: Layout, second: int, status: int
) -> None:
    fake_ssh(home, monkeypatch, first=255, second=second)
    with fakes.running_machine(layout):
        assert run(["podman", "ps"]) == status


def test_env_is_for_eval_and_says_on_stderr_when_nothing_runs(
    layout: Layout, capsys: Capture
) -> None:
    fakes.stopped_machine(layout)
    assert run(["env", "--docker"]) == 0
    said = capsys.readouterr()
    socket = layout.machine("default").podman
    assert f"export CONTAINER_HOST=unix://{socket};" in said.out
    assert f"export DOCKER_HOST=unix://{socket};" in said.out
    assert "not running" in said.err
    assert run(["env", "--shell", "fish"]) == 0
    assert capsys.readouterr().out.startswith("set -gx CONTAINER_HOST")
    assert run(["env", "--unset", "--docker"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "unset CONTAINER_HOST;"


def test_env_leads_to_cores_engine_where_there_is_one(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout)
    assert run(["-q", "env", "--rootless", "--docker"]) == 0
    socket = layout.machine("default").podman_core
    assert f"export DOCKER_HOST=unix://{socket};" in capsys.readouterr().out
    fakes.stopped_machine(layout, "web", family="debian")
    assert run(["env", "web", "--rootless"]) == 2
    assert "one engine only: debian brings no other" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_every_verb_takes_the_global_options_too(capsys: Capture) -> None:
    assert run(["ls", "-q"]) == 0
    assert not capsys.readouterr().err


def test_following_a_log_begins_anew_when_the_machine_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from b2p import logs

    monkeypatch.setattr(logs, "PAUSE", 0.01)
    path = tmp_path / "console.log"
    path.write_text("one\ntwo\n")
    with contextlib.closing(logs.blocks(path, follow=True)) as blocks:
        assert next(blocks) == "one\ntwo"
        with path.open("a") as file:
            file.write("three\n")
        assert next(blocks) == "three"
        path.write_text("anew\n")
        assert next(blocks) == "anew"
        path.unlink()
        path.write_text("another file, a longer one\n")
        assert next(blocks) == "another file, a longer one"


def test_the_address_is_this_computers_own(layout: Layout, capsys: Capture) -> None:
    fakes.stopped_machine(layout)
    assert run(["ip"]) == 0
    assert capsys.readouterr().out == "127.0.0.1\n"
    assert run(["ip", "nobody"]) == 2


def test_who_comes_from_elsewhere_finds_every_word(capsys: Capture) -> None:
    from b2p.cli import coming, verbs

    assert run(["--help"]) == 0
    said = capsys.readouterr().out
    text = (Path(__file__).parents[2] / "docs/coming-from.md").read_text()
    assert coming.page() in text
    for name, rows in coming.COMING_FROM:
        assert name in said
        for _, ours in rows:
            assert ours.split()[0] in verbs.VERBS
