"""What cloud-init reads from a volume labelled cidata. Pure.

All texts are JSON, which is YAML; b2p needs no writer of YAML that way.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

from b2p.machine import ports
from b2p.provision import contents
from b2p.provision.multipart import joined, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from b2p.families.model import Family, NoCloud
    from b2p.provision.told import Told

LABEL = "cidata"
_HEADER = "#cloud-config\n"

# b2p's part comes last and gives way: lists grow at their ends, what the user said stays.
_MERGE_HOW = [
    {"name": "list", "settings": ["append"]},
    {"name": "dict", "settings": ["no_replace", "recurse_list"]},
    {"name": "str", "settings": []},
]


def seed(
    family: Family, recipe: NoCloud, told: Told, *, user_data: bytes = b""
) -> dict[str, bytes]:
    """The volume's files. `user_data` is the user's own, of any kind that cloud-init takes."""
    own = cloud_config(family, recipe, told)
    if user_data:
        kind_of(user_data)  # refuses what cloud-init would drop in silence
        text = joined(user_data, yaml(own | {"merge_how": _MERGE_HOW}, _HEADER).encode())
    else:
        text = yaml(own, _HEADER).encode()
    files = {
        "meta-data": yaml(meta_data(told)).encode(),
        "user-data": text,
        "vendor-data": yaml({}, _HEADER).encode(),
    }
    if recipe.network_config:
        files["network-config"] = yaml(network_config()).encode()
    return files


def cloud_config(family: Family, recipe: NoCloud, told: Told) -> dict[str, Any]:
    """b2p's own part of the user-data."""
    config: dict[str, Any] = {
        "hostname": told.name,
        "preserve_hostname": False,
        # Without it sudo asks the name server who the guest is, and waits.
        "manage_etc_hosts": "localhost",
    }
    # Said even where it goes without saying: a list of the user's own would drop that user.
    config["users"] = ["default"]
    if recipe.default_user:
        config["ssh_authorized_keys"] = list(told.keys)
    else:
        config["users"].append(_user(family, told))
    if any(engine.ssh_user == "root" for engine in family.engines):
        config["disable_root"] = False
    if told.host_key:
        config["ssh_deletekeys"] = True
        config["ssh_keys"] = {
            "ed25519_private": told.host_key,
            "ed25519_public": told.host_key_public,
        }
    config["write_files"] = [
        {"path": path, "content": text, "permissions": f"0{mode:o}"}
        for path, text, mode in _files(family, told)
    ]
    config |= _packages(recipe, told)
    config["runcmd"] = _commands(family, told)
    return {key: value for key, value in config.items() if value != []}


def meta_data(told: Told) -> dict[str, Any]:
    """Who the guest is; another instance-id makes cloud-init do its work again."""
    return {"instance-id": told.instance, "local-hostname": told.name}


def network_config() -> dict[str, Any]:
    """The static addresses of QEMU's user network, whatever the interface is called."""
    ethernet = {
        "match": {"name": "e*"},
        "dhcp4": False,
        "addresses": [f"{ports.GUEST}/{ports.PREFIX_BITS}"],
        "gateway4": ports.GATEWAY,
        "nameservers": {"addresses": [ports.NAMESERVER]},
    }
    return {"version": 2, "ethernets": {"b2p": ethernet}}


def yaml(value: Mapping[str, Any], header: str = "") -> str:
    """YAML in plain ASCII: cloud-init passes a text through MIME, which spoils all the rest."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return f"{header}{_NOT_PLAIN.sub(_escaped, text)}\n"


_NOT_PLAIN = re.compile("[^\\n\\x20-\\x7e]")


def _escaped(match: re.Match[str]) -> str:
    # One escape a character, where JSON would write two for those beyond 16 bits.
    return f"\\U{ord(match[0]):08x}"


def iso(files: Mapping[str, bytes]) -> bytes:
    """An ISO 9660 volume labelled cidata, with names in Joliet and Rock Ridge."""
    from pycdlib import PyCdlib

    volume = PyCdlib()
    volume.new(interchange_level=3, vol_ident=LABEL, joliet=3, rock_ridge="1.09")
    for number, (name, data) in enumerate(sorted(files.items())):
        volume.add_fp(
            io.BytesIO(data),
            len(data),
            f"/FILE{number}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    out = io.BytesIO()
    volume.write_fp(out)
    volume.close()
    return out.getvalue()


def _user(family: Family, told: Told) -> dict[str, Any]:
    user: dict[str, Any] = {
        "name": family.user.name,
        "lock_passwd": True,
        "shell": "/bin/sh",
        "ssh_authorized_keys": list(told.keys),
    }
    return user | ({"sudo": "ALL=(ALL) NOPASSWD:ALL"} if family.user.sudo else {})


def _files(family: Family, told: Told) -> list[tuple[str, str, int]]:
    # The name and the host keys have words of their own in a cloud-config.
    own = contents.files(family, told, host_keys=False)
    found = [(f.path, f.text, f.mode) for f in own if f.path != family.places.hostname]
    units = contents.units(family)
    return found + [(f"{family.places.units}/{unit.name}", unit.text, 0o644) for unit in units]


def _packages(recipe: NoCloud, told: Told) -> dict[str, Any]:
    if not recipe.packages:
        return {}
    found: dict[str, Any] = {"packages": list(recipe.packages)}
    if recipe.package_update:
        found["package_update"] = True
    proxies = {"http_proxy": "HTTP_PROXY", "https_proxy": "HTTPS_PROXY"}
    if wanted := {key: told.proxy[name] for key, name in proxies.items() if name in told.proxy}:
        found["apt"] = wanted
    return found


def _commands(family: Family, told: Told) -> list[list[str]]:
    """What is left once files and packages are there."""
    enabled = contents.enabled(family)
    if not enabled:
        return []
    # Only another start of systemd itself reads the environment that services inherit.
    reload = "daemon-reexec" if told.proxy and family.places.proxy else "daemon-reload"
    # A command each, so that a unit that an image lacks does not keep the others from starting.
    return [["systemctl", reload], *(["systemctl", "enable", "--now", unit] for unit in enabled)]
