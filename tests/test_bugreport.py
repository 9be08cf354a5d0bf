"""`b2p report`: what is in the archive, and what is not."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from b2p import bugreport, doctor, settings
from b2p.errors import UsageError
from b2p.redaction import Redaction
from b2p.report import SilentReport
from b2p.store.layout import Layout
from tests import fakes_machine
from tests.fakes import short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKkkkkkkkkkkkkkkkkkkkkkkkkk ann@laptop"


@pytest.fixture
def layout() -> Iterator[Layout]:
    with short_directory() as root:
        yield Layout(
            data=root / "data", cache=root / "cache", config=root / "config", sockets=root / "s"
        )


def test_it_tells_of_the_machine_and_of_nobody(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "examined", lambda *_: [doctor.Check("python", "ok", "fine")])
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setattr("platform.node", lambda: "laptop")
    monkeypatch.setenv("HOME", "/home/ann")
    fakes_machine.stopped_machine(
        layout, "payroll", command=("qemu", "-name", "b2p-payroll", "-kernel", "/home/ann/k"),
        mounts=("/home/ann/src",), network="secretlab",
    )  # fmt: skip
    files = layout.machine("payroll")
    files.token.write_text("feedfacefeedface")
    files.console_log.write_text(
        f"\x1b[2Jlaptop login: ann\n{KEY}\nfeedfacefeedface\nhttp://ann:pw@proxy/\npassword=hunter2\n"
    )
    target = tmp_path / "report.tar.gz"
    said = {
        "settings": settings.merged([], cores=2),
        "layers": [settings.Layer("env", {"cpus": 3})],
    }
    bugreport.write("payroll", target, layout, SilentReport(), **said)  # type: ignore[arg-type]
    with tarfile.open(target) as archive:
        found = {one.name: archive.extractfile(one).read().decode() for one in archive}  # type: ignore[union-attr]
    everything = "\n".join([*found, *found.values()])
    for secret in (
        "ann",
        "laptop",
        "payroll",
        "secretlab",
        "AAAAC3",
        "feedface",
        "hunter2",
        "pw@",
        "\x1b",
    ):
        assert secret not in everything.replace("cannot", ""), secret
    assert target.stat().st_mode & 0o777 == 0o600
    assert "machine-1" in found["b2p-report/machine.json"]
    assert json.loads(found["b2p-report/doctor.json"])[0]["what"] == "python"
    assert "~/k" in found["b2p-report/command.txt"]
    for name in found:
        assert (
            name.removeprefix("b2p-report/") in found["b2p-report/README.txt"] or "README" in name
        )
    with pytest.raises(UsageError, match="already"):
        bugreport.write("payroll", target, layout, SilentReport(), **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----", "KEY"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\ncut off", "KEY"),
        ("http_proxy=http://me:secret@proxy:3128", "http_proxy=http://LOGIN@proxy:3128"),
        ('"auth": "dXNlcjpwdw=="', '"auth": "SECRET"'),
        ("Authorization: Bearer abc", "Authorization: SECRET"),
        ("web of website", "machine-1 of website"),
        ("/home/me/x", "~/x"),
        ("ask me@example.org", "ask MAIL"),
    ],
)
def test_what_is_taken_out(text: str, shown: str) -> None:
    found = Redaction(home="/home/me", user="me", host="box", machines=["web"])
    assert found.applied(text) == shown
