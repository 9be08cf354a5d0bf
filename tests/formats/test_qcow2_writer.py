"""Images for tests are read back by another's eyes: those of this test, entry by entry."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

from b2p.formats.qcow2_writer import CLUSTER
from tests.standins.qcow2 import from_raw

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_not_zero_is_found_again_and_the_rest_is_not_stored(tmp_path: Path) -> None:
    chance = random.Random(1)
    blocks = {
        3: chance.randbytes(CLUSTER),
        8191: b"end".ljust(CLUSTER, b"\0"),
        8200: b"x" * CLUSTER,
    }
    raw = tmp_path / "raw"
    with raw.open("wb") as file:
        file.truncate(9000 * CLUSTER)
        for number, content in blocks.items():
            file.seek(number * CLUSTER)
            file.write(content)
    from_raw(raw, tmp_path / "qcow2")
    image = (tmp_path / "qcow2").read_bytes()
    size, _, tables, l1_at = struct.unpack(">QIIQ", image[24:48])
    assert (image[:8], size, tables) == (b"QFI\xfb\0\0\0\3", 9000 * CLUSTER, 2)
    found = {}
    for table in range(tables):
        (l2_at,) = struct.unpack_from(">Q", image, l1_at + 8 * table)
        for entry in range(8192):
            (at,) = struct.unpack_from(">Q", image, (l2_at & ~(1 << 63)) + 8 * entry)
            if at:
                found[table * 8192 + entry] = image[at & ~(1 << 63) :][:CLUSTER]
    assert found == blocks
    assert len(image) < 10 * CLUSTER
