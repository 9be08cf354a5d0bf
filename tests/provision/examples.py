"""Somebody to be told of, for the tests of all provisioners."""

from __future__ import annotations

from b2p.machine.registries import Registries
from b2p.provision.told import Told

KEY = f'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{"k" * 43} jürgen@läptop 🙂 it\'s "me"'
HOST_KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + "".join(f"{'abcDEF+/' * 8}{'012345'}\n" for _ in range(5))
    + "-----END OPENSSH PRIVATE KEY-----\n"
)
HOST_KEY_PUBLIC = f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'h' * 43} host\n"

TOLD = Told(
    name="work",
    instance="5d2b1c4e-0000-4000-8000-000000000001",
    keys=(KEY,),
    host_key=HOST_KEY,
    host_key_public=HOST_KEY_PUBLIC,
    proxy={"HTTP_PROXY": "http://u:p%40ss@proxy.example:3128", "NO_PROXY": "localhost,.example"},
    registries=Registries(mirrors=("docker.io=10.0.2.2:5000",), insecure=("10.0.2.2:5000",)),
)

PLAIN = Told(name="work", instance="one", keys=(KEY,))
