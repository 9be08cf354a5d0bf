"""Methods that nothing in podman's REST API can answer; each says so, and what to use instead."""

from __future__ import annotations

from ..errors import error_occurred, method_not_implemented

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ..call import Call


def reset(_: Call) -> NoReturn:
    """Podman's API has no reset, and erasing all by mistake is worse than none."""
    raise error_occurred("Reset is not offered; run 'podman system reset' in the machine")


def container_runlabel(_: Call) -> NoReturn:
    """It ran a command of an image's label on the host."""
    raise error_occurred(
        "ContainerRunlabel is not offered; run 'podman container runlabel' in the machine"
    )


def container_artifacts(_: Call) -> NoReturn:
    """Artifacts are files in podman's own folders."""
    raise error_occurred("ContainerArtifacts has no equivalent in podman 5")


def get_layers_map_with_image_info(_: Call) -> NoReturn:
    """Only podman's own tree command used it."""
    raise error_occurred("GetLayersMapWithImageInfo has no equivalent in podman 5; use ImageTree")


def build_image_hierarchy_map(_: Call) -> NoReturn:
    """Only podman's own tree command used it."""
    raise error_occurred("BuildImageHierarchyMap has no equivalent in podman 5; use ImageTree")


def attach_control(_: Call) -> NoReturn:
    """No podman ever had it."""
    raise method_not_implemented("io.podman.AttachControl")


def create_from_cc(_: Call) -> NoReturn:
    """No podman ever had it."""
    raise method_not_implemented("io.podman.CreateFromCC")
