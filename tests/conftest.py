"""For all tests: hypothesis does not judge by the clock, since computers here are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes_story import Computer

settings.register_profile("b2p", deadline=None)
settings.load_profile("b2p")


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Computer]:
    """A computer whose QEMU only pretends; nothing of it is left afterwards."""
    from b2p.store import places
    from tests.fakes import short_directory
    from tests.fakes_story import Computer, keys_at_once

    with short_directory() as root:
        computer = Computer(root)
        places.prepare(computer.layout)
        monkeypatch.setattr("b2p.up.Supply", computer.supply)
        monkeypatch.setattr("b2p.client.ssh.ensure_key", keys_at_once)
        monkeypatch.setattr("b2p.host.computer.memory_mib", lambda: computer.host.memory_mib)
        try:
            yield computer
        finally:
            computer.end()
