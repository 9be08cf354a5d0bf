"""The ways into a machine: ssh, its console, its logs."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.boot.person import B2P, await_true, signalled

if TYPE_CHECKING:
    from tests.boot.person import Person

pytestmark = pytest.mark.boot


def test_ssh_hands_on_words_input_and_status(machine: Person) -> None:
    assert machine.b2p("ssh", "--", "echo", "a  b", "$HOME").out == "a  b $HOME\n"
    assert machine.b2p("ssh", "--", "echo $HOME").out == "/home/core\n"
    assert machine.b2p("ssh", "--", "wc -c", stdin="12345").out == "5\n"
    machine.b2p("ssh", "--", "exit 7", status=7)


def test_core_may_become_root(machine: Person) -> None:
    assert machine.b2p("ssh", "--", "id -un; sudo -n id -un").out == "core\nroot\n"


def test_the_machine_bears_its_name_and_knows_the_time(machine: Person) -> None:
    assert machine.inside("uname -n; cat /etc/hostname") == "default\ndefault\n"
    away = "from time import time; import sys; print(abs(time() - float(sys.stdin.read())))"
    said = machine.b2p("ssh", "--", f"python3 -c '{away}'", stdin=str(time.time())).out
    # ssh itself takes a second or two under emulation; a clock that was never set is years off.
    assert float(said) < 30


def test_logs_show_what_the_console_said(machine: Person) -> None:
    said = machine.b2p("logs").out
    assert "b2p: stage: starting systemd" in said
    assert "\x1b" not in said


def test_logs_that_are_followed_end_with_ctrl_c(machine: Person) -> None:
    machine.inside("echo before > /dev/console")
    following = machine.begin("logs", "-f")
    assert following.stdout
    for line in following.stdout:
        if "before" in line:
            break
    machine.inside("echo afterwards > /dev/console")
    for line in following.stdout:
        if "afterwards" in line:
            break
    with signalled(following, signal.SIGINT, when=lambda: True) as said:
        assert (said.status, said.err) == (130, "")


def test_the_console_gives_a_shell_and_is_left_by_its_key(machine: Person) -> None:
    with pexpect.spawn(
        str(B2P),
        ["console"],
        env={**machine.environment, "TERM": "xterm"},
        timeout=120,
        encoding="utf-8",
        dimensions=(24, 80),
    ) as terminal:
        terminal.expect("attached to the console")
        # Agetty starts when somebody looks; until then nobody reads what is typed.
        for _ in range(20):
            terminal.sendline("")
            if terminal.expect(["# ", pexpect.TIMEOUT], timeout=10) == 0:
                break
        terminal.sendline("echo $((6 * 7))-$(id -un)")
        terminal.expect("42-root")
        terminal.sendcontrol("]")
        terminal.expect("detached")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0
    await_true("the machine goes on", lambda: machine.state() == "running")
