"""Starting, watching and ending programs, with real small ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b2p.errors import HostError
from b2p.host import lifetime, process
from b2p.host.process import Started

UUID = "3f0e2a1c-5d57-4a1e-8f0b-0b2d6c1b9e11"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def launch(log: Path, text: str, *words: str) -> Started:
    return process.launch(["sh", "-c", text, *words], log=log)


def end(started: Started) -> None:
    process.terminate(started.pid, started.start_time, force=True)
    assert process.await_exit(started.pid, started.start_time, timeout=5)


def said(log: Path, words: int, seconds: float = 5.0) -> list[str]:
    deadline = time.monotonic() + seconds
    while len(found := log.read_text().split()) < words and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


class TestRun:
    def test_tells_all_that_was_said(self) -> None:
        ended = process.run(["sh", "-c", "echo out; echo err >&2"], timeout=5)
        assert ended == process.Completed(0, b"out\n", b"err\n")

    def test_closes_standard_input(self) -> None:
        assert process.run(["cat"], timeout=5).stdout == b""

    def test_hands_input_over(self) -> None:
        assert process.run(["cat"], timeout=5, input=b"word").stdout == b"word"

    def test_the_environment_given_is_the_whole_one(self) -> None:
        ended = process.run(["/usr/bin/env"], timeout=5, env={"ONE": "1"})
        assert ended.stdout == b"ONE=1\n"

    def test_a_failure_shows_what_the_program_said_last(self) -> None:
        with pytest.raises(HostError, match="'sh' failed with status 3") as caught:
            process.run(["sh", "-c", "echo why >&2; exit 3"], timeout=5)
        assert caught.value.details == "why"

    def test_a_failure_that_is_an_answer_is_returned(self) -> None:
        assert process.run(["sh", "-c", "exit 3"], timeout=5, check=False).status == 3

    def test_a_signal_is_named(self) -> None:
        with pytest.raises(HostError, match="SIGABRT"):
            process.run(["sh", "-c", "kill -ABRT $$"], timeout=5)

    def test_a_program_that_lacks_is_named_with_what_to_do(self) -> None:
        with pytest.raises(HostError, match="'/no/such': no such file") as caught:
            process.run(["/no/such"], timeout=5)
        assert "installed" in caught.value.hint

    def test_is_killed_when_overdue(self) -> None:
        start = time.monotonic()
        with pytest.raises(process.OverdueError, match=r"within 0\.1 s"):
            process.run(["sleep", "5"], timeout=0.1)
        assert time.monotonic() - start < 2


class TestRunWatched:
    def test_tells_the_status_and_logs_what_was_said(self, log: Path) -> None:
        status = process.run_watched(["sh", "-c", "echo word; exit 7"], log, lambda: None, 5)
        assert (status, log.read_text()) == (7, "word\n")

    def test_what_the_watcher_raises_ends_the_command(self, log: Path, tmp_path: Path) -> None:
        pid = tmp_path / "pid"

        def watch() -> None:
            if pid.exists() and pid.read_text():
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            process.run_watched(["sh", "-c", f"echo $$ >{pid}; exec sleep 9"], log, watch, 5)
        assert not Path(f"/proc/{pid.read_text().strip()}").exists()

    def test_is_killed_when_overdue(self, log: Path) -> None:
        with pytest.raises(process.OverdueError) as caught:
            process.run_watched(["sh", "-c", "echo stuck; sleep 9"], log, lambda: None, 0.2)
        assert caught.value.details == "stuck"


class TestLaunch:
    def test_the_program_has_nothing_of_ours(self, log: Path) -> None:
        with log.open("a") as inheritable:
            os.set_inheritable(inheritable.fileno(), True)
            started = launch(log, "pwd; umask; echo /proc/self/fd/*; readlink /proc/self/fd/0")
            assert os.getsid(started.pid) == started.pid
            assert process.await_exit(started.pid, started.start_time, timeout=5)
        told = log.read_text().splitlines()
        assert told[0] == "/"
        assert int(told[1], 8) == 0o077
        # The shell's own reading of the directory is the one beyond 0, 1 and 2.
        assert len(told[2].split()) <= 4
        assert told[3] == "/dev/null"

    def test_the_log_is_appended_to_and_private(self, log: Path) -> None:
        log.write_text("before\n")
        log.chmod(0o644)
        started = launch(log, "echo out; echo err >&2")
        assert process.await_exit(started.pid, started.start_time, timeout=5)
        assert log.read_text() == "before\nout\nerr\n"
        assert log.stat().st_mode & 0o777 == 0o600

    def test_the_program_outlives_its_starter_and_the_end_of_its_terminal(self, log: Path) -> None:
        code = (
            "import os, signal; from pathlib import Path; from b2p.host import process;"
            f"one = process.launch(['sleep', '30'], log=Path({str(log)!r}));"
            "print(one.pid, one.start_time, flush=True); os.killpg(0, signal.SIGHUP)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True, text=True
        )
        assert ended.returncode == -signal.SIGHUP
        pid, start_time = ended.stdout.split()
        started = Started(int(pid), float(start_time))
        assert process.alive(started.pid, started.start_time)
        end(started)

    def test_how_it_ended_is_told_to_the_parent(self, log: Path) -> None:
        started = launch(log, "exit 5")
        assert process.await_exit(started.pid, started.start_time, timeout=5)
        assert process.exit_status(started.pid) == 5
        assert process.exit_status(1) is None

    def test_a_program_that_lacks_is_named(self, log: Path) -> None:
        with pytest.raises(HostError, match="cannot start '/no/such'"):
            process.launch(["/no/such"], log=log)

    def test_a_log_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(HostError, match="cannot write the log"):
            process.launch(["true"], log=tmp_path / "none" / "log")

    def test_a_relative_program_is_found_before_it_starts_elsewhere(
        self, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\necho here\n")
        program.chmod(0o755)
        monkeypatch.chdir(tmp_path)
        started = process.launch(["./program"], log=log)
        assert process.await_exit(started.pid, started.start_time, timeout=5)
        assert log.read_text() == "here\n"

    def test_ctrl_c_within_the_start_leaves_nothing(
        self, log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[subprocess.Popen[bytes]] = []
        real = process._popen

        def interrupted(
            command: list[str], output: int, keep: list[int]
        ) -> subprocess.Popen[bytes]:
            begun.append(real(command, output, keep))
            signal.raise_signal(signal.SIGINT)
            return begun[0]

        monkeypatch.setattr(process, "_popen", interrupted)
        with pytest.raises(KeyboardInterrupt):
            launch(log, "sleep 30")
        assert begun[0].returncode == -signal.SIGKILL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class TestAlive:
    def test_a_zombie_is_not(self, log: Path) -> None:
        started = launch(log, "exit 0")
        os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        assert not process.alive(started.pid, started.start_time)
        assert process.exit_status(started.pid) == 0

    def test_a_later_process_of_the_same_pid_is_another_one(self, log: Path) -> None:
        started = launch(log, "sleep 30")
        assert process.alive(started.pid, started.start_time)
        assert not process.alive(started.pid, started.start_time - 60)
        end(started)
        assert not process.alive(started.pid, started.start_time)

    def test_one_that_has_no_memory_any_more_is_ending(self, log: Path) -> None:
        started = launch(log, "sleep 30")
        assert not lifetime.is_ending(started.pid)
        os.kill(started.pid, signal.SIGKILL)
        os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        # A zombie is all that is left of it, as of one whose other threads still end.
        assert lifetime.is_ending(started.pid) is (sys.platform == "linux")
        assert process.exit_status(started.pid) is not None

    def test_a_name_with_brackets_does_not_hide_the_start_time(self) -> None:
        stat = b"7 (a) Z (b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 0 0\n"
        assert lifetime.parse_stat(stat, 100) == pytest.approx(1234.56)
        assert lifetime.parse_stat(stat.replace(b") S", b") Z"), 100) is None


class TestTerminate:
    def test_never_signals_a_later_process_of_the_same_pid(self, log: Path) -> None:
        started = launch(log, "sleep 30")
        assert not process.terminate(started.pid, started.start_time - 60, force=True)
        assert process.alive(started.pid, started.start_time)
        end(started)

    def test_asks_first_and_ends_with_force(self, log: Path) -> None:
        started = launch(log, "trap 'echo asked' TERM; echo set; while :; do sleep 0.05; done")
        assert said(log, 1) == ["set"]
        assert process.terminate(started.pid, started.start_time, force=False)
        assert said(log, 2) == ["set", "asked"]
        assert not process.await_exit(started.pid, started.start_time, timeout=0.1)
        end(started)
        assert process.exit_status(started.pid) == -signal.SIGKILL

    def test_is_done_where_the_process_has_gone(self, log: Path) -> None:
        started = launch(log, "exit 0")
        assert process.await_exit(started.pid, started.start_time, timeout=5)
        assert not process.terminate(started.pid, started.start_time, force=False)

    def test_works_without_process_descriptors(
        self, log: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As on macOS and on Linux before 5.3.
        monkeypatch.delattr(os, "pidfd_open")
        started = launch(log, "sleep 30")
        end(started)
        assert not process.terminate(started.pid, started.start_time, force=True)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no descriptors of them")
def test_a_process_is_gone_when_the_last_of_its_threads_is(log: Path) -> None:
    code = (
        "import ctypes, os, sys, threading, time\n"
        "def other():\n"
        "    while not os.path.exists(sys.argv[1]): time.sleep(0.005)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=other).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    gate = log.with_name("gate")
    started = process.launch([sys.executable, "-I", "-S", "-c", code, str(gate)], log=log)
    while process.alive(started.pid, started.start_time):
        time.sleep(0.005)
    # Its first thread has ended, the other one holds all its files still.
    assert process.exit_status(started.pid) is None
    assert not process.await_exit(started.pid, started.start_time, timeout=0.01)
    gate.touch()
    assert process.await_exit(started.pid, started.start_time, timeout=30)
    assert process.exit_status(started.pid) == 0


class TestHandOver:
    def test_the_status_is_handed_back(self) -> None:
        assert process.hand_over(["sh", "-c", "exit 9"]) == 9

    def test_a_signal_is_told_as_a_shell_tells_it(self) -> None:
        assert process.hand_over(["sh", "-c", "kill -TERM $$"]) == 128 + signal.SIGTERM

    def test_ctrl_c_is_the_commands_business(self) -> None:
        # The terminal sends it to both; the command chooses to live.
        text = "trap '' INT; kill -INT $PPID; exit 4"
        assert process.hand_over(["sh", "-c", text]) == 4


def test_a_qemu_whose_files_were_deleted_is_found_by_its_uuid(log: Path) -> None:
    # Between the end of exec's success and its words in /proc there is a moment: it speaks first.
    started = launch(log, "echo here; kill -STOP $$", "qemu", "-name", "b2p-x", "-uuid", UUID)
    try:
        assert said(log, 1, 60) == ["here"]
        assert process.find_by_uuid(UUID) == [started]
        assert process.find_by_uuid(UUID.replace("3", "4")) == []
    finally:
        end(started)
