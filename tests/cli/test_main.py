"""Words in, exit statuses and one clear line out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

from b2p import __version__
from b2p.cli.main import run
from b2p.cli.verbs import ALIASES, VERBS, b2p
from b2p.errors import GuestError, UsageError

Capture = pytest.CaptureFixture[str]
TREE = Path(__file__).parent.parent.parent


def story_that(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `b2p down` end in that error."""

    def down(*_: object, **__: object) -> None:
        raise error

    module = types.ModuleType("b2p.down")
    vars(module)["down"] = down
    monkeypatch.setitem(sys.modules, "b2p.down", module)


def test_every_verb_of_the_table_is_there_and_has_help(capsys: Capture) -> None:
    for verb in VERBS:
        assert run([verb, "--help"]) == 0
        assert f"b2p {verb}" in capsys.readouterr().out


def test_every_verbs_help_begins_as_the_table_says() -> None:
    for verb, (_, text) in VERBS.items():
        command = b2p.get_command(None, verb)  # type: ignore[arg-type]
        assert command
        assert command.help
        assert command.help.split()[0] == text.split()[0], verb


def test_every_alias_leads_to_a_verb(capsys: Capture) -> None:
    for alias, verb in ALIASES.items():
        assert run([alias, "--help"]) == 0
        assert f"Usage: b2p {verb}" in capsys.readouterr().out


def test_no_words_at_all_show_the_help(capsys: Capture) -> None:
    assert run([]) == 0
    assert "Verbs:" in capsys.readouterr().out


def test_the_version_is_said(capsys: Capture) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"b2p {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["upp"], "did you mean 'up'"),
        (["stats"], "did you mean 'status'"),
        (["down", "--forse"], "--force"),
        (["down", "a", "b"], "unexpected extra argument"),
        (["down", "--timeout", "0"], "--timeout"),
        (["down", "A,b"], "'A,b' cannot be a machine's name"),
        (["down", "../x"], "cannot be a machine's name"),
        (["rm"], "missing argument"),
        (["rm", "ok", "n ok"], "'n ok' cannot be"),
        (["ls", "--", "x"], "nothing can follow '--'"),
        (["up", "--memory", "2048"], "memory '2048' is no size"),
        (["up", "--cpus", "0"], "cpus cannot be 0"),
        (["up", "--cpus", "two"], "cpus cannot be 'two'"),
        (["up", "--accel", "xen"], "accel cannot be 'xen'"),
    ],
)
@pytest.mark.usefixtures("home")
def test_wrong_words_are_one_line_a_hint_and_status_2(
    capsys: Capture, words: list[str], expected: str
) -> None:
    assert run(words) == 2
    said = capsys.readouterr()
    assert not said.out
    first, hint = said.err.splitlines()
    assert first.startswith("b2p: ")
    assert expected in first
    assert hint.startswith("  ")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UsageError("wrong", "do right"), 2, "b2p: wrong\n  do right\n"),
        (
            GuestError("boot", "dead", details="last words"),
            125,
            "b2p: boot: dead\n  | last words\n",
        ),
        (KeyboardInterrupt(), 130, "b2p: interrupted; nothing left behind\n"),
    ],
)
@pytest.mark.usefixtures("home")
def test_each_failure_has_its_status(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, error: BaseException, status: int, said: str
) -> None:
    story_that(monkeypatch, error)
    assert run(["down"]) == status
    assert capsys.readouterr().err == said


def test_a_mistake_in_b2p_is_one_line_and_its_traceback_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, home: Path
) -> None:
    story_that(monkeypatch, ZeroDivisionError("oh"))
    assert run(["down"]) == 125
    first, second = capsys.readouterr().err.splitlines()
    assert first == "b2p: a mistake in b2p: ZeroDivisionError: oh"
    (kept,) = (home / ".cache/b2p/accidents").iterdir()
    assert str(kept) in second
    text = kept.read_text()
    assert "Traceback" in text
    assert "b2p down" in text


def test_a_mistake_is_told_even_where_nothing_can_be_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, home: Path
) -> None:
    (home / ".cache").write_text("a file where a directory should be")
    story_that(monkeypatch, ZeroDivisionError("oh"))
    assert run(["down"]) == 125
    assert "--debug" in capsys.readouterr().err


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "b2p", *words]


def test_a_reader_who_goes_away_hears_no_complaint(home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(TREE)}
    ended = subprocess.run(
        command("ls", "--json"), stdout=writer, stderr=subprocess.PIPE, env=environment, timeout=30
    )
    os.close(writer)
    assert ended.stderr == b""
    assert ended.returncode == 141


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_every_signal_ends_b2p_in_good_order(home: Path, number: signal.Signals) -> None:
    (home / ".local/share/b2p/machines/default").mkdir(parents=True)
    log = home / ".local/share/b2p/machines/default/console.log"
    log.write_text("first line\n")
    code = (
        "import sys, types\n"
        "from b2p import logs\n"
        "from b2p.cli import main\n"
        "def down(*a, **k):\n"
        "    for block in logs.blocks(__import__('pathlib').Path(sys.argv[1]), follow=True):\n"
        "        print(block, flush=True)\n"
        "sys.modules['b2p.down'] = module = types.ModuleType('b2p.down')\n"
        "module.down = down\n"
        "main.main(['down'])\n"
    )
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(TREE)}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as child:
        assert child.stdout
        assert child.stdout.readline() == b"first line\n"
        child.send_signal(number)
        _, said = child.communicate(timeout=20)
    assert child.returncode == 130
    assert said == b"b2p: interrupted; nothing left behind\n"
