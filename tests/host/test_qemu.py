"""Choosing among QEMUs, each a script that answers as one does."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from b2p.errors import DownloadError, HostError
from b2p.host import findings as known
from b2p.host import qemu
from tests.fakes_debian import ListeningReport
from tests.fakes_host import MACHINES, asked, fake_qemu, script

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.machine.model import Qemu


class NotingReport(ListeningReport):
    """Remembers remarks, too."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class Computer:
    """A PATH, a cache, and a QEMU that could be brought."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.findings = folder / "findings.json"
        self.report = NotingReport()
        self.brought = folder / "managed" / "qemu-system-x86_64"
        self.times_brought = 0
        self.failure: DownloadError | None = None

    @property
    def system(self) -> Path:
        return self.bin / "qemu-system-x86_64"

    def bring(self) -> tuple[str, ...]:
        self.times_brought += 1
        if self.failure:
            raise self.failure
        return (str(fake_qemu(self.brought)),)

    def find(self, wish: str = "auto") -> Qemu:
        return qemu.find(
            wish, "x86_64", findings=self.findings, bring=self.bring, report=self.report
        )


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    made = Computer(tmp_path)
    monkeypatch.setenv("PATH", f"{made.bin}:{os.environ['PATH']}")
    monkeypatch.setattr(qemu, "ELSEWHERE", ())
    monkeypatch.setattr(sys, "platform", "linux")
    return made


class TestAuto:
    def test_the_systems_own_is_taken_where_it_forwards_to_unix_sockets(
        self, computer: Computer
    ) -> None:
        fake_qemu(computer.system)
        found = computer.find()
        assert (found.origin, found.command) == ("system", (str(computer.system),))
        assert (found.version, found.machine_type) == ((11, 1, 3), "pc-q35-11.1")
        assert found.unix_forward
        assert found.sandbox
        assert computer.times_brought == 0

    def test_one_is_brought_where_the_system_has_none(self, computer: Computer) -> None:
        assert computer.find().origin == "managed"

    @pytest.mark.parametrize("version", ["5.2.0", "10.0.3"])
    def test_one_is_brought_where_the_systems_cannot_forward(
        self, computer: Computer, version: str
    ) -> None:
        fake_qemu(computer.system, version=version, unix_forward=False)
        assert computer.find().origin == "managed"
        assert computer.find().origin == "managed"
        assert computer.report.warnings == []
        # Why is told, but not at every start.
        assert len(computer.report.notes) == 1
        assert version in computer.report.notes[0]

    def test_without_network_the_systems_serves_with_a_warning(self, computer: Computer) -> None:
        fake_qemu(computer.system, version="10.0.3", unix_forward=False)
        computer.failure = DownloadError("no mirror answers", "see to the network")
        found = computer.find()
        assert (found.origin, found.unix_forward) == ("system", False)
        assert "10.0.3" in computer.report.warnings[0]
        assert "no mirror answers" in computer.report.warnings[0]

    def test_without_network_and_with_one_too_old_both_are_told(self, computer: Computer) -> None:
        fake_qemu(computer.system, version="5.2.0", unix_forward=False)
        computer.failure = DownloadError("no mirror answers", "see to the network")
        with pytest.raises(DownloadError, match="no mirror answers") as caught:
            computer.find()
        assert "see to the network" in caught.value.hint
        assert "5.2.0" in caught.value.hint

    def test_on_macos_none_is_brought(
        self, computer: Computer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", "darwin")
        with pytest.raises(HostError) as caught:
            computer.find()
        assert "brew install qemu" in caught.value.hint
        fake_qemu(computer.system, unix_forward=False, sandbox=False)
        assert computer.find().origin == "system"
        assert computer.times_brought == 0


class TestNamed:
    def test_managed_is_brought_though_the_system_has_one(self, computer: Computer) -> None:
        fake_qemu(computer.system)
        assert computer.find("managed").origin == "managed"

    def test_system_means_the_systems(self, computer: Computer) -> None:
        fake_qemu(computer.system, version="8.2.0", unix_forward=False)
        assert computer.find("system").version == (8, 2, 0)

    def test_system_without_one_is_an_error(self, computer: Computer) -> None:
        with pytest.raises(HostError, match="no 'qemu-system-x86_64'") as caught:
            computer.find("system")
        assert "'auto'" in caught.value.hint

    def test_a_path_with_odd_characters_is_taken_as_it_is(self, computer: Computer) -> None:
        path = fake_qemu(computer.bin / "a, b" / "my qemü")
        found = computer.find(str(path))
        assert (found.origin, found.command) == ("path", (str(path),))

    @pytest.mark.parametrize("wish", ["system", "path"])
    def test_one_that_is_too_old_is_refused(self, computer: Computer, wish: str) -> None:
        fake_qemu(computer.system, version="6.2.0", unix_forward=False)
        with pytest.raises(HostError, match=r"QEMU 6\.2\.0 .* too old"):
            computer.find(str(computer.system) if wish == "path" else wish)

    @pytest.mark.parametrize("kind", ["missing", "not executable", "a directory"])
    def test_a_path_that_is_no_program_is_refused(self, computer: Computer, kind: str) -> None:
        path = computer.bin / "qemu"
        if kind == "not executable":
            path.write_text("")
        if kind == "a directory":
            path.mkdir()
        with pytest.raises(HostError, match="no QEMU at") as caught:
            computer.find(str(path))
        assert "auto" in caught.value.hint

    def test_another_program_is_refused(self, computer: Computer) -> None:
        path = script(computer.bin / "qemu", "echo I am something else")
        with pytest.raises(HostError, match="is not a QEMU"):
            computer.find(str(path))

    def test_a_qemu_of_another_architecture_is_refused(self, computer: Computer) -> None:
        machines = "virt  ARM Virtual Machine (alias of virt-11.1)\n"
        path = fake_qemu(computer.bin / "qemu", machines=machines)
        with pytest.raises(HostError, match="no 'q35' machine") as caught:
            computer.find(str(path))
        assert "qemu-system-x86_64" in caught.value.hint


class TestAsking:
    def test_a_binary_is_asked_once(self, computer: Computer) -> None:
        fake_qemu(computer.system)
        first = computer.find()
        questions = len(asked(computer.system))
        assert questions == 6
        assert computer.find() == first
        assert len(asked(computer.system)) == questions

    def test_what_it_said_of_one_architecture_is_not_believed_of_another(
        self, computer: Computer
    ) -> None:
        path = str(fake_qemu(computer.bin / "qemu"))
        assert computer.find(path).machine_type == "pc-q35-11.1"
        found = qemu.find(path, "aarch64", findings=computer.findings, bring=computer.bring)
        assert found.machine_type == "virt-11.1"

    def test_an_upgraded_binary_is_asked_again(self, computer: Computer) -> None:
        fake_qemu(computer.system)
        before = computer.find()
        fake_qemu(computer.system, version="11.2.0")
        os.utime(computer.system, (1, 1))
        after = computer.find()
        assert after.version == (11, 2, 0)
        assert after.identity != before.identity

    @pytest.mark.parametrize("wrong", [{}, {"version": [11]}, {"version": "x"}])
    def test_a_rotten_finding_is_asked_again(
        self, computer: Computer, wrong: dict[str, object]
    ) -> None:
        fake_qemu(computer.system)
        found = computer.find()
        rotten = {"command": list(found.command), **wrong}
        known.write(computer.findings, "qemu", found.identity, rotten)
        assert computer.find() == found

    def test_a_sandbox_that_is_not_compiled_in_is_seen(self, computer: Computer) -> None:
        fake_qemu(computer.system, sandbox=False)
        assert not computer.find().sandbox

    def test_the_forward_that_is_tried_has_a_hyphen_in_its_path(self, computer: Computer) -> None:
        # Up to 10.2 a rule was split at its first hyphen, and ours have some.
        fake_qemu(computer.system)
        computer.find()
        rule = next(line for line in asked(computer.system) if "hostfwd" in line)
        assert "-" in rule.partition("hostfwd=unix:")[2].partition("-:")[0]


@pytest.mark.parametrize(
    ("board", "machine_type"), [("q35", "pc-q35-11.1"), ("virt", "virt-11.1"), ("microvm", None)]
)
def test_the_versioned_machine_is_what_the_alias_stands_for(
    board: str, machine_type: str | None
) -> None:
    assert qemu.parse_machine_type(MACHINES, board) == machine_type


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u15)\n", (7, 2, 22)),
        ("QEMU emulator version 11.1.3\nCopyright", (11, 1, 3)),
        ("qemu-img version 7.2.22", None),
        ("", None),
    ],
)
def test_the_version_is_read(text: str, version: tuple[int, int, int] | None) -> None:
    assert qemu.parse_version(text) == version


def test_the_identity_is_that_of_qemu_and_not_of_its_loader(tmp_path: Path) -> None:
    binary = fake_qemu(tmp_path / "qemu-system-x86_64")
    loader = ("/lib/ld.so", "--library-path", "/l", "--argv0", "qemu", str(binary), "-L", "/s")
    assert qemu.binary(loader) == str(binary)
    assert qemu.identity(loader) == qemu.identity((str(binary),))
