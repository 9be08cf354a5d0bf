"""The checks of a computer: each is told, none stops the others, each that fails has a remedy."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from b2p import doctor, settings, sizes
from b2p.errors import HostError
from b2p.host import accelerator, brought, computer, qemu
from b2p.report import SilentReport
from b2p.store import places
from b2p.store.layout import Layout
from tests import fakes_machine
from tests.image import test_cache

Checks = dict[str, doctor.Check]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Files below a directory of the test's own."""
    return Layout(
        data=tmp_path / "data",
        cache=tmp_path / "cache",
        config=tmp_path / "config",
        sockets=Path("/tmp/b2p-doctor"),
    )


@pytest.fixture(autouse=True)
def _computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer where all is well but QEMU, which is not there yet."""
    monkeypatch.setattr(computer, "memory_mib", lambda: 8192)
    monkeypatch.setattr(computer, "cores", lambda: 4)
    monkeypatch.setattr(computer, "free_bytes", lambda _: 100 * sizes.GIB)
    monkeypatch.setattr(accelerator, "kvm_problem", lambda: None)
    monkeypatch.setattr(doctor, "_time_at", lambda _: 0.0)
    monkeypatch.setattr(brought, "existing", lambda _kind, _cache: None)
    monkeypatch.setattr(qemu, "find", lambda *_, bring, **__: bring())


def examined(layout: Layout, **wishes: object) -> Checks:
    wanted = dataclasses.replace(settings.merged([], cores=4), **wishes)  # type: ignore[arg-type]
    checks = doctor.examined(wanted, layout, SilentReport())
    assert {check.what for check in checks} >= set(doctor.CHECKS) - {"room"}
    assert all(check.remedy for check in checks if check.verdict != "ok")
    return {check.what: check for check in checks}


def test_where_all_is_well_everything_is_ok(layout: Layout) -> None:
    found = examined(layout)
    assert {check.verdict for check in found.values()} == {"ok"}
    assert "brings one" in found["qemu"].found


def test_a_check_that_raises_is_a_failed_check(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise HostError("too old", "install a newer one")

    monkeypatch.setattr(qemu, "find", broken)
    assert examined(layout)["qemu"] == doctor.Check(
        "qemu", "fail", "too old", "install a newer one"
    )


def test_a_device_that_cannot_be_used_is_told_before_there_is_a_qemu(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = accelerator.Problem("no right to /dev/kvm", "join group kvm")
    monkeypatch.setattr(accelerator, "kvm_problem", lambda: problem)
    monkeypatch.setattr("sys.platform", "linux")
    assert examined(layout)["accelerator"].remedy == "join group kvm"


@pytest.mark.parametrize(
    ("memory", "verdict"), [(2 * sizes.GIB, "ok"), (8 * sizes.GIB, "warn"), (9 * sizes.GIB, "fail")]
)
def test_memory_must_leave_some_for_the_computer(layout: Layout, memory: int, verdict: str) -> None:
    assert examined(layout, memory=memory)["memory"].verdict == verdict


def test_more_processors_than_there_are_is_a_warning(layout: Layout) -> None:
    assert examined(layout, cpus=5)["cores"].verdict == "warn"


def test_a_nearly_full_disk_is_a_warning(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computer, "free_bytes", lambda _: sizes.GIB)
    assert examined(layout)["room"].verdict == "warn"


def test_a_directory_that_others_may_enter_is_a_warning(layout: Layout) -> None:
    layout.data.mkdir()
    layout.data.chmod(0o755)
    assert examined(layout)["directories"].remedy == f"chmod 700 {layout.data}"


def test_a_directory_of_somebody_else_is_a_failure(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout.data.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: layout.data.stat().st_uid + 1)
    assert examined(layout)["directories"].verdict == "fail"


def test_a_socket_path_that_is_too_long_is_a_failure(layout: Layout) -> None:
    long = dataclasses.replace(layout, sockets=Path("/tmp") / ("x" * 90))
    assert examined(long)["sockets"].verdict == "fail"


def test_without_a_mirror_there_is_a_warning(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_time_at", lambda _: None)
    assert examined(layout)["mirror"].verdict == "warn"


def test_offline_nobody_is_asked(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_time_at", lambda _: pytest.fail("asked"))
    assert examined(layout, offline=True)["mirror"].verdict == "ok"


def test_a_broken_machine_is_named(layout: Layout, tmp_path: Path) -> None:
    layout = dataclasses.replace(layout, sockets=tmp_path / "s")
    places.prepare(layout)
    fakes_machine.stopped_machine(layout, "good")
    fakes_machine.stopped_machine(layout, "bad")
    layout.machine("bad").record.write_text("?")
    assert examined(layout)["machines"].found.startswith("bad: ")


@pytest.mark.parametrize(
    ("off", "said"), [(-600, "10 minutes ahead"), (7200, "120 minutes behind")]
)
def test_a_clock_that_is_wrong_is_a_warning(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, off: float, said: str
) -> None:
    monkeypatch.setattr(doctor, "_time_at", lambda _: time.time() + off)
    check = examined(layout)["clock"]
    assert (check.verdict, check.remedy) == ("warn", "set this computer's clock")
    assert said in check.found


def test_an_image_of_last_month_is_a_warning(layout: Layout) -> None:
    home = test_cache.image(layout.images, "0" * 64)
    assert examined(layout)["image"].verdict == "ok"
    then = time.time() - 31 * 86400
    os.utime(home / "manifest.json", (then, then))
    check = examined(layout)["image"]
    assert check.verdict == "warn"
    assert "31 days" in check.found
    assert "b2p upgrade" in check.remedy
