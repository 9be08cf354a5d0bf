"""What the host's network asks of programs in here: proxies, registries, good certificates."""

import json
import os

import addresses
import kinds

ENGINE = "/etc/containers/containers.conf.d/b2p-proxies.conf"
"""Podman takes the variables, and hands them on to containers."""
SSH = "/run/b2p/sshd.conf"
"""sshd's own file includes it: for whatever is run through ssh."""
SHELL = "/etc/profile.d/b2p-proxies.sh"
"""For a login on the console."""

PROXIES = {"http-proxy": "http_proxy", "https-proxy": "https_proxy", "no-proxy": "no_proxy"}
"""docker's words in daemon.json, and the variables that they stand for."""

REGISTRIES = "/etc/containers/registries.conf.d/z-host.conf"
"""After the image's own in the alphabet, so it wins. An engine reads it once."""
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
KEPT = "/run/b2p/ca-certificates.crt"
"""The bundle as the image has it."""


def apply(request: dict) -> bool:
    """Take what the request holds; whether programs that run already have to begin again."""
    changed = False
    if "proxies" in request:
        changed = _take_proxies(request["proxies"])
    if "certificates" in request:
        changed = _take_certificates(request["certificates"]) or changed
    if "registries" in request and not kinds.HERE.settings:
        changed = _put(REGISTRIES, request["registries"]) or changed
    if kinds.HERE.settings:
        changed = _take_settings(request) or changed
    return changed


def daemon_settings() -> str:
    """docker's daemon.json, with what holds for every machine; it is there afterwards."""
    _take_settings({})
    return _read(kinds.HERE.settings)


def _take_settings(request: dict) -> bool:
    """docker's registries and proxies, all in one file."""
    told = json.loads(_read(kinds.HERE.settings) or "{}")
    before = dict(told)
    # What --add-host=...:host-gateway means: the computer that people sit at.
    told["host-gateway-ip"] = addresses.GATEWAY
    if "registries" in request:
        told = _without(told, "registry-mirrors", "insecure-registries")
        told |= json.loads(request["registries"] or "{}")
    if "proxies" in request:
        proxies = request["proxies"]
        words = {key: proxies[name] for key, name in PROXIES.items() if name in proxies}
        told = {**told, "proxies": words} if words else _without(told, "proxies")
    if told != before:
        _put(kinds.HERE.settings, json.dumps(told, indent=1, sort_keys=True) + "\n")
    return told != before


def _without(told: dict, *keys: str) -> dict:
    return {key: value for key, value in told.items() if key not in keys}


def _take_proxies(proxies: dict) -> bool:
    pairs = [f"{name}={value}" for name, value in sorted(proxies.items())]
    texts = {
        SSH: "SetEnv " + " ".join(f'"{pair}"' for pair in pairs) + "\n",
        SHELL: "".join(f"export {_quoted(pair)}\n" for pair in pairs),
    }
    if not kinds.HERE.settings:
        # The first for podman itself, the second for containers that its API makes.
        env = f"env = {json.dumps(pairs)}\n"
        texts[ENGINE] = f"[engine]\n{env}[containers]\n{env}"
    changed = [_put(path, text if pairs else "") for path, text in texts.items()]
    return any(changed)


def _quoted(word: str) -> str:
    """The word, for a shell."""
    return "'" + word.replace("'", "'\\''") + "'"


def _take_certificates(more: str) -> bool:
    if not os.path.exists(KEPT):
        if not more:
            return False
        _put(KEPT, _read(BUNDLE))
    return _put(BUNDLE, _read(KEPT) + more)


def _put(path: str, text: str) -> bool:
    """Have a file hold that, or be gone for nothing; whether it was not so before."""
    if _read(path) == text:
        return False
    if not text:
        os.unlink(path)
        return True
    os.makedirs(os.path.dirname(path), exist_ok=True)
    aside = f"{path}.new"
    with open(aside, "w") as file:
        file.write(text)
    os.replace(aside, path)
    return True


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""
