"""`b2p image export`, with an image and loaders of a few bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from b2p import exports
from b2p.choice import marks
from b2p.cli.main import run
from b2p.families.recognise import recognise
from b2p.formats import cpio, qcow2
from b2p.image import exported, kubevirt, loaders, medium
from b2p.image.build import recipe_digest
from tests.cli.conftest import home, layout
from tests.cpio_reader import read
from tests.fakes_iso import X86_KERNEL
from tests.image.test_cache import image

if TYPE_CHECKING:
    from pathlib import Path

    from b2p.store.layout import Layout

__all__ = ["home", "layout"]

DIGEST = "0123456789abcdef" * 4
FORMATS = ("iso", "raw", "qcow2", "containerdisk")


@pytest.fixture
def built(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An image of this b2p's, and its loaders."""
    monkeypatch.setattr("b2p.host.computer.arch", lambda: "x86_64")
    directory = image(layout.images, DIGEST, recipe=recipe_digest(), alone=True)
    contents = {"kernel": X86_KERNEL, "root.squashfs": b"hsqs" + b"s" * 300_000}
    manifest = json.loads((directory / "manifest.json").read_text())
    for name, content in contents.items():
        (directory / name).write_bytes(content)
        manifest["files"][name] = {"size": len(content)}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    place = layout.loaders / "x86_64-0"
    place.mkdir(parents=True)
    for package in loaders._FILES["x86_64"].values():
        for name in package:
            (place / name).write_bytes(name.encode() * 400)
    return directory


def export(*words: str) -> int:
    return run(["-q", "image", "export", *words])


def test_the_formats_are_those_of_the_verb() -> None:
    assert exports.FORMATS == ("iso", "qcow2", "raw", "containerdisk")


@pytest.mark.usefixtures("built")
def test_an_iso_is_known_again_and_boots_by_both_firmwares(home: Path) -> None:
    assert export("--format", "iso") == 0
    found = medium.examine(home / f"b2p-{DIGEST[:12]}.iso", name="renamed")
    assert recognise(marks(found)).name == "b2p-iso"
    assert found.arch == "x86_64"
    assert found.boots_bios
    assert found.boots_uefi
    assert found.choice is not None
    assert found.choice.initrds == ("/boot/initrd", "/boot/system")


def test_the_system_is_an_initrd_of_one_file(built: Path, home: Path) -> None:
    from b2p.formats import iso9660

    assert export("--format", "iso", "-o", "x.iso") == 0
    with iso9660.opened(home / "x.iso") as iso:
        archive = iso.read(f"/{exported.SYSTEM}", limit=1 << 20)
        (entry,) = (one for one in read(archive) if one.name != "TRAILER!!!")
        assert entry.name == "system.squashfs"
        assert entry.data == (built / "root.squashfs").read_bytes()
        assert iso.read("/boot/b2p.json", limit=1 << 20) == (built / "manifest.json").read_bytes()
    assert len(archive) % cpio.ALIGNED == 0


@pytest.mark.usefixtures("built")
def test_a_qcow2_is_the_raw_disk_and_known_again(home: Path) -> None:
    assert export("--format", "raw", "-o", "x.raw", "--disk", "1GiB") == 0
    assert export("--format", "qcow2", "-o", "x.qcow2", "--disk", "1GiB") == 0
    raw = home / "x.raw"
    assert raw.stat().st_size == 1 << 30
    assert raw.stat().st_blocks * 512 < 16 << 20
    with raw.open("rb") as file, (home / "x.qcow2").open("rb") as packed:
        header = qcow2.header(packed, where="x")
        assert header.size == 1 << 30
        data = file.read(8 << 20)
        assert qcow2.read(packed, header, 0, len(data)) == data
    found = medium.examine(home / "x.qcow2", name="renamed")
    assert recognise(marks(found)).name == "b2p-disk"
    first, last = found.partitions
    assert (first.kind, last.kind) == ("ef", "83")
    assert last.start + last.size == 1 << 30
    assert data[last.start :].startswith(b"boot2podman, please format-me\0")


@pytest.mark.usefixtures("built")
def test_a_containerdisk_comes_with_its_machine(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--format", "containerdisk", "--reference", "registry.example/b2p:1", "--json"]
    assert export(*words) == 0
    said = json.loads(capsys.readouterr().out)["image"]
    manifest = yaml.safe_load((home / said["manifest"]).read_text())
    volumes = manifest["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["containerDisk"]["image"] == said["reference"] == "registry.example/b2p:1"
    assert said["size"] == (home / said["path"]).stat().st_size


def test_the_machines_user_data_is_what_the_guest_understands() -> None:
    key = 'ssh-ed25519 AAAA me@"home"'
    manifest = yaml.safe_load(kubevirt.machine(name="b2p", reference="r: #x", keys=[key]))
    spec = manifest["spec"]["template"]["spec"]
    assert spec["volumes"][0]["containerDisk"]["image"] == "r: #x"
    user_data = spec["volumes"][2]["cloudInitNoCloud"]["userData"]
    assert user_data.startswith("#cloud-config\n")
    assert yaml.safe_load(user_data)["ssh_authorized_keys"] == [key]
    named = [disk["name"] for disk in spec["domain"]["devices"]["disks"]]
    assert named == [volume["name"] for volume in spec["volumes"]]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("built")
def test_the_same_image_makes_the_same_bytes(home: Path, form: str) -> None:
    for name in ("a", "b"):
        assert export("--format", form, "-o", name, "--disk", "1GiB") == 0
    with (home / "a").open("rb") as one, (home / "b").open("rb") as other:
        assert one.read(32 << 20) == other.read(32 << 20)


@pytest.mark.usefixtures("built")
def test_a_file_that_is_there_stays_unless_that_is_wished(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "x.iso").write_text("mine")
    assert export("--format", "iso", "-o", "x.iso") == 2
    assert "there is 'x.iso' already" in capsys.readouterr().err
    assert (home / "x.iso").read_text() == "mine"
    assert export("--format", "iso", "-o", "x.iso", "--force") == 0
    assert (home / "x.iso").stat().st_size >= 1 << 20


@pytest.mark.usefixtures("built")
def test_what_fails_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_given: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exported, "write_iso", full)
    before = sorted(home.iterdir())
    assert export("--format", "qcow2", "-o", "x") == 125
    assert "the disk is full: no room for 'x'" in capsys.readouterr().err
    assert sorted(home.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "floppy"], "floppy"),
        (["--format", "raw", "--disk", "10"], "no size with a unit"),
        (["--format", "raw", "--disk", "1MiB"], "too small"),
        (["ffff", "--format", "iso"], "names no image"),
        (["--format", "iso", "-o", "nowhere/x.iso"], "nowhere"),
    ],
)
@pytest.mark.usefixtures("built")
def test_what_cannot_be_is_told(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(*words) in (2, 125)
    assert said in capsys.readouterr().err


def test_without_an_image_it_says_how_to_have_one(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("--format", "iso") == 2
    assert "b2p image build" in capsys.readouterr().err
    image(layout.images, "0" * 64)
    assert export("0000", "--format", "iso") == 2
    assert "of an older b2p" in capsys.readouterr().err
