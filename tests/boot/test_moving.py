"""A machine goes through a file to another person's computer, and tells of itself in an archive."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.daily


@pytest.fixture
def elsewhere() -> Iterator[Person]:
    """Somebody else, at another computer as far as b2p can tell."""
    with tempfile.TemporaryDirectory(prefix="b2p-e-", dir="/tmp") as home:
        person = Person(Path(home))
        yield person
        person.end()


def test_a_machine_goes_on_at_another_computer(
    machine: Person, elsewhere: Person, tmp_path: Path
) -> None:
    file = tmp_path / "work.b2p"
    try:
        machine.b2p("up", "work")
        machine.inside("echo kept > /root/mark; sync", name="work")
        said = machine.b2p("export", "work", str(file), status=2).err
        assert "stop it first" in said
        machine.b2p("down", "work")
        machine.b2p("export", "work", str(file))
    finally:
        machine.b2p("rm", "-f", "work", status=None)
    assert file.stat().st_size < 20 << 20
    elsewhere.b2p("import", str(file))
    elsewhere.b2p("up", "work")
    assert elsewhere.inside("cat /root/mark; uname -n", name="work") == "kept\nwork\n"
    elsewhere.b2p("rm", "-f", "work")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert "work.b2p" in elsewhere.b2p("import", str(file), status=125).err
    assert elsewhere.traces("work") == []


def test_a_report_is_one_archive_without_secrets(machine: Person, tmp_path: Path) -> None:
    file = tmp_path / "report.tar.gz"
    said = machine.b2p("report", "--file", str(file)).err
    assert "read it before you send it" in said
    key = (machine.home / ".local/share/b2p/id_ed25519.pub").read_text().split()[1]
    with tarfile.open(file) as archive:
        found = {
            one.name.removeprefix("b2p-report/"): stream.read().decode()
            for one in archive
            if (stream := archive.extractfile(one))
        }
    assert {"README.txt", "versions.txt", "doctor.json", "command.txt", "qmp.json"} <= found.keys()
    assert '"status": "running"' in found["qmp.json"]
    assert not [name for name, text in found.items() if key in text or str(machine.home) in text]
