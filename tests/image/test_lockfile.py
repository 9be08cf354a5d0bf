"""A lock file says what it was told, a line for each package, and is not believed blindly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from b2p.errors import UsageError
from b2p.image import lockfile
from b2p.image.lockfile import Lock, Locked
from tests.fakes_host import package


def lock(**changes: Any) -> Lock:
    one = lockfile.locked(package("podman", b"x"), security=True)
    values: dict[str, Any] = {
        "arch": "x86_64",
        "suite": "trixie",
        "recipe": "r" * 64,
        "image": "i" * 64,
        "extra": ("htop",),
        "packages": (one, lockfile.locked(package("bash", b"y"), security=False)),
    }
    return Lock(**{**values, **changes})


def test_what_was_written_is_read_again() -> None:
    text = lockfile.text(lock())
    assert lockfile.parsed(text.encode(), where="x") == lock()
    assert sum('"sha256"' in line for line in text.splitlines()) == 2


def test_a_package_is_fetched_as_it_was_locked() -> None:
    found = lockfile.package(lock().packages[0], "http://mirror")
    assert found == package("podman", b"x").__class__(
        **{**{key: getattr(found, key) for key in found.__slots__}, "url_base": "http://mirror"}
    )
    assert (found.name, found.size, found.url_base) == ("podman", 1, "http://mirror")


def changed(**values: Any) -> bytes:
    whole = json.loads(lockfile.text(lock()))
    return json.dumps({**whole, **values}).encode()


def entry(**values: Any) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(lockfile.text(lock()))["packages"][0]
    return {**whole, **values}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        changed(packages=[]),
        changed(packages=[{"name": "bash"}]),
        changed(packages=[entry(filename="../../etc/passwd")]),
        changed(packages=[entry(filename="/etc/passwd")]),
        changed(packages=[entry(sha256="abc")]),
        changed(packages=[entry(sha256="../" + "a" * 61)]),
        changed(packages=3),
    ],
)
def test_what_is_no_lock_is_refused(content: bytes) -> None:
    with pytest.raises(UsageError, match="'here' is no lock file"):
        lockfile.parsed(content, where="here")


def test_a_lock_of_a_later_b2p_is_told() -> None:
    with pytest.raises(UsageError, match="another b2p"):
        lockfile.parsed(changed(schema=2), where="here")


def test_a_locked_package_is_a_value() -> None:
    assert isinstance(lock().packages[1], Locked)
