"""How b2p looks: progress, remarks and errors on stderr, tables on stdout. The only user of rich.

On a terminal tasks are drawn live; elsewhere (a pipe, NO_COLOR, TERM=dumb) they are plain lines.
rich is imported when something has lasted long enough to be drawn, so quick commands do not pay.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TextIO

from b2p import sizes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from b2p.report import Report, Task, Unit

Style = Literal["", "bold", "dim", "green", "yellow", "red"]
Piece = tuple[str, Style]

DRAW_AFTER = 0.3
"""Seconds after which a task is drawn; what is done sooner only leaves its line."""
SPEAK_EVERY = 10.0
"""Seconds after which a task that goes on says so again in plain lines."""
WIDEST = 100
_BAR = 12
_LEAST_TITLE = 20
_SGR = {"bold": "1", "dim": "2", "green": "32", "yellow": "33", "red": "31"}


@dataclass(slots=True)
class Running:
    """One task: what was said of it, and how that reads. Times are seconds of one clock."""

    title: str
    unit: Unit
    started: float
    total: int = 0
    done: int = 0
    saying: str = ""
    spoken: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, total: int) -> None:
        """Say how much there is to do in all."""
        self.total = total

    def advance(self, amount: int) -> None:
        """Say that so much more is done."""
        with self.lock:
            self.done += amount

    def say(self, text: str) -> None:
        """Name what is being done just now."""
        self.saying = " ".join(shown(text).split())

    def seconds(self, now: float) -> str:
        """How long it has lasted: "4.2 s", "75 s"."""
        elapsed = now - self.started
        return f"{elapsed:.1f} s" if elapsed < 9.95 else f"{elapsed:.0f} s"

    def amount(self, now: float) -> str:
        """How far it is: "43.1 of 101 MB, 12.3 MB/s", "12 of 40"; empty if nothing is counted."""
        if not self.done and not self.total:
            return ""
        if self.unit == "items":
            return f"{self.done} of {self.total}" if self.total else f"{self.done}"
        done, total = sizes.rounded(self.done), sizes.rounded(self.total)
        if self.total and done[-2:] == total[-2:]:
            done = done.rsplit(" ", 1)[0]
        rate = sizes.rounded(self.done / max(now - self.started, 0.1))
        return f"{done} of {total}, {rate}/s" if self.total else f"{done}, {rate}/s"

    def summary(self) -> str:
        """What it came to, for the line that stays."""
        if self.unit == "bytes" and self.done:
            return sizes.rounded(self.done)
        return ""


def shown(text: str) -> str:
    """The text without what a terminal would obey, whoever it came from."""
    if text.isprintable():
        return text
    from b2p.plain import plain

    return plain(text)


class Voice:
    """Writes styled lines to a stream that may know no colour, no UTF-8, or be closed already."""

    def __init__(self, stream: TextIO | None, *, colour: bool) -> None:
        self.stream = stream
        self.colour = colour
        encoding = getattr(stream, "encoding", None) or "ascii"
        self.unicode = encoding.lower().replace("-", "").startswith("utf")

    def line(self, *pieces: Piece) -> None:
        """Write one line."""
        self.write("".join(self.styled(text, style) for text, style in pieces) + "\n")

    def styled(self, text: str, style: Style) -> str:
        """The text with its escape sequences, where there is colour, and none of its own."""
        text = shown(text)
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if style and self.colour else text

    def write(self, text: str) -> None:
        """Write and flush; a reader of our progress who has gone away is no reason to fail."""
        if self.stream is None:
            return
        if not self.unicode:
            encoding = getattr(self.stream, "encoding", None) or "ascii"
            text = text.encode(encoding, "replace").decode(encoding)
        try:
            self.stream.write(text)
            self.stream.flush()
        except (BrokenPipeError, ValueError):
            self.stream = None

    def folded(self, text: str, indent: str) -> list[str]:
        """The text in lines that fit a terminal; elsewhere one line, for whoever greps it."""
        if not self.colour:
            return [indent + line for line in text.splitlines()]
        width = min(shutil.get_terminal_size().columns, WIDEST) - 1
        folding = {"break_long_words": False, "break_on_hyphens": False}
        lines = (
            textwrap.wrap(line, width, initial_indent=indent, subsequent_indent=indent, **folding)  # type: ignore[arg-type]
            for line in text.splitlines()
        )
        return [line for group in lines for line in group]


class PlainReport:
    """Lines on a stream: one when a task starts, one each ten seconds, one when it ends."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.running: tuple[Running, ...] = ()
        self.lock = threading.RLock()
        self.ended = threading.Event()

    @contextmanager
    def task(self, title: str, unit: Unit = "items") -> Iterator[Task]:
        """A long step, from its first line to its last."""
        running = Running(title, unit, time.monotonic(), spoken=time.monotonic())
        self.begin(running)
        outcome = "failed after"
        try:
            yield running
            outcome = "done in"
        except KeyboardInterrupt:
            outcome = "interrupted after"
            raise
        finally:
            self.end(running, outcome)

    def begin(self, running: Running) -> None:
        """Say that it starts."""
        with self.lock:
            if not self.running:
                self.ended = threading.Event()
                threading.Thread(target=self._tick, args=(self.ended,), daemon=True).start()
            self.running += (running,)
        self.voice.line((f"b2p: {running.title} ...", ""))

    def end(self, running: Running, outcome: str) -> None:
        """Say that it ended, how, and after how long."""
        with self.lock:
            self.running = tuple(other for other in self.running if other is not running)
            if not self.running:
                self.ended.set()
        extra = f" ({running.summary()})" if running.summary() else ""
        seconds = running.seconds(time.monotonic())
        self.voice.line((f"b2p: {running.title}: {outcome} {seconds}{extra}", ""))

    def _tick(self, ended: threading.Event) -> None:
        while not ended.wait(1.0):
            self.remind(time.monotonic())

    def remind(self, now: float) -> None:
        """One line of each task that has been silent for ten seconds."""
        for running in self.running:
            if now - running.spoken >= SPEAK_EVERY:
                running.spoken = now
                words = [running.seconds(now), running.amount(now), running.saying]
                words = [word for word in words if word]
                self.voice.line((f"b2p: {running.title} ... {', '.join(words)}", ""))

    def note(self, text: str) -> None:
        """A plain remark."""
        self.voice.line((f"b2p: {text}", ""))

    def warn(self, text: str, hint: str = "") -> None:
        """Something is not as it should be; the work goes on."""
        self.voice.line((f"b2p: warning: {text}", ""))
        if hint:
            self.voice.line((f"  {hint}", ""))


class QuietReport(PlainReport):
    """Warnings only."""

    def begin(self, running: Running) -> None:
        """Nothing is said."""

    def end(self, running: Running, outcome: str) -> None:
        """Nothing is said."""

    def note(self, text: str) -> None:
        """Nothing is said."""


class LiveReport:
    """Tasks drawn on a terminal, several at a time; each leaves one line when it ends."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.running: tuple[Running, ...] = ()
        self.lock = threading.RLock()
        self.live: Any = None  # rich.live.Live, once it is worth its import

    @contextmanager
    def task(self, title: str, unit: Unit = "items") -> Iterator[Task]:
        """A long step, drawn while it lasts."""
        running = Running(title, unit, time.monotonic())
        running.title = shown(title)
        with self.lock:
            self.running += (running,)
        later = threading.Timer(DRAW_AFTER, self._draw)
        later.daemon = True
        later.start()
        mark, style = ("✗", "red") if self.voice.unicode else ("failed:", "red")
        try:
            yield running
            mark, style = ("✓", "green") if self.voice.unicode else ("ok:", "green")
        finally:
            later.cancel()
            self._end(running, (mark, style))  # type: ignore[arg-type]

    def _end(self, running: Running, mark: Piece) -> None:
        with self.lock:
            self.running = tuple(other for other in self.running if other is not running)
            if self.live and not self.running:
                self.live.stop()
                self.live = None
            notes = [running.summary(), running.seconds(time.monotonic())]
            after = "  ".join(note for note in notes if note)
            self._line(mark, (f" {running.title}  ", ""), (after, "dim"))

    def _draw(self) -> None:
        """Begin to draw, in a thread of its own, unless all is done or another has begun."""
        from rich.console import Console
        from rich.live import Live

        with self.lock:
            if self.live or not self.running:
                return
            console = Console(file=self.voice.stream, force_terminal=True, highlight=False)
            self.live = Live(
                get_renderable=lambda: self._picture(console),
                console=console,
                transient=True,
                refresh_per_second=10,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.live.start()

    def _picture(self, console: Any) -> Any:
        from rich.text import Text

        width = min(console.width, WIDEST) - 1
        now = time.monotonic()
        lines = [
            line
            for running in self.running
            for line in picture(running, now, width, unicode=self.voice.unicode)
        ]
        rows = max(console.height - 1, 1)
        return Text("\n").join(Text.assemble(*line) for line in lines[:rows])

    def note(self, text: str) -> None:
        """A plain remark."""
        with self.lock:
            for line in self.voice.folded(text, ""):
                self._line((line, ""))

    def warn(self, text: str, hint: str = "") -> None:
        """Something is not as it should be; the work goes on."""
        with self.lock:
            first, *more = self.voice.folded(text, " " * len("warning: ")) or [""]
            self._line(("warning: ", "yellow"), (first.strip(), ""))
            for line in [*more, *self.voice.folded(hint, " " * len("warning: "))]:
                self._line((line, "" if line in more else "dim"))

    def _line(self, *pieces: Piece) -> None:
        """One line that stays, above what is drawn."""
        if self.live:
            from rich.text import Text

            safe = [(shown(text), style) for text, style in pieces]
            self.live.console.print(Text.assemble(*safe), soft_wrap=True)
        else:
            self.voice.line(*pieces)


def picture(running: Running, now: float, width: int, *, unicode: bool) -> list[list[Piece]]:
    """One task under way in one or two lines of at most `width` cells."""
    spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if unicode else "|/-\\"
    spin = spinner[int(now * 10) % len(spinner)]
    right: list[Piece] = [(f"{running.seconds(now):>6}", "dim")]
    for pieces in (_amount(running, now), _bar(running, unicode=unicode)):
        if _cells(right) + _cells(pieces) <= width - _LEAST_TITLE:
            right = [*pieces, *right]
    room = max(width - _cells(right) - 3, 1)
    title = clipped(running.title, room, unicode=unicode)
    lines: list[list[Piece]] = [[(spin, "green"), (f" {title:<{room}} ", "bold"), *right]]
    if running.saying:
        saying = clipped(running.saying, width - 4, unicode=unicode)
        lines.append([(f"  {'└' if unicode else '-'} {saying}", "dim")])
    return lines


def _amount(running: Running, now: float) -> list[Piece]:
    amount = running.amount(now)
    return [(f"{amount}  ", "")] if amount else []


def _bar(running: Running, *, unicode: bool) -> list[Piece]:
    if not running.total:
        return []
    filled = min(_BAR, _BAR * running.done // running.total)
    done, left = ("━", "━") if unicode else ("=", " ")
    return [(done * filled, "green"), (left * (_BAR - filled), "dim"), ("  ", "")]


def _cells(pieces: Sequence[Piece]) -> int:
    return sum(len(text) for text, _ in pieces)


def clipped(text: str, width: int, *, unicode: bool) -> str:
    """The text cut to so many cells, with a sign that it was."""
    sign = "…" if unicode else "..."
    return text if len(text) <= width else text[: width - len(sign)].rstrip() + sign


def fancy(stream: TextIO | None) -> bool:
    """Whether colours and a live display belong on the stream."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", None):
        return False
    return stream.isatty()


def report(*, quiet: bool) -> Report:
    """The report that fits this terminal."""
    voice = Voice(sys.stderr, colour=fancy(sys.stderr))
    if quiet:
        return QuietReport(voice)
    return LiveReport(voice) if voice.colour else PlainReport(voice)


def error(message: str, hint: str = "", details: str = "") -> None:
    """One line of what failed, then what to do, then the evidence."""
    voice = Voice(sys.stderr, colour=fancy(sys.stderr))
    voice.line(("b2p: ", "red"), (" ".join(message.split()), "bold"))
    for line in voice.folded(hint, "  "):
        voice.line((line, ""))
    for line in details.rstrip().splitlines():
        voice.line((f"  | {line.rstrip()}", "dim"))


def say(text: str) -> None:
    """A line on stderr."""
    Voice(sys.stderr, colour=False).line((text, ""))


def out(text: str) -> None:
    """Text for programs, or a table, on stdout; a reader who has gone away is told by main."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
