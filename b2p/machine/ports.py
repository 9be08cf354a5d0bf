"""Addresses of the user-mode network. Firmware is built from these constants."""

GUEST = "10.0.2.15"
GATEWAY = "10.0.2.2"
NAMESERVER = "10.0.2.3"
PREFIX_BITS = 24

SSH = 22
PODMAN = 2375
PODMAN_CORE = 2376
VARLINK = 2377

CONTROL_PORT_NAME = "b2p.control"
ROOT_DISK_SERIAL = "b2p-root"
DATA_DISK_SERIAL = "b2p-data"
