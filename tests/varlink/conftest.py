"""The gateway's modules as they lie in a guest, a podman that pretends, and a client of the two."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from b2p import firmware
from tests.fakes import short_directory
from tests.varlink.asking import Asking
from tests.varlink.fake_podman import FakePodman

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "guest/usr/lib/b2p"


@pytest.fixture(scope="session")
def gateway() -> Any:
    """What finds a module of the gateway by name. They are imported once: they keep no state."""
    folder = str(firmware.directory() / FOLDER)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, folder)
    try:
        package = importlib.import_module("varlink_gateway")
        for module in pkgutil.walk_packages(package.__path__, "varlink_gateway."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = before
    return lambda name: sys.modules[f"varlink_gateway.{name}"]


@pytest.fixture(scope="session")
def listening() -> Iterator[FakePodman]:
    """One server for all tests: to start and stop it takes longer than a test."""
    with short_directory() as folder, FakePodman(folder / "podman.sock") as podman:
        yield podman


@pytest.fixture
def podman(listening: FakePodman) -> FakePodman:
    """A podman that has nothing yet."""
    listening.forget()
    return listening


@pytest.fixture
def ask(gateway: Any, podman: FakePodman, tmp_path: Path) -> Iterator[Asking]:
    """Calls a method as a client does."""
    spool = gateway("spool").Spool(str(tmp_path / "spool"))
    spool.prepare()
    with Asking(gateway, str(podman.path), spool) as asking:
        yield asking
