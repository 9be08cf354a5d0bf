"""What makes a saved state fit, field by field."""

from __future__ import annotations

import pytest

from b2p.machine.state import difference, fields

COMMAND = (
    "/lib/ld.so", "--argv0", "qemu", "-accel", "kvm", "-m", "2048M", "-nodefaults",
    "-device", "a,x=1", "-device", "b", "-smp", "2",
)  # fmt: skip
SAVED = fields(COMMAND, qemu="1", processor="this")


def test_each_option_is_a_field_and_repeated_ones_are_one() -> None:
    assert SAVED == {
        "QEMU": "1",
        "option --argv0": "qemu",
        "accelerator": "kvm",
        "memory": "2048M",
        "option -nodefaults": "",
        "option -device": "a,x=1 b",
        "cpus": "2",
        "host's processor": "this",
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ""),
        ({"memory": "4096M"}, "memory was 2048M, is 4096M"),
        ({"QEMU": "f" * 64}, "QEMU has changed"),
        ({"option -new": "x"}, "option -new has changed"),
        ({"cpus": "4", "host's processor": "that"}, "cpus was 2, is 4"),
    ],
)
def test_the_first_difference_is_told(change: dict[str, str], told: str) -> None:
    assert difference(SAVED, {**SAVED, **change}) == told


def test_a_field_that_went_away_is_a_difference_too() -> None:
    assert difference({**SAVED, "option -old": "x"}, SAVED) == "option -old has changed"


def test_an_emulated_processor_is_the_same_everywhere() -> None:
    emulated = ["-accel", "tcg,thread=multi"]
    assert fields(emulated, qemu="", processor="a") == fields(emulated, qemu="", processor="b")


def test_what_the_host_shows_to_the_guest_is_no_part_of_a_state() -> None:
    shown = [*COMMAND, "-fsdev", "local,id=b2p-mount-0,path=/home"]
    shown += ["-netdev", "dgram,id=peer1,local.type=unix"]
    assert fields(shown, qemu="1", processor="this") == SAVED
    user = [*COMMAND, "-netdev", "user,id=net0"]
    assert fields(user, qemu="1", processor="this") == {**SAVED, "option -netdev": "user,id=net0"}
