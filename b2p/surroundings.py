"""The network around this computer, as guests have to know it: proxies, certificates to trust."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from b2p.errors import UsageError
from b2p.machine import ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
EXCEPTIONS = "no_proxy"
DIRECT = ("localhost", "127.0.0.1", "::1", ports.GATEWAY, *ports.HOST_NAMES)
"""What is never reached by a proxy, whatever NO_PROXY says."""
ATTEMPT_SECONDS = 1.0

FROM_HOST = "host"
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep all that they trust."""
LARGEST = 700_000
"""Bytes of certificates: the guest listens to lines of a megabyte."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_UNFIT = re.compile(r"[\s\"'\\\x00-\x1f\x7f]")


def proxies(environment: Mapping[str, str], more: Iterable[str] = ()) -> dict[str, str]:
    """The variables for the guest, in both cases; a proxy of this computer's own is led there.

    The hosts in `more` are not reached by a proxy either. Pure. Raises UsageError for one that is
    no address.
    """
    found: dict[str, str] = {}
    for name in PROXIES:
        given = environment.get(name) or environment.get(name.upper(), "")
        if given:
            found[name] = _from_inside(name, given)
    if not found:
        return {}
    given = environment.get(EXCEPTIONS) or environment.get(EXCEPTIONS.upper(), "")
    words = [word for word in re.split(r"[\s,]+", given) if word and not _UNFIT.search(word)]
    found[EXCEPTIONS] = ",".join(dict.fromkeys((*words, *DIRECT, *more)))
    return {**found, **{name.upper(): value for name, value in found.items()}}


def _from_inside(name: str, given: str) -> str:
    """The proxy's address as a guest has to write it."""
    # Curl and others take a bare host:port.
    text = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or _UNFIT.search(text):
        raise UsageError(
            f"{name} is {given!r}, which is not a proxy's address",
            "set it to something like http://proxy.example:3128, or unset it",
        )
    if not _is_this_computer(host):
        return text
    before, _, _ = parts.netloc.rpartition("@")
    login = f"{before}@" if before else ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{login}{ports.GATEWAY}{port}"))


def _is_this_computer(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.") or host.endswith(".localhost")


def deaf_proxies(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(variable, what is wrong) of each proxy that takes no connection from here."""
    looked: set[tuple[str, int]] = set()
    for name in PROXIES:
        given = environment.get(name) or environment.get(name.upper(), "")
        try:
            parts = urlsplit(given if "://" in given else f"http://{given}")
            port = parts.port
        except ValueError:
            yield name, f"{given!r} is not a proxy's address"
            continue
        if not given or not parts.hostname:
            continue
        place = (parts.hostname, port or {"https": 443, "socks5": 1080}.get(parts.scheme, 80))
        if place in looked:
            continue
        looked.add(place)
        try:
            socket.create_connection(place, timeout=ATTEMPT_SECONDS).close()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            yield name, f"the proxy {place[0]}:{place[1]} takes no connection: {reason}"


def certificates(wish: str, environment: Mapping[str, str]) -> str:
    """The certificates that the setting `ca_bundle` means, as PEM; raises UsageError."""
    if not wish:
        return ""
    text = _of_host(environment) if wish == FROM_HOST else _content(Path(wish).expanduser())
    found = _CERTIFICATE.findall(text)
    if not found:
        raise UsageError(
            f"ca_bundle {wish!r} holds no certificate", "name a file with certificates in PEM form"
        )
    together = "".join(f"{one}\n" for one in dict.fromkeys(found))
    if len(together) > LARGEST:
        raise UsageError(
            f"ca_bundle {wish!r} holds {len(together)} bytes of certificates, at most {LARGEST}"
            " fit",
            "name a file with those of your network alone",
        )
    return together


def _of_host(environment: Mapping[str, str]) -> str:
    if sys.platform == "darwin":
        from b2p.host import process

        command = ["security", "find-certificate", "-a", "-p"]
        return process.run(command).stdout.decode(errors="replace")
    for path in (environment.get("SSL_CERT_FILE", ""), *BUNDLES):
        if path and os.access(path, os.R_OK):
            return _content(Path(path))
    raise UsageError(
        "ca_bundle is 'host', and this computer's bundle of certificates was not found",
        "name its file instead",
    )


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            f"ca_bundle {str(path)!r} cannot be read: {(error.strerror or str(error)).lower()}",
            "name a file with certificates in PEM form, or 'host'",
        ) from error
