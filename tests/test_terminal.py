"""How progress, remarks and errors look, on terminals and elsewhere."""

from __future__ import annotations

import io
import re
import threading
import time

import pytest

from b2p import tables, terminal
from b2p.terminal import LiveReport, PlainReport, QuietReport, Running, Voice, picture


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def plain() -> tuple[PlainReport, io.StringIO]:
    stream = io.StringIO()
    return PlainReport(Voice(stream, colour=False)), stream


def test_a_task_leaves_a_line_at_its_start_and_one_at_its_end() -> None:
    report, stream = plain()
    with report.task("fetching", "bytes") as task:
        task.expect(10**6)
        task.advance(10**6)
    first, last = stream.getvalue().splitlines()
    assert first == "b2p: fetching ..."
    assert re.fullmatch(r"b2p: fetching: done in 0\.\d s \(1\.0 MB\)", last)


@pytest.mark.parametrize(
    ("error", "word"), [(ValueError, "failed"), (KeyboardInterrupt, "interrupted")]
)
def test_a_task_that_ends_badly_says_so(error: type[BaseException], word: str) -> None:
    report, stream = plain()
    with pytest.raises(error), report.task("fetching"):
        raise error
    assert f"fetching: {word} after" in stream.getvalue()


def test_a_long_task_speaks_every_ten_seconds() -> None:
    report, stream = plain()
    now = time.monotonic()
    running = Running("booting", "items", now, spoken=now)
    running.say("mounting\nthe disk")
    report.running = (running,)
    for second in range(25):
        report.remind(now + second)
    lines = stream.getvalue().splitlines()
    assert lines == [
        "b2p: booting ... 10 s, mounting the disk",
        "b2p: booting ... 20 s, mounting the disk",
    ]


def test_two_tasks_may_overlap_and_leave_no_thread() -> None:
    report, stream = plain()
    with report.task("one"), report.task("two"):
        ended = report.ended
    assert ended.is_set()
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == [
        "one",
        "two",
        "two:",
        "one:",
    ]


def test_the_quiet_report_says_warnings_only() -> None:
    stream = io.StringIO()
    report = QuietReport(Voice(stream, colour=False))
    with report.task("fetching"):
        report.note("a remark")
        report.warn("slow", "buy a new one")
    assert stream.getvalue() == "b2p: warning: slow\n  buy a new one\n"


def test_a_quick_task_on_a_terminal_never_starts_to_draw() -> None:
    stream = Screen()
    report = LiveReport(Voice(stream, colour=True))
    with report.task("looking"):
        pass
    assert report.live is None
    assert re.sub(r"\x1b\[\d*m", "", stream.getvalue()) == "✓ looking  0.0 s\n"


def test_a_long_task_on_a_terminal_is_drawn_and_leaves_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "DRAW_AFTER", 0.0)
    stream = Screen()
    report = LiveReport(Voice(stream, colour=True))
    with report.task("booting") as task:
        task.say("stage one")
        deadline = time.monotonic() + 10
        while "stage one" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        report.warn("[bold]brackets[/bold] stay", "do it")
    text = stream.getvalue()
    assert "└ stage one" in text
    assert "[bold]brackets[/bold] stay" in text
    assert text.index("\x1b[?25l") < text.index("\x1b[?25h"), "the cursor comes back"
    assert text.rstrip().splitlines()[-1].count("✓") == 1
    assert report.live is None


def test_a_failed_task_on_a_terminal_is_crossed() -> None:
    stream = Screen()
    with pytest.raises(ValueError), LiveReport(Voice(stream, colour=True)).task("booting"):
        raise ValueError
    assert "✗" in stream.getvalue()


@pytest.mark.parametrize("width", [40, 79, 99])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_picture_is_never_wider_than_the_terminal(width: int, unicode: bool) -> None:
    running = Running("fetching the packages of the system image and more " * 2, "bytes", 0.0)
    running.expect(101_500_000)
    running.advance(43_100_000)
    running.say("a-very-long-name-of-a-package" * 5)
    lines = [
        "".join(text for text, _ in line) for line in picture(running, 5.0, width, unicode=unicode)
    ]
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    if width >= 79:
        assert "43.1 of 102 MB, 8.6 MB/s" in lines[0]
    assert unicode or all(line.isascii() for line in lines)


def test_more_done_than_expected_does_not_burst_the_bar() -> None:
    running = Running("unpacking", "items", 0.0)
    running.expect(10)
    running.advance(25)
    (line,) = picture(running, 1.0, 79, unicode=True)
    assert "".join(text for text, _ in line).count("━") == 12


def test_a_stream_without_unicode_gets_question_marks_not_an_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    Voice(stream, colour=False).line(("✓ snowman ☃ é", ""))
    assert raw.getvalue() == "? snowman ? é\n".encode("latin-1")


def test_a_reader_of_progress_who_has_gone_ends_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    report = PlainReport(Voice(Gone(), colour=False))
    with report.task("fetching"):
        report.note("still here")


def test_an_error_is_one_line_then_the_hint_then_the_evidence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal.error("it broke\nin two", "mend it", details="line one\nline two\n")
    assert capsys.readouterr().err.splitlines() == [
        "b2p: it broke in two",
        "  mend it",
        "  | line one",
        "  | line two",
    ]


@pytest.mark.parametrize(
    ("variables", "fancy"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({}, False),
     ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "xterm", "NO_COLOR": ""}, True)],
)  # fmt: skip
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], fancy: bool
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.fancy(Screen()) is fancy
    assert not terminal.fancy(io.StringIO())
    assert not terminal.fancy(None)


def test_a_table_is_aligned_and_has_no_spaces_at_its_ends() -> None:
    text = tables.table(("NAME", "STATE"), [("default", "running"), ("b", "stopped")])
    assert text.splitlines() == ["NAME     STATE", "default  running", "b        stopped"]


@pytest.mark.parametrize(("columns", "kept"), [(40, 4), (30, 3), (20, 2)])
def test_a_narrow_terminal_is_spared_columns(
    monkeypatch: pytest.MonkeyPatch, columns: int, kept: int
) -> None:
    monkeypatch.setattr("sys.stdout", Screen())
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    rows = [("default", "running", "x" * 8, "y" * 8)]
    text = tables.table(("NAME", "STATE", "EXTRA", "MORE"), rows, spare=("MORE", "EXTRA"))
    assert len(text.splitlines()[0].split()) == kept
    assert max(map(len, text.splitlines())) <= columns


def test_an_empty_cell_fits_beside_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Screen())
    monkeypatch.setenv("NO_COLOR", "1")
    assert tables.table(("A", "B"), [("a" * 90, "")]).splitlines()[1] == "a" * 90


def test_a_pipe_gets_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", "5")
    assert tables.table(("A", "MORE"), [("a" * 9, "b")], spare=("MORE",)).split()[1] == "MORE"


def test_advances_of_many_threads_are_all_counted() -> None:
    running = Running("fetching", "bytes", 0.0)

    def advance_often() -> None:
        for _ in range(2000):
            running.advance(1)

    threads = [threading.Thread(target=advance_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert running.done == 16000
