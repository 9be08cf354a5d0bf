"""Menus of boot loaders, as the facts page has them."""

from __future__ import annotations

import pytest

from b2p.formats import bootmenu
from b2p.formats.bootmenu import Choice

BOOT2DOCKER = """\
serial 0 9600
default boot2docker
label boot2docker
	kernel /boot/vmlinuz
	initrd /boot/initrd.img
	append loglevel=3 console=ttyS0 console=tty0 waitusb=5:LABEL=boot2docker-data base norestore
"""

LIVE = """\
default vesamenu.c32
timeout 1
menu title Welcome

label chain
  menu label chain
  kernel chain.c32
label linux0
  menu label ^Start
  kernel vmlinuz0
  append initrd=initrd0.img root=live:CDLABEL=boot2podman-fedora rootfstype=auto ro
  menu default
label check0
  kernel vmlinuz0
  append initrd=initrd0.img rd.live.check
"""

STACKED = "APPEND quiet\nLABEL core\nKERNEL /boot/vmlinuz64\nINITRD /boot/a.gz,/boot/b.gz\n"

GRUB = """\
set default="1"
menuentry "first" { # comment
	linux /a
}
menuentry 'second' --class os {
	linux ($root)/boot/bzimage root=/dev/sr0 loglevel=3 $extra console=ttyAMA0
	initrd /boot/initrd /boot/more
}
"""


def choice(text: str, path: str = "/isolinux/isolinux.cfg") -> Choice:
    found = bootmenu.default(text, path=path)
    assert found is not None
    return found


def test_kernel_initrd_and_words_of_boot2docker() -> None:
    assert choice(BOOT2DOCKER) == Choice(
        label="boot2docker",
        kernel="/boot/vmlinuz",
        initrds=("/boot/initrd.img",),
        command_line="loglevel=3 console=ttyS0 console=tty0 waitusb=5:LABEL=boot2docker-data "
        "base norestore",
    )


def test_a_live_cds_relative_paths_and_its_marked_default() -> None:
    found = choice(LIVE)
    assert (found.label, found.kernel) == ("linux0", "/isolinux/vmlinuz0")
    assert found.initrds == ("/isolinux/initrd0.img",)
    assert found.command_line == "root=live:CDLABEL=boot2podman-fedora rootfstype=auto ro"


def test_stacked_initrds_and_words_for_all_labels() -> None:
    found = choice(STACKED)
    assert found.initrds == ("/boot/a.gz", "/boot/b.gz")
    assert found.command_line == "quiet"


def test_grubs_default_by_number_without_what_only_grub_knows() -> None:
    found = choice(GRUB, "/boot/grub/grub.cfg")
    assert (found.label, found.kernel) == ("second", "/boot/bzimage")
    assert found.initrds == ("/boot/initrd", "/boot/more")
    assert found.command_line == "root=/dev/sr0 loglevel=3 console=ttyAMA0"


def test_a_menu_without_linux_has_no_default() -> None:
    assert bootmenu.default("label a\nkernel memdisk.c32\n", path="/isolinux.cfg") is None
    assert bootmenu.default("set timeout=1\n'unclosed", path="/grub.cfg") is None


def test_files_that_a_menu_includes() -> None:
    text = "include menu.cfg\nMENU INCLUDE /boot/txt.cfg\n"
    found = bootmenu.included(text, path="/isolinux/isolinux.cfg")
    assert found == ("/isolinux/menu.cfg", "/boot/txt.cfg")


@pytest.mark.parametrize(
    ("line", "with_it"),
    [
        ("quiet", "quiet console=ttyS0"),
        ("", "console=ttyS0"),
        ("console=ttyS0,115200n8 console=tty0", "console=ttyS0,115200n8 console=tty0"),
        ("console=ttyS01", "console=ttyS01 console=ttyS0"),
    ],
)
def test_a_console_is_added_where_it_is_missing(line: str, with_it: str) -> None:
    assert bootmenu.with_console(line, "ttyS0") == with_it
