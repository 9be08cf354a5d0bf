"""`b2p upgrade` as a story, with a QEMU that only pretends and images that hold nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from b2p import upgrade as story
from b2p.errors import GuestError, UsageError
from b2p.image import cache
from b2p.store import snapshots
from tests.image import test_cache
from tests.test_up import mounted_disk

if TYPE_CHECKING:
    from tests.fakes_story import Computer

NEW = "f" * 64
PACKAGES = [{"name": "podman", "version": "6"}, {"name": "added", "version": "1"}]
OLD = "0" * 64


@pytest.fixture
def used(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """A computer with a machine on an old image, and a mirror with newer packages."""
    before = [{"name": "podman", "version": "5"}, {"name": "dropped", "version": "1"}]
    test_cache.image(computer.layout.images, OLD, packages=before)
    new = cache.read(test_cache.image(computer.layout.images, NEW, packages=PACKAGES))
    monkeypatch.setattr("b2p.builds.build", lambda *_: new)
    computer.up()
    mounted_disk(computer.files().data_disk)
    story._boot_from("default", computer.layout, OLD, before="")
    monkeypatch.setattr(computer, "booted", [], raising=False)
    monkeypatch.setattr(story, "up", lambda *_: started(computer))
    return computer


def started(computer: Computer, fault: str = "none") -> None:
    """Start the machine on the image that its record names."""
    image = computer.record().image
    computer.booted.append(image)  # type: ignore[attr-defined]
    computer.up(fault=fault)
    story._boot_from("default", computer.layout, image, before=computer.record().image_before)


def upgraded(computer: Computer) -> story.Upgraded:
    return story.upgrade("default", computer._wishes({}), computer.layout, computer.report)


def test_what_changes_is_told_and_the_machine_starts_on_it(used: Computer) -> None:
    done = upgraded(used)
    assert (done.image, done.before) == (NEW, OLD)
    assert done.changes == ("added: new, 1", "dropped: gone", "podman: 5 -> 6")
    record = used.record()
    assert (record.image, record.image_before) == (NEW, OLD)
    assert used.state() == "running"
    assert [one.name for one in snapshots.listing(used.files())] == [story.SNAPSHOT]


def test_one_that_is_of_today_is_left_alone(used: Computer) -> None:
    upgraded(used)
    boots = list(used.booted)  # type: ignore[attr-defined]
    assert upgraded(used).changes == ()
    assert used.booted == boots  # type: ignore[attr-defined]
    assert used.record().image_before == OLD


def test_one_that_does_not_come_up_goes_back_with_its_disk(
    used: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = used.files().data_disk.read_bytes()

    def up(*_: Any) -> None:
        started(used, "dies" if used.record().image == NEW else "none")

    monkeypatch.setattr(story, "up", up)
    with pytest.raises(GuestError, match="is back on the one of before"):
        upgraded(used)
    record = used.record()
    assert (record.image, record.image_before) == (OLD, "")
    assert used.state() == "running"
    assert used.booted == [NEW, OLD]  # type: ignore[attr-defined]
    (kept,) = snapshots.listing(used.files())
    disk, _ = snapshots.disk_of(used.files(), kept.folder)
    assert disk.read_bytes() == before


def test_by_hand_it_goes_back_once(used: Computer) -> None:
    upgraded(used)
    words = ("default", used._wishes({}), used.layout, used.report)
    assert story.rollback(*words, disk=False) == OLD
    assert used.record().image == OLD
    assert used.state() == "running"
    with pytest.raises(UsageError, match="back already"):
        story.rollback(*words, disk=False)


def test_one_that_was_stopped_is_started_to_prove_it(used: Computer) -> None:
    used.down(force=True)
    upgraded(used)
    assert used.state() == "running"


def test_a_suspended_one_is_resumed_first(used: Computer) -> None:
    used.suspend()
    with pytest.raises(UsageError, match="suspended"):
        upgraded(used)
