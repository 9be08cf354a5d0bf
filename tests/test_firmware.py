"""Where firmware is found, and that it is whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from b2p import firmware
from b2p.errors import HostError
from b2p.image import firmware_files
from b2p.machine import engines


def test_the_firmware_of_this_tree_is_found() -> None:
    assert firmware.directory() == Path(__file__).parent.parent / "firmware"
    assert firmware.file("probe/x86_64.bin").read_bytes()


def test_that_in_the_package_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b2p/firmware").mkdir(parents=True)
    (tmp_path / "firmware").mkdir()
    monkeypatch.setattr(firmware, "__file__", str(tmp_path / "b2p/firmware.py"))
    assert firmware.directory() == tmp_path / "b2p/firmware"


def test_an_installation_without_firmware_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firmware, "__file__", str(tmp_path / "b2p/firmware.py"))
    with pytest.raises(HostError, match="firmware is not at") as caught:
        firmware.directory()
    assert caught.value.hint == "install b2p again: files of it are missing"


def test_a_file_that_lacks_is_named() -> None:
    with pytest.raises(HostError, match=r"has no 'probe/pdp11\.bin'"):
        firmware.file("probe/pdp11.bin")


@pytest.mark.parametrize("engine", engines.ALL.values(), ids=list(engines.ALL))
@pytest.mark.parametrize("folder", ["initrd", "build", "guest"])
def test_every_word_that_is_to_be_filled_in_is_known(folder: str, engine: engines.Engine) -> None:
    for name, content, _ in firmware_files.files_of(firmware.directory(), folder, engine):
        assert not re.search(rb"@[A-Z][A-Z_]+@", content), name


@pytest.mark.parametrize("engine", engines.ALL.values(), ids=list(engines.ALL))
def test_what_an_image_enables_is_in_it(engine: engines.Engine) -> None:
    root = firmware.directory()
    build = {name: content for name, content, _ in firmware_files.files_of(root, "build", engine)}
    guest = {name for name, _, _ in firmware_files.files_of(root, "guest", engine)}
    units = build["enabled-units"].decode().split()
    ours = [one for one in units if one.startswith("b2p-")]
    assert {"b2p-agent.service", "b2p-engine.socket", "b2p-engine.service"} <= set(ours)
    assert {f"usr/lib/systemd/system/{one}" for one in ours} <= guest
