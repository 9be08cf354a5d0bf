"""ISOs made by pycdlib, read as those of the families."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from b2p.errors import UsageError
from b2p.formats import iso9660
from tests import fakes_iso

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("rock_ridge", [True, False])
def test_label_files_menu_and_content(tmp_path: Path, rock_ridge: bool) -> None:
    path = fakes_iso.iso(tmp_path / "a.iso", rock_ridge=rock_ridge)
    with path.open("rb") as file:
        assert iso9660.is_iso(file)
        assert iso9660.label(file) == "Boot2Podman-v0.26"
    with iso9660.opened(path) as found:
        assert "/boot/vmlinuz64" in found.files
        choice = found.choice()
        assert choice is not None
        assert (choice.kernel, choice.initrds) == ("/boot/vmlinuz64", ("/boot/core.gz",))
        out = io.BytesIO()
        found.extract("/boot/core.gz", out)
        found.extract("/BOOT/Core.gz", out)
        assert out.getvalue() == b"initrd" * 2


def test_a_menu_that_includes_another(tmp_path: Path) -> None:
    files = {
        "/isolinux/isolinux.cfg": b"include menu.cfg\ninclude gone.cfg\n",
        "/isolinux/menu.cfg": b"include isolinux.cfg\nlabel x\nlinux /k\n",
        "/k": b"kernel",
    }
    with iso9660.opened(fakes_iso.iso(tmp_path / "a.iso", files)) as found:
        choice = found.choice()
    assert choice is not None
    assert choice.kernel == "/k"


def test_an_iso_without_a_kernel_has_no_choice(tmp_path: Path) -> None:
    with iso9660.opened(fakes_iso.iso(tmp_path / "a.iso", {"/readme": b"x"})) as found:
        assert found.choice() is None
        with pytest.raises(UsageError, match="'/boot/vmlinuz'"):
            found.read("/boot/vmlinuz", limit=1)


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_an_iso_that_was_cut_off_is_told(tmp_path: Path, kept: float) -> None:
    whole = fakes_iso.iso(tmp_path / "a.iso", {"/big": bytes(1 << 20)}).read_bytes()
    (tmp_path / "b.iso").write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(UsageError, match="cut off"), iso9660.opened(tmp_path / "b.iso"):
        pass


def test_an_iso_full_of_rubbish_is_told(tmp_path: Path) -> None:
    whole = bytearray(fakes_iso.iso(tmp_path / "a.iso").read_bytes())
    whole[0x8000 + 120 :] = b"\xff" * (len(whole) - 0x8000 - 120)
    (tmp_path / "a.iso").write_bytes(whole)
    with pytest.raises(UsageError, match=r"a\.iso"), iso9660.opened(tmp_path / "a.iso"):
        pass
