"""The HTTP client: its patience, its proxies, what its failures mean; httpx is imported late."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from b2p import __version__
from b2p.errors import UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import httpx


def client(proxies: Mapping[str, str | None], *, connections: int) -> httpx.Client:
    """A client that obeys the environment's proxies, else those given."""
    from urllib.request import getproxies

    import httpx

    spoken = {"http", "https", "all"} & getproxies().keys()
    try:
        mounts = {
            pattern: None if proxy is None else httpx.HTTPTransport(verify=_trust(), proxy=proxy)
            for pattern, proxy in ({} if spoken else proxies).items()
        }
        return httpx.Client(
            verify=_trust(),
            mounts=mounts,
            follow_redirects=True,
            timeout=httpx.Timeout(20, connect=5, pool=None),
            limits=httpx.Limits(max_connections=connections),
            headers={"User-Agent": f"b2p/{__version__}"},
        )
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise UsageError(
            f"the proxy cannot be used: {str(error).splitlines()[0]}",
            "set http_proxy and https_proxy to addresses like http://proxy.example:3128",
        ) from error


@cache
def _trust() -> ssl.SSLContext:
    """Whom https trusts; reading all the certificates takes 30 ms, so once is enough."""
    import httpx

    return httpx.create_ssl_context()


def host_of(url: str) -> str:
    """Host and port of an address, as a person names a mirror."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url
    except ValueError:  # an address in brackets that is none
        return url


def reason(error: Exception) -> str:
    """What httpx met, in a line without its class names where it has words."""
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpx.TimeoutException):
        return "silent for too long"
    words = str(error) or type(error).__name__
    return re.sub(r"^\[Errno -?\d+\] ", "", words.splitlines()[0])
