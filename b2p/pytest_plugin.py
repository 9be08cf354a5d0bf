"""Fixtures for pytest: engines for tests. Every pytest beside b2p loads it: it imports little."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import b2p

E = TypeVar("E", bound="b2p.Engine")

NAME = "pytest"
"""The machine of `podman_machine`, unless the ini option says otherwise."""
REASON = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two lines for pytest's own settings."""
    parser.addini("b2p_machine", f"the machine of podman_machine (default: {NAME})", default=NAME)
    parser.addini(
        "b2p_required",
        "whether tests fail, instead of being skipped, where b2p cannot have a machine",
        type="bool",
        default=False,
    )


@pytest.fixture(scope="session")
def podman_settings() -> dict[str, Any]:
    """Settings of the machines, such as {"memory": "4GiB"}: to be overridden in a conftest.py."""
    return {}


@pytest.fixture(scope="session")
def podman_machine(
    request: pytest.FixtureRequest, podman_settings: dict[str, Any]
) -> Iterator[b2p.Machine]:
    """A machine that is up for all tests, of every worker of xdist; kept from run to run.

    docker, podman and testcontainers find it by the environment. It is powered off when the last
    worker has ended, unless it was running before.
    """
    import b2p

    name = request.config.getini("b2p_machine")
    with _had(request.config, b2p.machine(name, **podman_settings)) as machine:
        yield machine


@pytest.fixture
def podman_scratch(
    request: pytest.FixtureRequest, podman_settings: dict[str, Any]
) -> Iterator[b2p.Engine]:
    """An engine that is this test's own, begun from a golden state; nothing of it is left.

    docker, podman and testcontainers find it by the environment, as long as the test runs.
    """
    import b2p

    with _had(request.config, b2p.scratch(**podman_settings)) as engine:
        yield engine


@contextmanager
def _had(config: pytest.Config, engine: AbstractContextManager[E]) -> Iterator[E]:
    """The engine, to which the environment leads meanwhile; a skip where it cannot be had.

    What this computer lacks is a reason to skip; a machine that does not come up is a failure.
    """
    if reason := config.stash.get(REASON, ""):
        pytest.skip(reason)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(engine)
        except Exception as error:
            if not _is_lack(error) or config.getini("b2p_required"):
                raise
            hint = getattr(error, "hint", "")
            reason = f"b2p cannot have a machine here: {error}{'; ' if hint else ''}{hint}"
            config.stash[REASON] = reason
            pytest.skip(reason)
        stack.enter_context(_led_to(found))
        yield found


def _is_lack(error: Exception) -> bool:
    """Whether it is something that this computer lacks: QEMU, room, the network for the image."""
    import b2p

    return isinstance(error, b2p.HostError | b2p.DownloadError) and not isinstance(
        error, b2p.TamperedError
    )


@contextmanager
def _led_to(engine: b2p.Engine) -> Iterator[None]:
    """The environment leads to the engine until the block ends."""
    wanted = engine.env(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - wanted.keys():
            patch.delenv(name)
        for name, value in wanted.items():
            if os.environ.get(name) != value:
                patch.setenv(name, value)
        _tell_testcontainers(patch)
        yield


def _tell_testcontainers(patch: pytest.MonkeyPatch) -> None:
    """Of Python's: it reads some of the environment when it is imported, maybe long before."""
    module = sys.modules.get("testcontainers.core.config")
    if module is None:
        return
    settings = module.testcontainers_config
    patch.setattr(settings, "ryuk_disabled", True, raising=False)
    patch.setattr(
        settings,
        "tc_host_override",
        os.environ["TESTCONTAINERS_HOST_OVERRIDE"],
        raising=False,
    )
    patch.setattr(
        settings, "connection_mode_override", module.ConnectionMode.docker_host, raising=False
    )
