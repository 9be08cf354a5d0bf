"""A web server on 127.0.0.1 for as long as a test's block lasts; what it says is the site's."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Site(Protocol):
    """What a handler finds in its `site`."""

    address: str
    release: threading.Event
    """Set to let go of answers that stall."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients of tests hang up as they like."""


@contextmanager
def serving(site: Site, handler: type[BaseHTTPRequestHandler]) -> Iterator[None]:
    """Serve the site, which learns its address, until the block ends."""
    server = _Server(("127.0.0.1", 0), type("Handler", (handler,), {"site": site}))
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        site.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
