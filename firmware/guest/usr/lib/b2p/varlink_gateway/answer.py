"""Builds what answers a client: HTTP, and all that hangs on it."""

from __future__ import annotations

import sys

from . import rest, spool
from .call import Gateway
from .dispatch import Dispatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .service import Options
    from .wire import Connection


def answerer(options: Options) -> Callable[[Connection], None]:
    """Answers all calls of a connection; shared by all connections."""
    store = spool.Spool(options.spool or spool.DIRECTORY)
    try:
        store.prepare()
    except OSError as error:
        print(f"the spool is not ready: {error}", file=sys.stderr)  # most methods need none
    return Dispatch(Gateway(rest.Rest(options.podman), store)).serve
