"""b2p: a container engine on a laptop with nothing running but QEMU.

    import b2p

    with b2p.machine("web", memory="2GiB") as m:
        subprocess.run(["docker", "ps"], env=m.env(os.environ))

    with b2p.scratch() as engine:
        client = docker.DockerClient(base_url=engine.docker_url)

`machine` and `scratch` take the settings of docs/settings.md as keywords; what is not given is
decided by b2p.toml and the environment, as on the command line. What is listed in `__all__` is
public; it is imported when it is first used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2p.api import Engine, Machine, Output, Wishes, machine, machines, scratch
    from b2p.errors import (
        B2PError,
        BusyError,
        DownloadError,
        GuestError,
        HostError,
        StateError,
        TamperedError,
        UsageError,
    )

__version__ = "0.1.0"

__all__ = [
    "B2PError",
    "BusyError",
    "DownloadError",
    "Engine",
    "GuestError",
    "HostError",
    "Machine",
    "Output",
    "StateError",
    "TamperedError",
    "UsageError",
    "Wishes",
    "__version__",
    "machine",
    "machines",
    "scratch",
]


class _Package(ModuleType):
    """Keeps `b2p.machine` the function: importing the folder of that name would put itself there.

    Inside b2p the folder is imported by `from b2p.machine import ...`, which asks nobody's name.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'b2p' has no attribute {name!r}")
    from importlib import import_module

    home = "b2p.errors" if name.endswith("Error") else "b2p.api"
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


sys.modules[__name__].__class__ = _Package
