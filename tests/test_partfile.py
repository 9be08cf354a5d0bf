"""Parts of downloads that several processes want at once; the rest is seen in test_fetch.py."""

from __future__ import annotations

import fcntl
import threading
import time
from typing import TYPE_CHECKING

from b2p import partfile
from b2p.threads import Halt

if TYPE_CHECKING:
    from pathlib import Path


def test_a_part_that_its_holder_renames_is_not_written_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    part = tmp_path / "target.part"
    held = part.open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    seen: list[object] = []

    def second() -> None:
        with partfile.reserved(target, Halt()) as mine:
            seen.append(mine)

    thread = threading.Thread(target=second)
    thread.start()
    time.sleep(0.1)
    part.replace(target)
    held.close()
    thread.join()
    assert seen == [None]


def test_who_waited_does_not_begin_what_was_just_finished(
    tmp_path: Path,
) -> None:
    target, part = tmp_path / "target", tmp_path / "target.part"
    held = part.open("wb")
    fcntl.flock(held, fcntl.LOCK_EX)
    looks: list[bool] = []

    class Meanwhile(type(target)):  # type: ignore[misc]
        """A path of which the holder makes the file right after it was looked for."""

        def exists(self, **_: object) -> bool:
            looks.append(target.exists())
            if len(looks) == 1:
                part.replace(target)
                held.close()
            return looks[-1]

    with partfile.reserved(Meanwhile(target), Halt()) as mine:
        assert mine is None
    assert looks[:2] == [False, True]
    assert not part.exists()
