"""Images built for real: the same bytes twice, and machines that have what was added."""

from __future__ import annotations

import filecmp
import json
from typing import TYPE_CHECKING

import pytest

from tests.boot.person import cache_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.boot.person import Person

pytestmark = pytest.mark.daily


def cache_of_its_own(home: Path, name: str) -> dict[str, str]:
    """A cache without images; what was fetched is shared."""
    cache = home / name
    cache.mkdir()
    for part in ("debs", "indexes", "qemu"):
        shared = cache_home() / "b2p" / part
        shared.mkdir(parents=True, exist_ok=True)
        (cache / part).symlink_to(shared)
    return {"B2P_CACHE_DIR": str(cache)}


def test_two_builds_give_the_same_bytes(person: Person) -> None:
    one, two = (cache_of_its_own(person.home, name) for name in ("one", "two"))
    lock = person.home / "b2p.lock"
    words = ("image", "build", "--lock", str(lock))
    digest = person.b2p(*words, environment=one).out.strip()
    # The second one from the first one's lock, and without anything that it left.
    assert person.b2p(*words, environment=two).out.strip() == digest
    first, second = (person.home / name / "images" / digest for name in ("one", "two"))
    names = sorted(path.name for path in first.iterdir())
    assert names == ["initrd", "kernel", "manifest.json", "root.squashfs"]
    assert filecmp.cmpfiles(first, second, names, shallow=False) == (names, [], [])
    (verified,) = json.loads(person.b2p("image", "verify", "--json", environment=two).out)["images"]
    assert verified["checked"] == ["initrd", "kernel", "root.squashfs"]


def test_a_lock_whose_package_is_gone_says_which(person: Person) -> None:
    environment = cache_of_its_own(person.home, "lost")
    lock = person.home / "lost.lock"
    lock.write_bytes((person.home / "b2p.lock").read_bytes())
    values = json.loads(lock.read_bytes())
    netavark = next(one for one in values["packages"] if one["name"] == "netavark")
    netavark |= {"filename": "pool/main/n/netavark/netavark_0.0.1_amd64.deb", "sha256": "0" * 64}
    lock.write_text(json.dumps(values))
    said = person.b2p("image", "build", "--lock", str(lock), environment=environment, status=125)
    assert f"netavark {netavark['version']} of the lock is gone from the mirrors" in said.err
    assert not list((person.home / "lost" / "images").glob("[!.]*"))


def test_a_machine_has_the_packages_that_were_added(person: Person) -> None:
    person.b2p("up", "more", environment={"B2P_PACKAGES": "tree"})
    assert person.inside("tree --version", name="more").startswith("tree v")
    person.b2p("rm", "-f", "more")
