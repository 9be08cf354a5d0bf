"""A cloud's seed (NoCloud: a volume labelled cidata), as far as a machine of containers needs it.

What of cloud-init's words is understood stands in docs/export.md; all other words are named on the
console and left alone. The system lies in memory: what they ask for is done at each start.
"""

import os
import re

import cloudwords
import disk
import power
import volumes

LABEL = "cidata"
PLACE = "/run/b2p-seed"
SSHD = "/run/b2p/sshd.conf"
KEYS = "/run/b2p/keys"
MS_RDONLY = 1
NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,62})", re.IGNORECASE)
HOST_KEY = "ssh_host_ed25519_key"


class Told:
    """What the seed says, in this machine's terms; all empty where there is none."""

    def __init__(self, *, problems: "list[str] | None" = None) -> None:
        self.problems = problems or []
        self.name = ""
        self.timezone = ""
        self.keys: list[str] = []
        self.root_too = True
        self.host_keys: dict[str, str] = {}
        self.users: list[dict] = []
        self.files: list[dict] = []
        self.commands: list[object] = []
        self.scripts: list[bytes] = []


def read() -> Told:
    """The seed of the first volume of that label; raises OSError, ValueError, UnusableError."""
    for device in volumes.devices():
        if volumes.label(device).lower() == LABEL:
            return understood(*_files(device))
    return Told()


def _files(device: str) -> "tuple[bytes, bytes]":
    """user-data and meta-data."""
    os.makedirs(PLACE, exist_ok=True)
    kind = "vfat" if volumes.begins(device, 512)[510:] == b"\x55\xaa" else "iso9660"
    # The kernel itself loads what it needs for that.
    disk.mount(device, PLACE, kind, MS_RDONLY, "")
    try:
        return _content("user-data"), _content("meta-data")
    finally:
        disk.unmounted(PLACE)


def _content(name: str) -> bytes:
    try:
        with open(f"{PLACE}/{name}", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def understood(user_data: bytes, meta_data: bytes) -> Told:
    """The two files' meaning; raises ValueError where one is no YAML."""
    told = Told()
    config, told.scripts = cloudwords.taken_apart(user_data)
    meta = cloudwords.mapping(meta_data)
    name = str(config.get("hostname") or config.get("fqdn") or meta.get("local-hostname") or "")
    name = name.partition(".")[0]
    if NAME.fullmatch(name):
        told.name = name
    told.timezone = str(config.get("timezone") or "")
    told.keys = [*_strings(config.get("ssh_authorized_keys")), *_strings(meta.get("public-keys"))]
    told.root_too = not config.get("disable_root", False)
    keys = config.get("ssh_keys")
    if isinstance(keys, dict) and keys.get("ed25519_private"):
        told.host_keys = {HOST_KEY: str(keys["ed25519_private"]).rstrip("\n") + "\n"}
    told.users = [user for user in _described(config.get("users")) if user.get("name")]
    told.files = _described(config.get("write_files"))
    commands = config.get("runcmd") or []
    told.commands = commands if isinstance(commands, list) else [commands]
    for word in sorted(config.keys() - cloudwords.KNOWN):
        told.problems.append(f"the seed's {word!r} is not understood here, and left alone")
    return told


def _described(value: object) -> "list[dict]":
    """The mappings in a list; what else stands in it (`default`) goes without saying."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _strings(value: object) -> "list[str]":
    """A list of texts; also where a cloud gives one text, or names them."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return _strings(list(value.values()))
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def admit(told: Told, more: "list[str]") -> None:
    """Let the keys' owners in, each as the user that is his; also as root, which the engine is."""
    os.makedirs(KEYS, mode=0o755, exist_ok=True)
    general = [*more, *told.keys]
    users = {"core": list(general), "root": list(general) if told.root_too else list(more)}
    for user in told.users:
        name, own = str(user["name"]), _strings(user.get("ssh_authorized_keys"))
        try:
            if name not in users:
                cloudwords.make_user(user)
                users[name] = []
            users[name] += own
        except Exception as problem:  # noqa: BLE001 - one that is odd keeps nobody else out
            told.problems.append(f"user {name!r}: {problem}")
    for name, keys in users.items():
        with open(f"{KEYS}/{name}", "w") as file:
            file.write("".join(f"{key}\n" for key in keys))
        os.chmod(f"{KEYS}/{name}", 0o644)
    with open(SSHD, "w") as file:
        file.write(f"AuthorizedKeysFile {KEYS}/%u\n")
    for one in told.files:
        try:
            cloudwords.write_file(one)
        except Exception as problem:  # noqa: BLE001 - as with users
            told.problems.append(f"the seed's file {one.get('path')!r}: {problem}")


def act(told: Told) -> "list[str]":
    """Run its commands and scripts, in order; what went wrong, in words."""
    problems = []
    for number, script in enumerate(told.scripts):
        path = f"/run/b2p/user-script-{number}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700)
        os.write(file, script)
        os.close(file)
        problems += _ran([path])
    for command in told.commands:
        words = [str(word) for word in command] if isinstance(command, list) else None
        problems += _ran(words or ["/bin/sh", "-c", str(command)])
    return problems


def _ran(words: "list[str]") -> "list[str]":
    try:
        power.run("/usr/bin/env", *words)
    except OSError as problem:
        return [f"the seed's command {' '.join(words)[:60]!r}: {problem}"]
    return []
