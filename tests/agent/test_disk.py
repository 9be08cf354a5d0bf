"""The data disk as the agent sees it, without a right to mount anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
RESERVE = 64 * MIB


def ext4(blocks: int, *, log_block: int = 2) -> bytes:
    """The start of an ext4 of that many blocks of 1024 << log_block bytes."""
    block = bytearray(1024)
    block[4:8] = (blocks & 0xFFFFFFFF).to_bytes(4, "little")
    block[24:28] = log_block.to_bytes(4, "little")
    block[56:58] = b"\x53\xef"
    block[336:340] = (blocks >> 32).to_bytes(4, "little")
    return bytes(1024) + bytes(block)


@pytest.mark.parametrize(
    ("blocks", "log_block", "size"),
    [(25600, 2, 100 * MIB), (1000, 0, 1000 * 1024), (1 << 33, 2, 1 << 45)],
)
def test_the_size_of_a_filesystem_is_read(
    agent: Any, tmp_path: Path, blocks: int, log_block: int, size: int
) -> None:
    (tmp_path / "disk").write_bytes(ext4(blocks, log_block=log_block))
    assert agent.disk._filesystem_bytes(str(tmp_path / "disk")) == size


@pytest.mark.parametrize("size", [0, 512, 3 * MIB])
def test_a_blank_disk_holds_none(agent: Any, tmp_path: Path, size: int) -> None:
    (tmp_path / "disk").write_bytes(bytes(size))
    assert agent.disk._filesystem_bytes(str(tmp_path / "disk")) is None


@pytest.mark.parametrize("at", [0, 1023, 5000, MIB - 1])
def test_a_disk_with_something_else_is_refused_and_left(
    agent: Any, tmp_path: Path, at: int
) -> None:
    content = bytearray(2 * MIB)
    content[at] = 1
    (tmp_path / "disk").write_bytes(content)
    with pytest.raises(agent.disk.UnusableError, match="not ext4"):
        agent.disk._filesystem_bytes(str(tmp_path / "disk"))
    assert (tmp_path / "disk").read_bytes() == content


class Guest:
    """What the agent would do to a guest, only noted down."""

    def __init__(self, agent: Any, monkeypatch: pytest.MonkeyPatch, *, holds: object) -> None:
        self.done: list[tuple[str, ...]] = []
        disk = agent.disk
        monkeypatch.setattr(disk, "own_device", lambda: "/dev/vdb")
        monkeypatch.setattr(disk, "_filesystem_bytes", lambda _device: holds)
        monkeypatch.setattr(disk, "_size", lambda _device: 1000 * MIB)
        monkeypatch.setattr(disk, "mount", lambda *words: self.done.append(("mount", *words[:3])))
        monkeypatch.setattr(disk, "_tend_reserve", lambda: None)
        monkeypatch.setattr(disk, "_keep", lambda path: self.done.append(("keep", path)))
        monkeypatch.setattr(agent.power, "run", lambda *words: self.done.append(words))
        monkeypatch.setattr("os.path.ismount", lambda _path: False)
        self.said: list[str] = []
        disk.bring(self.said.append)


def names(guest: Guest) -> list[str]:
    return [words[0].rpartition("/")[2] for words in guest.done]


def test_a_blank_disk_gets_a_filesystem_before_it_is_mounted(
    agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Guest(agent, monkeypatch, holds=None)
    assert names(guest) == ["mkfs.ext4", "mount", *["keep"] * len(agent.disk.KEPT)]
    assert guest.done[1] == ("mount", "/dev/vdb", "/data", "ext4")
    assert guest.said == ["making the data disk's filesystem"]


def test_a_filesystem_is_grown_with_its_disk(agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(agent, monkeypatch, holds=500 * MIB)
    assert names(guest)[:2] == ["mount", "resize2fs"]
    assert guest.said == ["growing the data disk's filesystem"]


def test_a_little_less_is_rounding(agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(agent, monkeypatch, holds=950 * MIB)
    assert "resize2fs" not in names(guest)
    assert "mkfs.ext4" not in names(guest)
    assert not guest.said


def test_without_a_disk_containers_lie_in_memory(
    agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts: list[tuple[object, ...]] = []
    monkeypatch.setattr(agent.disk, "own_device", lambda: None)
    monkeypatch.setattr(agent.disk, "mount", lambda *words: mounts.append(words))
    monkeypatch.setattr("os.path.ismount", lambda _path: False)
    agent.disk.bring(print)
    assert mounts == [("tmpfs", "/var/lib/containers", "tmpfs", 0, "mode=0711")]


def test_a_second_agent_leaves_what_is_mounted(agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.ismount", lambda path: path == "/data")
    monkeypatch.setattr(agent.disk, "own_device", lambda: pytest.fail("looked for a disk"))
    agent.disk.bring(print)


class Keeping:
    """A guest's folder and a data disk, both in a directory of ours."""

    def __init__(self, agent: Any, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.disk = agent.disk
        self.data = root / "data"
        self.home = root / "home"
        (self.home / "core").mkdir(parents=True)
        (self.home / "core/.profile").write_text("from the image")
        self.kept = self.data / str(self.home)[1:]
        self.bound: list[tuple[str, str]] = []
        monkeypatch.setattr(agent.disk, "MOUNT_POINT", str(self.data))
        monkeypatch.setattr(agent.disk, "mount", lambda *words: self.bound.append(words[:2]))

    def keep(self) -> None:
        self.disk._keep(str(self.home))


@pytest.fixture
def keeping(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeping:
    return Keeping(agent, tmp_path, monkeypatch)


def test_what_lasts_begins_as_a_copy_of_the_images(keeping: Keeping) -> None:
    keeping.keep()
    assert (keeping.kept / "core/.profile").read_text() == "from the image"
    assert keeping.bound == [(str(keeping.kept), str(keeping.home))]


def test_what_is_kept_already_is_not_written_over(keeping: Keeping) -> None:
    keeping.keep()
    (keeping.kept / "core/.profile").write_text("the user's own")
    keeping.keep()
    assert (keeping.kept / "core/.profile").read_text() == "the user's own"


def test_a_copy_that_was_cut_short_is_made_again(keeping: Keeping) -> None:
    half = keeping.kept.with_name("home.new")
    half.mkdir(parents=True)
    (half / "half").touch()
    keeping.keep()
    assert [path.name for path in keeping.kept.iterdir()] == ["core"]
    assert not half.exists()


class Filling:
    """A mounted disk with so many bytes free, with or without its reserve."""

    def __init__(self, agent: Any, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.disk = agent.disk
        self.reserve = root / "reserve"
        self.free = 0
        monkeypatch.setattr(agent.disk, "RESERVE", str(self.reserve))
        monkeypatch.setattr(agent.disk, "_free_bytes", lambda: self.free)

    def tended(self, free: int) -> str:
        """What is told of it after a boot with so much room."""
        self.free = free
        had = self.reserve.exists()
        self.disk._tend_reserve()
        self.free += RESERVE * (int(had) - int(self.reserve.exists()))
        return str(self.disk.fullness())


@pytest.fixture
def filling(agent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Filling:
    return Filling(agent, tmp_path, monkeypatch)


def test_a_disk_with_room_has_a_reserve(filling: Filling) -> None:
    assert filling.tended(1000 * MIB) == ""
    assert filling.reserve.stat().st_size == RESERVE
    assert filling.tended(40 * MIB) == ""
    assert filling.reserve.exists()


@pytest.mark.parametrize("free", [0, 17 * MIB, 31 * MIB])
def test_a_full_disk_gives_its_reserve_up_and_is_told(filling: Filling, free: int) -> None:
    assert filling.tended(1000 * MIB) == ""
    assert "b2p set --disk" in filling.tended(free)
    assert not filling.reserve.exists()
    # As long as nothing was removed.
    assert "b2p set --disk" in filling.tended(free + RESERVE)
    assert filling.tended(1000 * MIB) == ""
    assert filling.reserve.exists()


def test_a_reserve_whose_making_was_cut_short_is_completed(filling: Filling) -> None:
    filling.reserve.touch()
    assert filling.tended(1000 * MIB) == ""
    assert filling.reserve.stat().st_size == RESERVE


def test_a_small_disk_is_not_made_smaller(filling: Filling) -> None:
    assert filling.tended(200 * MIB) == ""
    assert not filling.reserve.exists()


def test_of_a_disk_that_is_not_there_nothing_is_told(
    agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent.disk, "MOUNT_POINT", "/nowhere")
    assert agent.disk.fullness() == ""
