"""Kernel modules: their names, needs and order."""

from __future__ import annotations

import lzma

import pytest

from b2p.errors import TamperedError
from b2p.image.modules import load_order, module_name, needs, plain_module


def module(*info: str) -> bytes:
    """A module with these words in its .modinfo, which lie end to end as modpost writes them."""
    return b"\x7fELF..." + b"".join(b"\0" + word.encode() for word in info) + b"\0.rest"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("usr/lib/modules/6.12/kernel/drivers/block/virtio-blk.ko.xz", "virtio_blk"),
        ("ext4.ko", "ext4"),
        ("a.b/nls_cp437.ko.zst", "nls_cp437"),
    ],
)
def test_a_module_is_named_by_its_file(path: str, name: str) -> None:
    assert module_name(path) == name


def test_a_packed_module_is_unpacked() -> None:
    assert plain_module("a.ko.xz", lzma.compress(b"module")) == b"module"
    assert plain_module("a.ko", b"module") == b"module"


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (["license=GPL", "depends="], []),
        (["depends=a,b-c", "name=d"], ["a", "b_c"]),
        (["softdep=pre: x y", "softdep=pre: z", "depends=a"], ["a", "x", "y", "z"]),
        (["softdep=pre: x post: y", "depends="], ["x"]),
        (["softdep=post: y", "description=depends=q"], []),
    ],
)
def test_what_a_module_needs_stands_in_itself(info: list[str], expected: list[str]) -> None:
    assert needs(module(*info)) == expected


def test_each_comes_after_what_it_needs_and_once() -> None:
    modules = {
        "ext4": module("depends=jbd2,mbcache", "softdep=pre: crc32c"),
        "jbd2": module("depends="),
        "mbcache": module("depends="),
        "crc32c": module("depends="),
        "overlay": module("depends=builtin_one"),
        "other": module("depends=ext4"),
    }
    order = load_order(["overlay", "ext4", "overlay"], modules)
    assert order == ["overlay", "jbd2", "mbcache", "crc32c", "ext4"]


def test_soft_needs_may_go_round_in_a_circle() -> None:
    modules = {"a": module("softdep=pre: b", "depends="), "b": module("depends=a")}
    assert load_order(["a"], modules) == ["b", "a"]


def test_a_wanted_module_that_lacks_is_named() -> None:
    with pytest.raises(TamperedError, match="no module 'virtio_blk'") as caught:
        load_order(["virtio_blk"], {})
    assert caught.value.hint
