"""A QEMU of our own, made of small packages that hold scripts."""

from __future__ import annotations

import json
import os
import tarfile
import time
from pathlib import Path
from typing import Any, cast

import pytest

from b2p.errors import DownloadError, HostError
from b2p.host import brought, process
from tests.fakes_debian import ListeningReport, entry
from tests.fakes_host import FakeArchive, package, package_file, program

LIB = "./usr/lib/x86_64-linux-gnu"
LOADER = f"{LIB}/ld-linux-x86-64.so.2"
QEMU = "./usr/bin/qemu-system-x86_64"
KIND = brought.Kind("x86_64", "x86_64")


def contents(loader: str = 'shift 4; exec "$@"') -> dict[str, bytes]:
    """Packages of a QEMU whose ld.so is a script."""
    return {
        "qemu-system-x86": package_file(
            program(QEMU, "echo QEMU emulator version 11.1.3"),
            (entry("./usr/share/doc/qemu-system-x86/README"), b"long"),
        ),
        "libc6": package_file(
            program(LOADER, loader),
            (entry(f"{LIB}/libc.so.6", mode=0o755), b"c"),
            (entry(f"{LIB}/gconv/UTF-16.so"), b"not needed"),
        ),
        "zlib1g": package_file(
            (entry(f"{LIB}/libz.so.1.3.1"), b"z"),
            (entry(f"{LIB}/libz.so.1", tarfile.SYMTYPE, linkname="libz.so.1.3.1"), b""),
        ),
        "libcacard0": package_file((entry(f"{LIB}/libcacard.so.0"), b"left out")),
        "qemu-system-data": package_file((entry("./usr/share/qemu/linuxboot_dma.bin"), b"boot")),
        "seabios": package_file(
            (entry("./usr/share/seabios/bios-256k.bin"), b"bios"),
            (entry("./usr/share/seabios/vgabios-virtio.bin"), b"not needed"),
        ),
    }


class Case:
    """An archive, a cache and who listens."""

    def __init__(self, folder: Path) -> None:
        (folder / "debs").mkdir()
        self.archive = FakeArchive(folder / "debs", contents())
        self.archive.depends = {"qemu-system-x86": ("libc6", "zlib1g", "libcacard0")}
        self.cache = folder / "cache" / "qemu"
        self.report = ListeningReport()

    def bring(self, **options: Any) -> tuple[str, ...]:
        archive = cast("Any", self.archive)
        return brought.bring(archive, KIND, self.cache, self.report, **options)

    def homes(self) -> list[str]:
        return sorted(one.name for one in self.cache.iterdir())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_it_runs_by_its_own_loader_and_holds_only_what_is_needed(case: Case) -> None:
    words = case.bring()
    home = case.cache / case.homes()[0]
    assert words == (
        f"{home}/lib/ld-linux-x86-64.so.2",
        "--library-path",
        f"{home}/lib",
        "--argv0",
        "qemu-system-x86_64",
        f"{home}/bin/qemu-system-x86_64",
        "-L",
        f"{home}/share",
    )
    assert process.run(words, timeout=5).stdout == b"QEMU emulator version 11.1.3\n"
    found = {str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir()}
    assert found == {
        "bin/qemu-system-x86_64",
        "lib/ld-linux-x86-64.so.2",
        "lib/libc.so.6",
        "lib/libz.so.1",
        "lib/libz.so.1.3.1",
        "manifest.json",
        "share/bios-256k.bin",
        "share/linuxboot_dma.bin",
    }
    assert (home / "lib/libz.so.1").read_bytes() == b"z"
    assert "libcacard0" not in case.archive.fetched


def test_the_manifest_lists_every_package_with_its_digest(case: Case) -> None:
    case.bring()
    manifest = json.loads((case.cache / case.homes()[0] / "manifest.json").read_text())
    listed = {one["name"]: one for one in manifest["packages"]}
    assert set(listed) == {"libc6", "qemu-system-data", "qemu-system-x86", "seabios", "zlib1g"}
    libc = package("libc6", case.archive.contents["libc6"])
    assert listed["libc6"] == {"name": "libc6", "version": "1.0", "sha256": libc.sha256}


def test_the_one_that_is_there_is_taken_without_network(case: Case) -> None:
    words = case.bring()
    case.archive.offline = True
    assert case.bring() == words
    assert brought.existing(KIND, case.cache) == words
    assert brought.existing(brought.Kind("aarch64", "x86_64"), case.cache) is None


def test_one_for_other_guests_lies_beside_and_runs_here(case: Case) -> None:
    words = case.bring()
    other = "qemu-system-aarch64"
    case.archive.contents["qemu-system-arm"] = package_file(
        program(f"./usr/bin/{other}", "echo QEMU emulator version 11.1.3"),
        program(QEMU, "echo not this one"),
    )
    case.archive.depends["qemu-system-arm"] = ("libc6", "zlib1g")
    kind = brought.Kind(guest="aarch64", here="x86_64")
    case.archive.fetched.clear()
    found = brought.bring(cast("Any", case.archive), kind, case.cache, case.report)
    assert process.run(found, timeout=5).stdout == b"QEMU emulator version 11.1.3\n"
    assert found[0].endswith("lib/ld-linux-x86-64.so.2")
    assert [path.name for path in Path(found[5]).parent.iterdir()] == [other]
    assert "qemu-system-x86" not in case.archive.fetched
    assert (brought.existing(KIND, case.cache), brought.existing(kind, case.cache)) == (
        words,
        found,
    )


def test_one_of_an_older_b2p_is_for_guests_like_the_computer(case: Case) -> None:
    words = case.bring()
    manifest = case.cache / case.homes()[0] / "manifest.json"
    told = json.loads(manifest.read_text())
    del told["guest"]
    manifest.write_text(json.dumps(told))
    assert brought.existing(KIND, case.cache) == words


def test_a_refresh_brings_the_newest_and_keeps_the_last(case: Case) -> None:
    old = case.bring()
    case.archive.contents["zlib1g"] = package_file((entry(f"{LIB}/libz.so.1"), b"new"))
    os.utime(case.cache / case.homes()[0] / "manifest.json", (1, 1))
    new = case.bring(refresh=True)
    assert new != old
    assert len(case.homes()) == 2
    assert case.bring() == new


def test_a_refresh_without_network_keeps_the_last_good_one_with_a_warning(case: Case) -> None:
    words = case.bring()
    case.archive.offline = True
    assert case.bring(refresh=True) == words
    assert "no mirror answers" in case.report.warnings[0]


def test_without_network_and_without_one_the_reason_is_told(case: Case) -> None:
    case.archive.offline = True
    with pytest.raises(DownloadError, match="no mirror answers"):
        case.bring()


def test_where_too_much_was_left_out_all_of_it_comes(case: Case) -> None:
    needs = f'[ -e "${{0%/*}}/libcacard.so.0" ] || exit {brought.LOADER_FAILED}; shift 4; exec "$@"'
    case.archive.contents = contents(loader=needs)
    assert process.run(case.bring(), timeout=5).status == 0
    assert "libcacard0" in case.archive.fetched


def test_one_that_does_not_start_leaves_nothing_and_says_why(case: Case) -> None:
    case.archive.contents = contents(loader="echo Illegal instruction >&2; exit 1")
    with pytest.raises(HostError, match="does not start") as caught:
        case.bring()
    assert caught.value.details == "Illegal instruction"
    assert case.homes() == []


def test_a_broken_package_leaves_nothing(case: Case) -> None:
    case.archive.contents["zlib1g"] = case.archive.contents["zlib1g"][:-40]
    with pytest.raises(DownloadError):
        case.bring()
    assert case.homes() == []


def test_one_that_lost_files_is_made_anew(case: Case) -> None:
    words = case.bring()
    home = case.cache / case.homes()[0]
    (home / "bin" / "qemu-system-x86_64").unlink()
    (home / "lib" / "foreign").write_text("")
    assert brought.existing(KIND, case.cache) is None
    assert case.bring() == words
    assert process.run(words, timeout=5).status == 0
    assert not (home / "lib" / "foreign").exists()


def test_of_two_that_bring_at_once_the_first_wins(case: Case, tmp_path: Path) -> None:
    words = case.bring()
    home = case.cache / case.homes()[0]
    (home / "first").write_text("")
    late = tmp_path / "late"
    late.mkdir()
    brought._name(late, home)
    assert (home / "first").exists()
    assert case.bring() == words


def test_what_a_killed_process_left_is_swept_when_it_is_old(case: Case) -> None:
    old, young = case.cache / ".new-old", case.cache / ".new-young"
    for left in (old, young):
        (left / "x").mkdir(parents=True)
    stale = time.time() - brought.STALE_SECONDS - 60
    os.utime(old, (stale, stale))
    case.bring()
    assert [name for name in case.homes() if name.startswith(".")] == [".new-young"]


def test_a_full_disk_is_told_and_leaves_nothing(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(brought, "_copy", full)
    with pytest.raises(HostError, match="No space left") as caught:
        case.bring()
    assert "make room" in caught.value.hint
    assert case.homes() == []


@pytest.mark.parametrize("character", [":", ";"])
def test_a_place_that_no_library_path_can_hold_is_refused(
    case: Case, tmp_path: Path, character: str
) -> None:
    case.cache = tmp_path / f"a{character}b"
    with pytest.raises(HostError, match="no QEMU can start from") as caught:
        case.bring()
    assert "XDG_CACHE_HOME" in caught.value.hint
    assert case.archive.fetched == []


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/evil.so",
        f"{LIB}/../../../evil.so.1",
        "/usr/lib/x86_64-linux-gnu/../../evil.so",
        f"{LIB}/.",
        f"{LIB}/..",
        f"{LIB}/",
        f"{LIB}/lib\nx.so",
        "usr/bin/qemu-system-x86_64/x",
        "usr/share/qemu/../../x.bin",
        "",
        "/",
    ],
)
def test_no_package_writes_elsewhere(name: str) -> None:
    assert brought.place(name, KIND) is None


def test_a_link_that_leads_out_of_its_directory_is_not_made(case: Case, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    case.archive.contents["zlib1g"] = package_file(
        (entry(f"{LIB}/libz.so.1", tarfile.SYMTYPE, linkname=str(outside)), b""),
        (entry(f"{LIB}/libz.so.1"), b"z"),
        (entry(f"{LIB}/liby.so.1", tarfile.SYMTYPE, linkname="libz.so.1"), b""),
        (entry(f"{LIB}/liby.so.1"), b"y"),
    )
    case.bring()
    libraries = case.cache / case.homes()[0] / "lib"
    assert outside.read_text() == "mine"
    assert (libraries / "libz.so.1").read_bytes() == b"z"
    assert (libraries / "liby.so.1").read_bytes() == b"y"
    assert not (libraries / "libz.so.1").is_symlink()


def test_the_digest_is_of_what_is_in_it_and_not_of_the_order() -> None:
    one, other = package("a", b"1"), package("b", b"2")
    assert brought.digest([one, other]) == brought.digest([other, one])
    assert brought.digest([one, other]) != brought.digest([one, package("b", b"3")])
