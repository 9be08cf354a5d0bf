from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.varlink.asking import Refused

if TYPE_CHECKING:
    from tests.varlink.asking import Asking
    from tests.varlink.fake_podman import FakePodman


@pytest.mark.parametrize(
    "method",
    [
        "Reset",
        "ContainerRunlabel",
        "ContainerArtifacts",
        "GetLayersMapWithImageInfo",
        "BuildImageHierarchyMap",
    ],
)
def test_what_has_no_equivalent(ask: Asking, podman: FakePodman, method: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method)
    assert caught.value.name == "io.podman.ErrorOccurred"
    assert method in caught.value.parameters["reason"]
    assert podman.asked == []


@pytest.mark.parametrize("method", ["AttachControl", "CreateFromCC"])
def test_what_never_was(ask: Asking, method: str) -> None:
    with pytest.raises(Refused) as caught:
        ask(method)
    assert caught.value.name == "org.varlink.service.MethodNotImplemented"
    assert caught.value.parameters == {"method": f"io.podman.{method}"}
