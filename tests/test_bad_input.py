"""Bad input at the command line, as a person meets it: one line, a hint, a status, nothing lost.

The command line is run with an empty home, most of it in this process, since the start of a program
takes longer than the rest, and some as the whole program. No test here boots or fetches anything.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from b2p.cli.main import run
from b2p.fetch import Fetcher
from b2p.store import places
from tests import fakes_debian, fakes_host, fakes_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from b2p.store.layout import Layout

TREE = Path(__file__).parent.parent
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens at discard's port; as a proxy it keeps a program away from every mirror."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended, and what it said."""

    status: int
    stdout: str
    stderr: str

    def refusal(self, status: int) -> str:
        """Its message, where it failed with that status, by one line and a hint."""
        assert (self.status, self.stdout) == (status, ""), self
        said = [line for line in self.stderr.splitlines() if not line.startswith("  | ")]
        *before, message, hint = said
        assert message.startswith("b2p: "), self.stderr
        assert hint.startswith("  "), self.stderr
        told = [line for line in before if not line.startswith("b2p: reading Debian's package")]
        assert all(line.startswith(("b2p: warning: ", "  another")) for line in told), self.stderr
        return message.removeprefix("b2p: ")


@dataclass(frozen=True)
class Home:
    """An empty home."""

    path: Path
    capture: pytest.CaptureFixture[str]

    @property
    def layout(self) -> Layout:
        return places.layout(
            {"HOME": str(self.path)},
            directories=lambda: (
                self.path / ".local/share/b2p",
                self.path / ".cache/b2p",
                self.path / ".config/b2p",
            ),
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.path),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(TREE),
            "XDG_DATA_HOME": str(self.path / ".local/share"),
            "XDG_CACHE_HOME": str(self.path / ".cache"),
            "XDG_CONFIG_HOME": str(self.path / ".config"),
            "http_proxy": NOWHERE,
            "https_proxy": NOWHERE,
        }

    def refused(self, *words: str, status: int, **variables: str) -> str:
        """The message of a command line that must fail with that status."""
        with (
            mock.patch.dict(os.environ, self.environment | variables, clear=True),
            contextlib.chdir(self.path),
        ):
            ended = run(list(words))
        return Ended(ended, *self.capture.readouterr()).refusal(status)

    def program_refused(self, *words: str, status: int) -> str:
        """The same of the whole program."""
        ended = subprocess.run(
            [sys.executable, "-m", "b2p", *words],
            env=self.environment,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr).refusal(status)

    def files(self) -> dict[str, bytes]:
        """All that lies in it, but for empty directories."""
        found = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): path.read_bytes() for path in found}


@pytest.fixture
def home(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    defaults = Fetcher.__init__.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "pause", 0.01)
    with tempfile.TemporaryDirectory(prefix="b2p-", dir="/tmp") as path:
        yield Home(Path(path), capfd)


@pytest.mark.parametrize(
    "words",
    [
        *(["down"], ["status"], ["inspect"], ["logs"], ["console"], ["env"]),
        *(["ssh", "--", "true"], ["podman", "ps"], ["rm", "-f", "default"]),
    ],
    ids=" ".join,
)
def test_a_machine_that_is_not_there_is_named(home: Home, words: list[str]) -> None:
    assert home.refused(*words, status=2) == "there is no machine 'default'"
    assert home.files() == {}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["down"], 2, "there is no machine 'default'"),
        (["up", "--memory", "1000TiB"], 2, "this computer has"),
        (["up", "--qemu", "/no/such/qemu"], 125, "/no/such/qemu"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_whole_program_says_it_as_well(
    home: Home, words: list[str], status: int, said: str
) -> None:
    assert said in home.program_refused(*words, status=status)
    assert not [name for name in home.files() if "machine" in name and ".lock" not in name]


@pytest.mark.parametrize("words", [["ssh", "--", "true"], ["podman", "ps"], ["console"]])
def test_a_machine_that_does_not_run_is_told_to_be_started(home: Home, words: list[str]) -> None:
    fakes_machine.stopped_machine(home.layout)
    assert home.refused(*words, status=2) == "machine 'default' is not running"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "a,b"], "'a,b' cannot be a machine's name"),
        (["up", ""], "cannot be a machine's name"),
        (["up", "x" * 80], "cannot be a machine's name"),
        (["up", "--cpus", "0"], "cpus cannot be 0"),
        (["up", "--memory", "2048"], "memory '2048' is no size"),
        (["up", "--memory", "64MiB"], "memory cannot be '64MiB'"),
        (["up", "--memory", "1000TiB"], "this computer has"),
        (["up", "--mirror", "ftp.debian.org"], "is not an address"),
        (["up", "--accel", "fast"], "accel cannot be 'fast'"),
        (["up", "--mount", "/no/such"], "cannot mount '/no/such': there is no such directory"),
        (["up", "--mount", "/:/mnt:fast"], "'fast' means nothing here"),
        (["up", "--mount", "/tmp:/"], "'/' is the guest's own"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_before_anything_is_fetched(
    home: Home, words: list[str], said: str
) -> None:
    assert said in home.refused(*words, status=2)
    assert not [name for name in home.files() if not name.endswith(".lock")]


@pytest.mark.parametrize("verb", ["up", "down", "ssh", "logs"])
def test_a_broken_record_is_told_and_left_as_it_is(home: Home, verb: str) -> None:
    fakes_machine.stopped_machine(home.layout)
    files = home.layout.machine("default")
    files.record.write_text('{"schema": 1, "name": ')
    files.data_disk.write_bytes(b"precious")
    before = home.files()
    said = home.refused(verb, status=125)
    assert str(files.record) in said
    after = home.files()
    assert {name: after[name] for name in before if "lock" not in name} == {
        name: content for name, content in before.items() if "lock" not in name
    }


def test_a_disk_does_not_shrink(home: Home) -> None:
    fakes_machine.stopped_machine(home.layout, disk_bytes=100 << 30)
    assert "cannot shrink" in home.refused("up", "--disk", "50GiB", status=2)


@pytest.mark.parametrize("kind", ["missing", "too old", "another program", "broken"])
def test_a_qemu_that_does_not_do_is_told_before_anything_is_fetched(home: Home, kind: str) -> None:
    program = home.path / "qemu"
    match kind:
        case "too old":
            fakes_host.fake_qemu(program, version="6.2.0", unix_forward=False)
        case "another program":
            fakes_host.script(program, "echo something else")
        case "broken":
            fakes_host.script(program, "exit 1")
    said = home.refused("up", "--qemu", str(program), status=125)
    assert str(program) in said
    assert not [name for name in home.files() if "machine" in name or ".deb" in name]


def test_a_settings_file_that_is_none_is_named(home: Home) -> None:
    settings = home.path / ".config/b2p/b2p.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("cpus = ")
    assert str(settings) in home.refused("up", status=2)
    settings.write_text('memroy = "2GiB"')
    assert "'memroy'" in home.refused("up", status=2)


def test_without_any_mirror_the_first_start_says_so_and_leaves_no_machine(home: Home) -> None:
    said = home.refused("up", "--mirror", f"{NOWHERE}/debian", status=125)
    assert "cannot fetch" in said
    assert not [name for name in home.files() if "machines/" in name]


def test_lists_that_a_stranger_signed_are_refused(home: Home) -> None:
    with fakes_debian.served() as site:
        text, files = fakes_debian.release(fakes_debian.stanza("podman"))
        site.files |= {f"/debian/dists/trixie/{name}": data for name, data in files.items()}
        site.files["/debian/dists/trixie/InRelease"] = fakes_debian.signed(
            text, fakes_debian.signing_key()
        )
        words = ("up", "--mirror", f"{site.address}/debian")
        said = home.refused(*words, status=125, no_proxy="127.0.0.1")
    assert "InRelease" in said
    assert site.address in said
    assert not [name for name in home.files() if "machines/" in name or ".deb" in name]


def test_a_home_of_a_long_path_has_its_sockets_elsewhere(home: Home) -> None:
    deep = Home(home.path / ("long" * 20), home.capture)
    deep.path.mkdir()
    fakes_machine.stopped_machine(deep.layout)
    run = deep.layout.machine("default").run
    try:
        assert run.is_relative_to(f"/tmp/b2p-{os.getuid()}")
        assert deep.refused("ssh", "--", "true", status=2) == "machine 'default' is not running"
    finally:
        run.rmdir()
