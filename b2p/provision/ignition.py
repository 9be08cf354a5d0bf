"""Ignition's configuration, of specification 3 and of 2, small since guests read it slowly. Pure.

fw_cfg hands out bytes one port access at a time, and the kernel starts again for every page: the
time grows with the square of the size.
"""

from __future__ import annotations

import base64
import hashlib
import json
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

from b2p import sizes
from b2p.errors import UsageError
from b2p.provision import contents

if TYPE_CHECKING:
    from b2p.families.model import Family, Ignition
    from b2p.provision.told import Told

LARGEST = 256 * sizes.KIB
"""Bytes of a configuration: more would take minutes to read."""


def config(
    family: Family, recipe: Ignition, told: Told, *, user: bytes = b"", verified: bool = False
) -> bytes:
    """The document for `recipe.fw_cfg`.

    `user` is the user's own configuration, merged by Ignition itself over b2p's; with `verified`
    its hash is in the document too.
    """
    version = _version_for(user, recipe) if user else recipe.versions[0]
    document: dict[str, Any] = {"ignition": {"version": version}}
    if user:
        document["ignition"]["config"] = _merge(user, version, verified=verified)
    document["passwd"] = {
        "users": [{"name": family.user.name, "sshAuthorizedKeys": list(told.keys)}]
    }
    document["storage"] = {"files": _files(family, recipe, told, version)}
    document["systemd"] = {"units": _units(family)}
    data = json.dumps(document, separators=(",", ":")).encode()
    if len(data) > LARGEST:
        raise UsageError(
            f"the Ignition configuration has {len(data)} bytes, more than a guest reads in time",
            f"keep it below {LARGEST}: let it fetch its large files by their addresses",
        )
    return data


def data_url(data: bytes) -> str:
    """The shorter of the two forms."""
    quoted = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)
    packed = f"data:;base64,{base64.b64encode(data).decode()}"
    return min(f"data:,{quoted}", packed, key=len)


_PLAIN = frozenset(f"!$&'()*+,-./:;=?@_~{ascii_letters}{digits}".encode())
"""What an address may hold as it is."""


def _is_old(version: str) -> bool:
    return version.startswith("2.")


def _version_for(user: bytes, recipe: Ignition) -> str:
    """The lowest version that can merge the user's.

    A stranger's is refused here: the guest would do it on a console that nobody reads.
    """
    try:
        version = json.loads(user)["ignition"]["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(
            "the Ignition configuration is not JSON with an ignition.version",
            "a Butane file (YAML) becomes one by: butane FILE.bu",
        ) from None
    if version not in recipe.versions:
        raise UsageError(
            f"the Ignition configuration is of version {str(version)[:20]!r}",
            f"this family takes {', '.join(recipe.versions)}",
        )
    return next(known for known in recipe.versions if _is_old(known) == _is_old(version))


def _merge(user: bytes, version: str, *, verified: bool) -> dict[str, Any]:
    reference: dict[str, Any] = {"source": data_url(user)}
    if verified:
        reference["verification"] = {"hash": f"sha512-{hashlib.sha512(user).hexdigest()}"}
    return {"append" if _is_old(version) else "merge": [reference]}


def _files(family: Family, recipe: Ignition, told: Told, version: str) -> list[dict[str, Any]]:
    wanted = contents.files(family, told)
    wanted += [contents.GuestFile(path, text) for path, text in recipe.files]
    place = {"filesystem": "root"} if _is_old(version) else {"overwrite": True}
    return [
        place
        | {"path": file.path, "mode": file.mode}
        | {"contents": {"source": data_url(file.text.encode())}}
        for file in wanted
    ]


def _units(family: Family) -> list[dict[str, Any]]:
    """Only what is enabled is said to be; the forwarders bring their text, engines have theirs."""
    texts = {unit.name: unit.text for unit in contents.units(family)}
    names = contents.enabled(family)
    return [
        {"name": name}
        | ({"enabled": True} if name in names else {})
        | ({"contents": texts[name]} if name in texts else {})
        for name in dict.fromkeys([*names, *texts])
    ]
