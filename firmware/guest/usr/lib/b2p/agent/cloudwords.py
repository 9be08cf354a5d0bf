"""The words of a cloud-config: read (JSON, else YAML), merged, and those done that name things."""

import base64
import json
import os
import pwd
import re

import power

PACKAGES = "/usr/lib/python3/dist-packages"
KNOWN = frozenset({
    "hostname", "fqdn", "timezone", "ssh_authorized_keys", "disable_root", "ssh_keys", "users",
    "write_files", "runcmd",
    # Said by many, and so without a word: they hold already, or change nothing in here.
    "ssh_deletekeys", "preserve_hostname", "manage_etc_hosts", "ssh_pwauth", "merge_how",
    "package_update", "package_upgrade", "disable_ec2_metadata", "prefer_fqdn_over_hostname",
})  # fmt: skip
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
HEADER = b"#cloud-config"
ENCODINGS = frozenset({"", "text/plain"})
ENCODED = frozenset({"b64", "base64"})


def taken_apart(data: bytes) -> "tuple[dict, list[bytes]]":
    """All cloud-configs of a user-data as one, and its scripts; ValueError for other kinds."""
    config: dict = {}
    scripts = []
    for part in _parts(data):
        if part.startswith(b"#!"):
            scripts.append(part)
        elif part.startswith(HEADER):
            merge(config, mapping(part))
        elif part.strip():
            raise ValueError(f"its user-data begins with {part[:30]!r}, which is not understood")
    return config, scripts


def _parts(data: bytes) -> "list[bytes]":
    if not data[:64].lower().startswith((b"content-type: multipart/", b"mime-version:")):
        return [data]
    import email

    return [
        part.get_payload(decode=True)
        for part in email.message_from_bytes(data).walk()
        if not part.is_multipart()
    ]


def mapping(data: bytes) -> dict:
    """A YAML mapping; ValueError for all else. What is JSON, as b2p's own is, needs no library."""
    text = data.decode("utf-8")
    body = text.partition("\n")[2] if text.startswith("#cloud-config") else text
    try:
        value = json.loads(body) if body.strip() else {}
    except ValueError:
        value = _yaml(text)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("it is not YAML of keys and values")  # noqa: TRY004 - it is what it says
    return value


def _yaml(text: str) -> object:
    import sys

    # The agent runs without the packages of Debian's.
    if PACKAGES not in sys.path:
        sys.path.append(PACKAGES)
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as problem:
        raise ValueError(" ".join(str(problem).split())) from None


def merge(into: dict, other: dict) -> None:
    """Lists grow at their ends, what was said stays: as the host's own part asks for."""
    for key, value in other.items():
        known = into.get(key)
        if isinstance(known, list) and isinstance(value, list):
            known += value
        elif isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        else:
            into.setdefault(key, value)


def make_user(user: dict) -> None:
    """A user beside core and root; raises OSError, ValueError."""
    name = str(user["name"])
    if not USER.fullmatch(name):
        raise ValueError("that is no name of a user")
    try:
        pwd.getpwnam(name)
    except KeyError:
        _add(name, user)
    lines = user.get("sudo") or []
    lines = [lines] if isinstance(lines, str) else [line for line in lines if isinstance(line, str)]
    if any("\n" in line for line in lines):
        raise ValueError("its sudo is more than a line")
    if lines:
        text = "".join(f"{name} {line}\n" for line in lines)
        _write(f"/etc/sudoers.d/90-{name}", text.encode(), 0o440)


def _add(name: str, user: dict) -> None:
    options = ["--create-home", "--password", "*", "--shell", str(user.get("shell") or "/bin/bash")]
    if user.get("uid"):
        options += ["--uid", str(int(user["uid"]))]
    groups = user.get("groups") or []
    groups = groups.split(",") if isinstance(groups, str) else groups
    if groups:
        options += ["--groups", ",".join(str(group).strip() for group in groups)]
    power.run("/usr/sbin/useradd", *options, name)


def write_file(wanted: dict) -> None:
    """A file as it is described; raises OSError, ValueError, LookupError."""
    path, text = str(wanted["path"]), str(wanted.get("content") or "")
    kind = str(wanted.get("encoding") or "")
    if not path.startswith("/"):
        raise ValueError("its path does not begin at the root")
    if kind in ENCODED:
        content = base64.b64decode(text)
    elif kind in ENCODINGS:
        content = text.encode()
    else:
        raise ValueError(f"its encoding {kind!r} is not understood")
    if wanted.get("append"):
        try:
            with open(path, "rb") as file:
                content = file.read() + content
        except FileNotFoundError:
            pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    _write(path, content, int(str(wanted.get("permissions") or "0644"), 8))
    owner, _, group = str(wanted.get("owner") or "root:root").partition(":")
    if owner != "root":
        power.run("/usr/bin/chown", f"{owner}:{group}" if group else owner, path)


def _write(path: str, content: bytes, mode: int) -> None:
    file = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.fchmod(file, mode)
    with os.fdopen(file, "wb") as target:
        target.write(content)
    os.replace(f"{path}.new", path)
