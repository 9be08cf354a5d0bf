"""What is believed of accelerators, with a QEMU that only pretends to run the payload."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from b2p.errors import HostError
from b2p.host import accelerator, computer
from b2p.host import findings as known
from b2p.machine.model import Qemu
from tests.fakes_host import asked, fake_qemu

if TYPE_CHECKING:
    from pathlib import Path

BUSY = "echo 'KVM internal error. Suberror: 1'; sleep 9"


@dataclass
class Case:
    """A computer with a /dev/kvm and a payload."""

    folder: Path
    qemu: Qemu

    @property
    def payload(self) -> Path:
        return self.folder / "payload.bin"

    @property
    def findings(self) -> Path:
        return self.folder / "findings.json"

    def guest(self, text: str) -> None:
        fake_qemu(self.folder / "qemu", guest=text)

    def prove(self, wish: str = "auto", **changes: Any) -> tuple[str, str]:
        qemu = replace(self.qemu, **changes)
        return accelerator.prove(qemu, "x86_64", wish, payload=self.payload, findings=self.findings)

    def runs(self) -> int:
        return len(asked(self.folder / "qemu"))


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    (tmp_path / "kvm").write_text("")
    (tmp_path / "payload.bin").write_bytes(b"payload")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(accelerator, "native_accelerator", lambda: "kvm")
    monkeypatch.setattr(accelerator, "kvm_problem", lambda: None)
    monkeypatch.setattr(accelerator, "KVM", tmp_path / "kvm")
    monkeypatch.setattr(accelerator, "LIMIT_SECONDS", 0.4)
    monkeypatch.setattr(computer, "arch", lambda: "x86_64")
    monkeypatch.setattr(computer, "boot_id", lambda: "this boot")
    qemu = Qemu(
        command=(str(fake_qemu(tmp_path / "qemu")),),
        version=(11, 1, 3),
        machine_type="pc-q35-11.1",
        unix_forward=True,
        sandbox=True,
        origin="system",
        identity="one",
    )
    return Case(tmp_path, qemu)


class TestProof:
    def test_one_that_runs_the_payload_is_used(self, case: Case) -> None:
        assert case.prove() == ("kvm", "")
        assert case.prove("kvm") == ("kvm", "")

    def test_the_payload_runs_under_the_options_that_a_machine_gets(self, case: Case) -> None:
        words = accelerator.command(case.qemu, "x86_64", "kvm", case.payload)
        assert words[:3] == [*case.qemu.command, "-machine", words[2]]
        assert words[2].startswith("pc-q35-11.1,")
        assert words[words.index("-accel") : words.index("-accel") + 4] == [
            "-accel", "kvm", "-cpu", "host",
        ]  # fmt: skip
        assert words[-2:] == ["-kernel", str(case.payload)]

    @pytest.mark.parametrize(
        ("guest", "why"),
        [
            ("exec sleep 9", f"{'{kvm}'} opens but hangs guests"),
            (f"{{ {BUSY}; }}", "{kvm} opens but cannot run guests"),
            ("exit 35", "QEMU's 'kvm' fails: status 35"),
            ("exit 0", "QEMU's 'kvm' fails: status 0"),
            ("echo 'qemu: no way' >&2; exit 1", "QEMU's 'kvm' fails: qemu: no way"),
            ("kill -ABRT $$", "QEMU's 'kvm' fails: status -6"),
        ],
    )
    def test_one_that_does_not_is_told_with_a_remedy(
        self, case: Case, guest: str, why: str
    ) -> None:
        case.guest(guest)
        used, problem = case.prove()
        assert used == "tcg"
        assert problem.startswith(why.format(kvm=case.folder / "kvm") + "; ")
        assert "nested" in problem
        assert "\n" not in problem

    def test_one_that_gives_up_is_not_waited_for(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(accelerator, "LIMIT_SECONDS", 8.0)
        case.guest(f"{{ {BUSY}; }}")
        start = time.monotonic()
        assert case.prove()[0] == "tcg"
        assert time.monotonic() - start < 2

    def test_on_arm64_the_word_on_the_serial_port_counts(self, case: Case) -> None:
        case.guest("echo 'b2p: passed'; exit 0")
        qemu, payload = case.qemu, case.payload
        assert accelerator.run_payload(qemu, "aarch64", "hvf", payload) is None
        case.guest("exit 0")
        assert accelerator.run_payload(qemu, "aarch64", "hvf", payload) is not None


class TestWish:
    def test_emulation_needs_no_proof(self, case: Case) -> None:
        assert case.prove("tcg") == ("tcg", "")
        assert case.runs() == 0

    def test_a_named_one_that_fails_is_an_error(self, case: Case) -> None:
        case.guest("exit 1")
        with pytest.raises(HostError, match="fails: status 1") as caught:
            case.prove("kvm")
        assert "nested" in caught.value.hint

    def test_one_of_another_system_is_an_error(self, case: Case) -> None:
        with pytest.raises(HostError, match="'hvf' does not exist on 'linux'"):
            case.prove("hvf")

    def test_one_that_nobody_knows_is_an_error(self, case: Case) -> None:
        with pytest.raises(HostError, match="'xen'") as caught:
            case.prove("xen")
        assert "kvm" in caught.value.hint

    def test_a_guest_of_another_architecture_is_emulated(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(computer, "arch", lambda: "aarch64")
        used, problem = case.prove()
        assert (used, problem) == ("tcg", "")
        assert case.runs() == 0
        with pytest.raises(HostError, match="'kvm' runs aarch64 guests here, not x86_64 ones"):
            case.prove("kvm")


class TestMemory:
    def test_success_is_remembered(self, case: Case) -> None:
        assert case.prove() == case.prove() == ("kvm", "")
        assert case.runs() == 1

    def test_failure_is_remembered_for_a_while(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        case.guest("exit 1")
        assert case.prove() == case.prove()
        assert case.runs() == 1
        case.guest("exit 99")
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + accelerator.DOUBT_SECONDS + 1)
        assert case.prove() == ("kvm", "")

    def test_another_qemu_is_proven_anew(self, case: Case) -> None:
        case.prove()
        case.prove(identity="two")
        assert case.runs() == 2

    def test_another_boot_is_proven_anew(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        case.prove()
        monkeypatch.setattr(computer, "boot_id", lambda: "next boot")
        case.prove()
        assert case.runs() == 2

    def test_a_module_loaded_anew_is_proven_anew(self, case: Case) -> None:
        case.prove()
        (case.folder / "other").write_text("")
        (case.folder / "other").replace(case.folder / "kvm")
        case.prove()
        assert case.runs() == 2

    def test_a_rotten_finding_is_not_believed(self, case: Case) -> None:
        case.prove()
        key = accelerator._key(case.qemu, "kvm", case.payload)
        assert known.read(case.findings, "accelerators", key) is not None
        known.write(case.findings, "accelerators", key, {"when": "now", "why": ""})
        assert case.prove() == ("kvm", "")
        assert case.runs() == 2

    def test_a_payload_that_lacks_is_an_error(self, case: Case) -> None:
        case.payload.unlink()
        with pytest.raises(HostError, match="cannot read") as caught:
            case.prove()
        assert "reinstall" in caught.value.hint


class TestDevice:
    def test_one_that_opens_is_no_problem_yet(self, tmp_path: Path) -> None:
        (tmp_path / "kvm").write_text("")
        assert accelerator.kvm_problem(tmp_path / "kvm") is None

    def test_one_that_we_may_not_use_tells_the_group(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
        problem = accelerator.kvm_problem(tmp_path / "kvm")
        assert problem is not None
        assert "may not" in problem.why
        assert problem.remedy == "add yourself to group kvm and log in again"

    @pytest.mark.parametrize(
        ("flags", "remedy"), [("flags : fpu vmx sse2", "module"), ("flags : fpu sse2", "firmware")]
    )
    def test_one_that_lacks_tells_what_the_processor_says(
        self, tmp_path: Path, flags: str, remedy: str
    ) -> None:
        (tmp_path / "cpuinfo").write_text(flags)
        problem = accelerator.kvm_problem(tmp_path / "kvm", tmp_path / "cpuinfo")
        assert problem is not None
        assert problem.why.startswith(f"there is no {tmp_path / 'kvm'}")
        assert remedy in problem.remedy

    def test_no_right_to_it_is_told_without_a_guest_and_again_after_it_was_given(
        self, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused = accelerator.Problem("no right", "join the group")
        monkeypatch.setattr(accelerator, "kvm_problem", lambda: refused)
        assert case.prove() == ("tcg", "no right; join the group")
        assert case.runs() == 0
        monkeypatch.setattr(accelerator, "kvm_problem", lambda: None)
        assert case.prove() == ("kvm", "")


@pytest.mark.parametrize(("platform", "native"), [("linux", "kvm"), ("darwin", "hvf"), ("x", None)])
def test_each_system_has_its_own(platform: str, native: str | None) -> None:
    assert accelerator.native_accelerator(platform) == native
