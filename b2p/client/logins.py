"""The registry logins that podman and docker keep on this computer, for the podman of a machine.

Formats: containers-auth.json(5), docker's config.json, the protocol of docker-credential-helpers.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from b2p.client import docker
from b2p.client.documents import object_of
from b2p.errors import B2PError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from b2p.client.ssh import Outcome

VARIABLE = "B2P_LOGINS"
"""Under which ssh takes them into the machine; firmware/guest/usr/local/bin/podman reads it."""
LONGEST = 96 << 10
"""Bytes: what the kernel takes as one variable is 128 KiB."""
HELPER_SECONDS = 20.0

TALKATIVE = frozenset({
    "artifact", "auto-update", "build", "container", "create", "image", "kube", "manifest", "play",
    "pod", "pull", "push", "run", "runlabel", "search",
})  # fmt: skip
"""podman's words that may ask a registry: for all others no helper is woken."""

_TOKEN = "<token>"  # noqa: S105 - the protocol's word for: the secret is an identity token
_HERE = ("localhost", "127.0.0.1")


class Runner(Protocol):
    """Runs a command to its end and raises B2PError when it fails, as host/process.py does."""

    def __call__(
        self,
        command: Sequence[str],
        /,
        *,
        timeout: float,
        input: bytes | None = None,  # noqa: A002 - as subprocess calls it
    ) -> Outcome: ...


def asks_registry(words: Sequence[str]) -> bool:
    """Whether these words of podman's may need a login."""
    return any(word in TALKATIVE for word in words if not word.startswith("-"))


def collected(
    environment: Mapping[str, str], host: str, run: Runner, warn: Callable[[str, str], None]
) -> str:
    """The logins as a document of docker's config.json; empty where there are none.

    `host` is what this computer is called in the machine: its own registries are known there by
    that name too. What cannot be read, and a helper that fails, is a warning.
    """
    auths: dict[str, Any] = {}
    for path in places(environment):
        try:
            document = object_of(path)
            found = [*_written(document), *_kept(document, run)]
        except B2PError as error:
            warn(f"logins of {str(path)!r} are left out: {error.message}", error.hint)
            continue
        for registry, login in found:
            auths.setdefault(registry, login)
    for registry, login in list(auths.items()):
        name, colon, port = registry.partition(":")
        if name in _HERE and colon:
            auths.setdefault(f"{host}:{port}", login)
    text = json.dumps({"auths": auths}, separators=(",", ":")) if auths else ""
    if len(text.encode()) > LONGEST:
        warn("there are too many registry logins to hand on", "log in inside: b2p podman login")
        return ""
    return text


def places(environment: Mapping[str, str]) -> list[Path]:
    """Where logins may lie, the first that has one for a registry wins."""
    home = Path(environment.get("HOME", "/"))
    if chosen := environment.get("REGISTRY_AUTH_FILE"):
        return [Path(chosen)]
    found = []
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        found.append(Path(runtime, "containers/auth.json"))
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return [*found, config / "containers/auth.json", docker.place(environment) / "config.json"]


def _written(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Those that the file itself holds."""
    auths = document.get("auths", {})
    if not isinstance(auths, dict):
        raise StateError("'auths' is no table", "see to it")
    for registry, login in auths.items():
        if isinstance(login, dict) and (login.get("auth") or login.get("identitytoken")):
            known = {key: login[key] for key in ("auth", "identitytoken") if login.get(key)}
            yield registry, known


def _kept(document: Mapping[str, Any], run: Runner) -> Iterator[tuple[str, dict[str, str]]]:
    """Those that the file says a helper keeps, such as the system's key chain."""
    helpers = document.get("credHelpers") or {}
    if not isinstance(helpers, dict):
        raise StateError("'credHelpers' is no table", "see to it")
    for registry, helper in helpers.items():
        if login := _asked(str(helper), str(registry), run):
            yield registry, login
    if store := document.get("credsStore"):
        listed = _object(run([_program(str(store)), "list"], timeout=HELPER_SECONDS).stdout)
        for registry in listed:
            if registry not in helpers and (login := _asked(str(store), registry, run)):
                yield registry, login


def _asked(helper: str, registry: str, run: Runner) -> dict[str, str]:
    command = [_program(helper), "get"]
    answer = _object(run(command, timeout=HELPER_SECONDS, input=registry.encode()).stdout)
    user, secret = answer.get("Username"), answer.get("Secret")
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        return {}
    if user == _TOKEN:
        return {"identitytoken": secret}
    return {"auth": base64.b64encode(f"{user}:{secret}".encode()).decode()}


def _program(helper: str) -> str:
    return f"docker-credential-{helper}"


def _object(said: bytes) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise StateError("a credential helper said nothing that makes sense", "see to it")
    return found
