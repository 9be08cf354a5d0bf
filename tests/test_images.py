"""What is in the cache, who uses it, and what is removed."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from b2p import images
from b2p.errors import BusyError, StateError, UsageError
from b2p.image import downloads
from b2p.image.build import recipe_digest
from b2p.report import SilentReport
from b2p.settings import Settings
from b2p.store import lock, places
from b2p.store.layout import Layout
from tests.fakes_debian import Site, served
from tests.fakes_machine import stopped_machine
from tests.image.test_cache import image
from tests.image.test_pull import DISK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST = hashlib.sha256(DISK).hexdigest()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(
        data=tmp_path / "d", cache=tmp_path / "c", config=tmp_path / "f", sockets=tmp_path / "s"
    )
    places.prepare(found)
    return found


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as site:
        site.files["/x/disk.raw"] = DISK
        yield site


def pull(layout: Layout, site: Site) -> None:
    settings = Settings(cpus=1, image_mirror=site.address)
    found = images.pull("https://example.org/x/disk.raw", settings, layout, SilentReport())
    assert found.digest == DIGEST


def digests(layout: Layout) -> list[str]:
    return [one.digest for one in images.listing(layout)]


def test_built_and_downloaded_images_with_those_who_use_them(layout: Layout, site: Site) -> None:
    image(layout.images, "aaa", recipe=recipe_digest(), built=2)
    image(layout.images, "bbb", recipe=recipe_digest(), built=1)
    pull(layout, site)
    stopped_machine(layout, "web", image=DIGEST)
    stopped_machine(layout, "db", image=DIGEST)
    new, old, other = images.listing(layout)
    assert (new.kind, new.is_current, new.machines) == ("built", True, ())
    assert (old.kind, old.is_current) == ("built", False)
    assert (other.kind, other.name, other.machines) == ("downloaded", "disk.raw", ("db", "web"))
    assert other.used_bytes >= len(DISK)
    assert json.loads(json.dumps(other.as_json()))["url"] == f"{site.address}/x/disk.raw"
    assert not list(layout.media.glob(".*.lock"))


def test_an_image_in_use_is_not_removed(layout: Layout, site: Site) -> None:
    image(layout.images, "aaa")
    pull(layout, site)
    stopped_machine(layout, "web", image=DIGEST)
    with pytest.raises(UsageError, match="machine 'web'"):
        images.remove(["aaa", DIGEST[:8]], layout)
    assert sorted(digests(layout)) == sorted(["aaa", DIGEST])
    assert [one.digest for one in images.remove(["aa"], layout)] == ["aaa"]
    assert digests(layout) == [DIGEST]


@pytest.mark.parametrize(("prefix", "words"), [("a", "several"), ("x", "no image"), ("", "no im")])
def test_a_digest_must_name_one(layout: Layout, prefix: str, words: str) -> None:
    image(layout.images, "aaa")
    image(layout.images, "aab")
    with pytest.raises(UsageError, match=words):
        images.remove([prefix], layout)


def test_pruning_keeps_what_is_used_and_what_comes_next(layout: Layout, site: Site) -> None:
    image(layout.images, "current", recipe=recipe_digest(), built=3)
    image(layout.images, "used", built=2)
    image(layout.images, "old", built=1)
    stopped_machine(layout, "web", image="used")
    pull(layout, site)
    partial = layout.media / downloads.PARTIAL / "left"
    partial.mkdir(parents=True)
    (layout.images / "broken").mkdir()
    assert {one.digest for one in images.prune(layout)} == {"old", DIGEST}
    assert digests(layout) == ["current", "used"]
    assert sorted(path.name for path in layout.images.iterdir()) == ["current", "used"]
    assert not partial.exists()
    images.prune(layout, everything=True)
    assert digests(layout) == ["used"]


def test_a_download_under_way_is_not_pruned(layout: Layout) -> None:
    partial = layout.media / downloads.PARTIAL / "key"
    partial.mkdir(parents=True)
    with lock.hold(layout.media / ".key.lock", command="b2p image pull"):
        images.prune(layout)
        assert partial.exists()


def test_nothing_is_removed_while_a_machine_is_made(layout: Layout) -> None:
    image(layout.images, "aaa")
    # Our parent lives and is not us.
    values = {"pid": os.getppid(), "command": "b2p up", "since": 0.0}
    layout.machine("new").lock.write_text(json.dumps(values))
    with pytest.raises(BusyError, match="b2p up"):
        images.prune(layout)
    assert digests(layout) == ["aaa"]


def test_nothing_is_removed_while_a_machine_cannot_be_read(layout: Layout) -> None:
    image(layout.images, "aaa")
    stopped_machine(layout, "odd")
    layout.machine("odd").record.write_text("{")
    with pytest.raises(StateError, match="'odd'"):
        images.remove(["aaa"], layout)
    assert digests(layout) == ["aaa"]


def test_what_a_word_means() -> None:
    found = images.by_address("https://x/a.iso", "sha512:AB")
    assert found.digest == ("sha512", "AB")
    with pytest.raises(UsageError, match="no family, no address and no path"):
        images.by_address("fedora")
    for wrong in ("abc", "sha256:", "sha256:xyz"):
        with pytest.raises(UsageError, match="not a digest"):
            images.by_address("./a", wrong)
