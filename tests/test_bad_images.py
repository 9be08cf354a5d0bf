"""Bad images, and bad words for guests: one line, a hint, and a cache unharmed."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Self

import pytest

from tests import fakes_iso
from tests.fakes_debian import served
from tests.families import skeletons
from tests.image.test_pull import DISK
from tests.test_bad_input import Home, home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes_debian import Site

__all__ = ["home"]


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as made:
        yield made


def _text(path: Path) -> None:
    path.write_text("no image at all\n" * 1000)


def _empty(path: Path) -> None:
    path.touch()


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("disk.img", DISK)


def _cut(path: Path) -> None:
    content = fakes_iso.iso(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _other(path: Path) -> None:
    """An ISO that starts a computer of another kind."""
    files = {"/EFI/BOOT/bootaa64.efi": b"MZ", "/readme": b"x"}
    fakes_iso.iso(path, files, label="ARM")


def _kernel(path: Path) -> None:
    path.write_bytes(fakes_iso.X86_KERNEL)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_text, "is not an image: neither an ISO nor a disk with something to boot"),
        (_empty, "is empty"),
        (_zip, "is a zip archive, which b2p does not boot"),
        (_cut, "is cut off: 0 of 0 MiB"),
        (_kernel, "is a Linux kernel, not an image"),
        (_other, "is for aarch64 processors, the machine is x86_64"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_cannot_boot_is_told(
    home: Home, make: Callable[[Path], None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b2p.host.computer.arch", lambda: "x86_64")
    path = home.path / "image.file"
    make(path)
    assert home.refused("-q", "up", "m", "--image", str(path), status=2).endswith(
        f"'image.file' {said}"
    )


def test_an_iso_without_its_familys_kernel_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("b2p.ways.foreign.Supply", _NoQemu)
    files = {"/readme.txt": b"x", "/boot/isolinux/isolinux.bin": b"l"}
    path = fakes_iso.iso(tmp_path / "tiny.iso", files, label="Boot2Podman-v0.27")
    said = home.refused("-q", "up", "m", "--image", str(path), status=2)
    assert said == "the ISO 'tiny.iso' has no 'boot/vmlinuz64'"


class _NoQemu:
    """What is asked before QEMU is."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def qemu(self) -> None:
        pass

    def host(self, _: object) -> object:
        from tests.fakes_story import HOST

        return HOST


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("fedora-core", "there is no family of images called 'fedora-core'"),
        ("./nothing.iso", "there is no file 'nothing.iso'"),
        ("ftp://x.example/a.iso", "b2p does not fetch from ftp: 'ftp://x.example/a.iso'"),
        ("file://elsewhere/a.iso", "'file://elsewhere/a.iso' names another computer, 'elsewhere'"),
    ],
)
def test_a_word_that_means_no_image_is_told(home: Home, word: str, said: str) -> None:
    assert home.refused("-q", "up", "m", "--image", word, status=2) == said


PAGE = b"<!doctype html><html>Sign in</html>"


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("404", 125, "does not exist"),
        ("page", 2, "is a web page, not an image"),
        ("circle", 125, "redirect"),
        ("stops", 125, ""),
    ],
)
def test_a_server_that_fails_is_told_and_the_cache_is_unharmed(
    home: Home, site: Site, fault: str, status: int, said: str
) -> None:
    good = f"{site.address}/good.raw"
    site.files |= {"/good.raw": DISK, "/page": PAGE, "/stops": DISK}
    site.redirects["/circle"] = "/circle"
    site.faults["/stops"] = ["cut 4096"] + ["500"] * 50
    # Nothing but the server is reached by proxies that lead nowhere.
    reach = {"no_proxy": "127.0.0.1"}
    words = ("-q", "up", "m", "--dry-run", "--qemu", "/no/such/qemu", "--image")
    home.refused(*words, good, status=125, **reach)
    before = {name for name in home.files() if "/media/" in name}
    assert said in home.refused(*words, f"{site.address}/{fault}", status=status, **reach)
    after = {name for name in home.files() if "/media/" in name}
    assert {one for one in after if ".partial" not in one and not one.endswith(".lock")} == {
        one for one in before if not one.endswith(".lock")
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("#cloud-config\nusers: [me\n", "the user-data is not YAML: "),
        ("packages: [htop]\n", "the user-data begins with 'packages: [htop]', which cloud-init"),
        (None, "the user-data 'own.yaml' cannot be read: no such file or directory"),
    ],
)
def test_user_data_is_read_before_anything_is_fetched(
    home: Home, content: str | None, said: str
) -> None:
    if content is not None:
        (home.path / "own.yaml").write_text(content)
    words = ("-q", "up", "m", "--image", "debian", "--user-data", "own.yaml")
    assert home.refused(*words, status=2).startswith(said)


@pytest.mark.parametrize(
    ("name", "option"), [("boot2docker", "--user-data"), ("debian", "--ignition")]
)
def test_a_file_that_nothing_in_the_guest_reads_is_refused(
    home: Home, tmp_path: Path, name: str, option: str
) -> None:
    (home.path / "own").write_text("#cloud-config\n")
    image = home.path / "image"
    image.write_bytes(skeletons.image(name, tmp_path))
    said = home.refused("-q", "up", "m", "--image", str(image), option, "own", status=2)
    assert said == (f"{name} cannot be told by a file of {option[2:]}: nothing in it reads one")
