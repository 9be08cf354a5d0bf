"""The tier of faults: one machine that all share, what was done to it counted, and the table."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.boot.person import Person
from tests.faults.lines import LINES, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _pytest.terminal import TerminalReporter

Tally = Counter[str]

# Tests that run in the background would have b2p ignore the end of its terminal.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """What a test has done: kills, bad inputs, cycles. It is told in the table."""
    found: Tally = Counter()
    yield found
    request.node.user_properties += [(what, count) for what, count in found.items()]


@pytest.fixture
def new(person: Person, first_up: str) -> Iterator[Callable[..., str]]:
    """Starts a machine of that name; all are gone after the test."""
    made: list[str] = []

    def up(name: str, *words: str, **more: Any) -> str:
        made.append(name)
        return person.b2p("up", name, *words, **more).err

    yield up
    for name in made:
        person.b2p("rm", "-f", name, status=None)


@pytest.fixture
def free(person: Person) -> Iterator[Callable[[str], str]]:
    """Names whose machines, if any come to be, are gone after the test."""
    named: list[str] = []

    def name(text: str) -> str:
        named.append(text)
        return text

    yield name
    for one in named:
        person.b2p("rm", "-f", one, status=None)


@pytest.fixture
def somebody() -> Iterator[Callable[[str], Person]]:
    """People with homes of any name below /tmp."""
    people: list[tuple[Person, tempfile.TemporaryDirectory[str]]] = []

    def make(name: str) -> Person:
        above = tempfile.TemporaryDirectory(prefix="b2p-f-", dir="/tmp")
        home = Path(above.name) / name
        home.mkdir()
        people.append((Person(home), above))
        return people[-1][0]

    yield make
    for one, above in people:
        one.end()
        above.cleanup()


def record_of(person: Person, name: str = "default") -> Path:
    """A machine's machine.json."""
    return person.home / ".local/share/b2p/machines" / name / "machine.json"


def edit(path: Path, **values: object) -> None:
    """Change some values of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def is_root() -> bool:
    return os.geteuid() == 0


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """The 32 lines, and what was tried."""
    results: dict[int, str] = {}
    totals: Tally = Counter()
    for report in terminalreporter.stats.get("", []):
        # What a test has done is known when it has been cleared away.
        if number_of(getattr(report, "nodeid", "")) or "tests/faults" in report.nodeid:
            totals.update(dict(report.user_properties) if report.when == "teardown" else {})
    for outcome in ("passed", "skipped", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            number = number_of(getattr(report, "nodeid", ""))
            if number and results.get(number) != "FAIL":
                told = {"passed": "PASS", "skipped": "skipped"}.get(outcome, "FAIL")
                if not (told == "PASS" and results.get(number) == "skipped"):
                    results[number] = told
    if not results:
        return
    terminalreporter.section("what breaks launchers like this one")
    for number, text in LINES.items():
        terminalreporter.line(f"{results.get(number, 'not run'):>8}  {number:>2}  {text}")
    tried = ", ".join(f"{count} {what}" for what, count in sorted(totals.items()))
    terminalreporter.line(f"          tried: {tried or 'nothing'}")
