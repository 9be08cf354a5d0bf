"""What is known of each engine."""

from __future__ import annotations

import pytest

from b2p.errors import StateError
from b2p.machine import engines
from b2p.machine.registries import Registries

EACH = pytest.mark.parametrize("engine", engines.ALL.values(), ids=list(engines.ALL))


@EACH
def test_each_speaks_docker_and_takes_registries(engine: engines.Engine) -> None:
    assert "docker" in engine.apis
    assert engines.by_name(engine.name) is engine
    told = Registries(insecure=("10.0.2.2:5000",)).told(engine.registries)
    assert "10.0.2.2:5000" in told


def test_one_of_a_later_b2p_is_told() -> None:
    with pytest.raises(StateError, match="'rkt' is none that this b2p knows"):
        engines.by_name("rkt")


def test_docker_goes_without_what_is_podmans() -> None:
    for path in (
        "etc/containers/containers.conf",
        "usr/local/bin/podman",
        "usr/lib/b2p/varlink_gateway/rest.py",
        "usr/lib/b2p/docker_filter/passing.py",
        "usr/lib/systemd/system/b2p-core.socket",
        "usr/lib/systemd/system/podman.service.d/b2p.conf",
    ):
        assert engines.PODMAN.has_file(path)
        assert not engines.DOCKER.has_file(path)
    for path in ("usr/lib/b2p/agent/engine.py", "usr/lib/systemd/system/b2p-engine.service"):
        assert engines.DOCKER.has_file(path)
