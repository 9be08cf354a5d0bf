"""The known failures: what b2p says, why it happens, what to do, and the test that provokes it.

docs/troubleshooting.md is made of this table (scripts/troubleshooting). What stands for a name or a
number is written as …; tests/test_catalogue.py compares each row with the code that says it.
"""

from __future__ import annotations

from typing import NamedTuple


class Failure(NamedTuple):
    """One row."""

    title: str
    says: str
    """The message, as the code has it."""
    cause: str
    remedy: str
    """The hint that b2p prints beneath, as the code has it."""
    test: str
    check: str = ""
    """Which of `b2p doctor`'s checks looks for it beforehand; empty where none can."""


KNOWN: tuple[tuple[str, tuple[Failure, ...]], ...] = (
    ("This computer", (
        Failure(
            "No QEMU",
            "no QEMU at …",
            "qemu (or B2P_QEMU) names a QEMU that is not there. Unset, b2p finds one or brings one.",
            "give the path of a qemu-system binary, or one of: auto, system, managed",
            "tests/test_up.py::test_a_qemu_that_is_not_there_is_told",
            "qemu",
        ),
        Failure(
            "QEMU is too old",
            "QEMU … at … is too old: … is the oldest that b2p knows",
            "The system's QEMU lacks what b2p relies on.",
            "install a newer one, or set qemu to 'auto'",
            "tests/test_bad_input.py::test_a_qemu_that_does_not_do_is_told_before_anything_is_fetched",
            "qemu",
        ),
        Failure(
            "Everything is slow",
            "tcg: …",
            "/dev/kvm is not there, not yours, or hangs every guest: b2p proves it with a small payload, and"
            " falls back to emulation.",
            "",
            "tests/test_up.py::test_a_slow_processor_is_warned_of_with_the_remedy",
            "accelerator",
        ),
        Failure(
            "Home is too long a path",
            "… is too long a path for sockets (… bytes with the name, at most …)",
            "A socket's path has at most about 100 bytes. b2p goes to /tmp where home is too long; the machine's"
            " name counts too.",
            "use a home directory of a shorter path",
            "tests/store/test_places.py::test_where_nothing_is_short_enough_it_is_said",
            "sockets",
        ),
        Failure(
            "HOME is unset or wrong",
            "there is no home directory: HOME is …",
            "HOME is empty or relative, and the user database has none either.",
            "set HOME to the path of your home directory",
            "tests/store/test_places.py::test_a_home_that_is_none_is_told",
        ),
        Failure(
            "A directory of b2p's is another user's",
            "… belongs to another user",
            "sudo made it, or somebody prepared it in /tmp: b2p does not put sockets and keys there.",
            "remove it",
            "tests/store/test_places.py::test_another_users_directory_is_refused",
            "directories",
        ),
        Failure(
            "Home on a file system without locks",
            "cannot lock …: …",
            "Locks are the kernel's (flock). Some network file systems have none.",
            "keep b2p's data on a file system that has locks (set XDG_DATA_HOME)",
            "tests/store/test_lock.py::test_a_file_system_without_locks_is_told",
        ),
        Failure(
            "No port is free",
            "no port of 127.0.0.1 is free",
            "QEMU could bind neither the port of before nor any other one.",
            "close some programs and try again",
            "tests/test_up.py::test_no_free_port_for_ssh_is_told_with_qemus_words",
        ),
    )),
    ("Room", (
        Failure(
            "The disk is full while something is fetched",
            "the disk is full: no room for … in …",
            "What was fetched stays as .part and is gone on with.",
            "free some space there and run the command again; it goes on where it stopped",
            "tests/test_fetch.py::test_a_disk_that_fills_up_is_told_as_such",
            "room",
        ),
        Failure(
            "No room to build the image",
            "… MiB are free at …, building the image takes …",
            "It is asked for before anything is fetched.",
            "make room there, or set B2P_CACHE_DIR to a larger disk",
            "tests/test_supply.py::test_too_little_room_is_told_before_anything_is_fetched",
            "room",
        ),
        Failure(
            "The machine stands still",
            "… takes nothing: this computer's disk is full (or broken)",
            "The machine's disk is sparse: it grew until this computer's disk was full. QEMU holds the machine"
            " until there is room; nothing is lost.",
            "make room at …, then it goes on with 'b2p up …'",
            "tests/test_standstill.py::test_the_full_disk_is_named_with_what_to_do",
            "machines",
        ),
        Failure(
            "A record cannot be written",
            "cannot write …: …",
            "The disk is full, or not writable for you. The record of before is intact.",
            "make room on that disk, or give yourself the right to write there",
            "tests/store/test_record.py::test_a_failed_write_leaves_the_old_record_and_nothing_else",
            "room",
        ),
        Failure(
            "Suspending fails",
            "the machine's memory cannot be saved: …",
            "There is no room for the memory that is in use. The machine runs on.",
            "it runs on; see that there is room for it at …",
            "tests/test_suspend.py::test_what_cannot_be_saved_runs_on",
            "room",
        ),
    )),
    ("Starting and stopping", (
        Failure(
            "A stage of the start takes too long",
            "not done after … s",
            "The message begins with the stage, and the last lines of the console follow: what is slow, or what"
            " the guest waits for, stands there.",
            "give it more time: --timeout",
            "tests/test_up.py::test_a_stage_that_takes_too_long_is_named",
        ),
        Failure(
            "QEMU ended",
            "QEMU ended…",
            "It could not start with these options, was killed (look for the kernel's out-of-memory killer), or"
            " crashed; its own words follow.",
            "see what it says",
            "tests/test_up.py::test_a_qemu_that_ends_at_once_is_told_with_its_words",
        ),
        Failure(
            "Another b2p is at the machine",
            "… is being changed by …",
            "One b2p at a time changes a machine. The lock is the kernel's: it is gone when its holder is.",
            "wait until it is done, or end it: kill …",
            "tests/store/test_lock.py::test_the_loser_is_told_who_holds_it",
        ),
        Failure(
            "Another engine is asked for",
            "machine … has …, and keeps it",
            "--engine, B2P_ENGINE or a b2p.toml says another engine than the machine was made with; what one"
            " engine stores is of no use to the other.",
            "make another one: b2p up NAME --engine …",
            "tests/test_decision.py::test_a_machine_keeps_its_engine",
        ),
        Failure(
            "podman in a machine with docker",
            "machine … has no podman, but docker",
            "It was made with --engine docker, whose image has no podman.",
            "",
            "tests/cli/test_engines.py::test_podman_is_pointed_at_docker",
        ),
        Failure(
            "It runs, but does not answer",
            "machine … runs, but does not answer",
            "QEMU is there, the engine in it is not: it crashed, or the guest is out of memory or disk.",
            "b2p down --force … && b2p up …",
            "tests/test_up.py::test_a_running_machine_without_an_engine_is_told_what_to_do",
            "machines",
        ),
        Failure(
            "QEMU does not answer",
            "QEMU runs, but does not answer at its socket",
            "It hangs, or somebody stopped it. The pid and its start time are compared, so no other process is"
            " meant.",
            "end it with 'b2p down --force …' and start it again",
            "tests/test_up.py::test_a_qemu_that_hangs_is_not_started_a_second_time",
            "machines",
        ),
        Failure(
            "A process does not end",
            "process … does not end",
            "Not even SIGKILL ends it: the kernel waits for a device, a disk most often.",
            "restart the computer, and report this",
            "tests/test_down.py::test_what_even_sigkill_does_not_end_is_told",
        ),
    )),
    ("What is stored", (
        Failure(
            "An image that starts in b2p's machines only",
            "the image … is of an older b2p, and starts in its machines only",
            "`b2p image export` was asked for an image that cannot run without b2p yet.",
            "build a current one: b2p image build",
            "tests/test_exports.py::test_without_an_image_it_says_how_to_have_one",
        ),
        Failure(
            "machine.json is broken",
            "… cannot be used: …",
            "Somebody edited it, or the disk lost it. b2p writes it aside and renames it, so a crash leaves it"
            " whole.",
            "correct or restore that file; b2p leaves it and the machine's disk as they are",
            "tests/hostile/test_records.py::test_a_machines_record",
            "machines",
        ),
        Failure(
            "Written by a newer b2p",
            "machine … was written by b2p …, newer than this one (schema …, known up to …)",
            "Two versions of b2p are used on one machine.",
            "run that b2p, or a later one",
            "tests/store/test_record.py::test_a_newer_schema_names_the_b2p_that_wrote_it",
            "machines",
        ),
        Failure(
            "A disk without its record",
            "… holds a disk, but no …",
            "machine.json was deleted. The disk may hold your data: it is never taken for a new machine's.",
            "restore that file; or remove the disk too: b2p rm -f …",
            "tests/test_up.py::test_a_disk_without_its_record_is_not_taken_for_a_new_machines",
            "machines",
        ),
        Failure(
            "The machine's disk is gone",
            "its disk … is gone",
            "Its file was deleted or moved. It is not replaced by an empty one.",
            "put it back, or remove the machine: 'b2p rm -f …'",
            "tests/test_up.py::test_a_disk_that_is_gone_is_not_replaced_by_an_empty_one",
            "machines",
        ),
        Failure(
            "The image is gone from the cache",
            "the image … is no longer in the cache",
            "Caches may be emptied at any time.",
            "b2p up --image b2p builds a current one; the machine's data stays",
            "tests/image/test_cache.py::test_one_that_the_cache_lost_is_told",
            "image",
        ),
    )),
    ("Fetching", (
        Failure(
            "A login page in the way",
            "… is not a signed list of Debian's",
            "A captive portal or a proxy answers instead of the mirror.",
            "check the mirror's address, and whether a login page or a proxy is in the way",
            "tests/debian/test_release.py::test_what_is_not_signed_at_all_is_refused",
            "mirror",
        ),
        Failure(
            "The list is not Debian's",
            "the signature of … is not Debian's: …",
            "Somebody changed it on its way, or the mirror is none of Debian's. Nothing of it is used.",
            "do not use this mirror; set another one with `mirror` or B2P_MIRROR",
            "tests/debian/test_release.py::test_a_changed_byte_is_refused_with_the_address",
        ),
        Failure(
            "Signed in the future",
            "… was signed in the future, at …",
            "This computer's clock is behind.",
            "set this computer's clock",
            "tests/debian/test_release.py::test_a_list_of_the_future_is_refused_unless_that_is_allowed",
            "clock",
        ),
        Failure(
            "The list has expired",
            "… expired at …",
            "The mirror is not updated any more, or this computer's clock is ahead.",
            "use another mirror, check the clock, or set check_valid_until = false",
            "tests/debian/test_release.py::test_an_expired_list_is_refused_unless_that_is_allowed",
            "clock",
        ),
    )),
)  # fmt: skip


def page() -> str:
    """docs/troubleshooting.md."""
    lines = [
        "# When something fails",
        "",
        "Every failure of b2p's is one line, and below it what to do. These are the known ones: what it says, why, and",
        "the remedy that it prints. `b2p doctor` looks for many of them beforehand. What stands for a name or a number",
        "is written as …. If yours is not here: `b2p logs`, `b2p logs --qemu`, then `b2p report`, which makes one file",
        "to send.",
        "",
        "Made by `scripts/troubleshooting` from `b2p/catalogue.py`; change it there.",
    ]
    for chapter, rows in KNOWN:
        lines += ["", f"## {chapter}"]
        for row in rows:
            lines += ["", f"### {row.title}", "", f"> {row.says}", "", row.cause]
            if row.remedy:
                lines += ["", f"Remedy: {row.remedy}."]
            found = f"`b2p doctor` looks for it ({row.check}). " if row.check else ""
            lines += ["", f"{found}Provoked by `{row.test}`."]
    return "\n".join([*lines, ""])
