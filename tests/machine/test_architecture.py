"""Quirks of each architecture, as words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from b2p.machine.architecture import accelerator_options, architecture, kernel_words

if TYPE_CHECKING:
    from b2p.machine.model import Accelerator, Arch


def test_the_words_of_an_emulated_pc() -> None:
    assert kernel_words("x86_64", "tcg").split() == [
        "console=ttyS0", "quiet", "loglevel=3", "net.ifnames=0",
        "tsc=reliable", "no_timer_check", "nowatchdog",
        "lsm=landlock,yama", "transparent_hugepage=madvise",
        "page_reporting.page_reporting_order=5", "mitigations=off", "cryptomgr.notests",
    ]  # fmt: skip


def test_an_emulated_pc_is_told_how_fast_its_counter_counts() -> None:
    words = kernel_words("x86_64", "tcg", counter_khz=2_596_000).split()
    assert words[-1] == "tsc_early_khz=2596000"


def test_an_emulated_arm_signs_no_addresses_and_has_a_counter_of_its_own() -> None:
    assert accelerator_options("aarch64", "tcg")[2:] == ["-cpu", "max,pauth=off"]
    assert "tsc" not in kernel_words("aarch64", "tcg", counter_khz=2_596_000)


@pytest.mark.parametrize("accelerator", ["kvm", "hvf"])
def test_a_real_processor_keeps_its_guards(accelerator: Accelerator) -> None:
    words = kernel_words("x86_64", accelerator)
    assert "mitigations" not in words
    assert "cryptomgr" not in words
    assert accelerator_options("x86_64", accelerator) == ["-accel", accelerator, "-cpu", "host"]


def test_emulated_code_is_kept_in_bounds() -> None:
    assert accelerator_options("x86_64", "tcg")[:2] == ["-accel", "tcg,thread=multi,tb-size=64"]


@pytest.mark.parametrize(("arch", "console"), [("x86_64", "ttyS0"), ("aarch64", "ttyAMA0")])
def test_each_architecture_has_its_console(arch: Arch, console: str) -> None:
    assert architecture(arch).console == console
    assert kernel_words(arch, "tcg").startswith(f"console={console} ")
