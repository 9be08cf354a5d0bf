"""Addresses of the user-mode network. Firmware is built from these constants."""

GUEST = "10.0.2.15"
GATEWAY = "10.0.2.2"
HOST_NAMES = ("host.containers.internal", "host.docker.internal")
"""What the host is called in the guest and in containers."""
NAMESERVER = "10.0.2.3"
PREFIX_BITS = 24
NETWORK = "10.0.2.0/24"

SSH = 22
PODMAN = 2375
PODMAN_CORE = 2376
VARLINK = 2377
DOCKER = 2379
OWN = frozenset({SSH, PODMAN, PODMAN_CORE, VARLINK, DOCKER})
"""Ports of the guest that are b2p's: no container is published there."""

CALLS_ADDRESS = "10.0.2.100"
CALLS = 2378
"""Where the guest asks for what has to happen on the host: each connection starts `b2p.calls`."""

CONTROL_PORT_NAME = "b2p.control"
ROOT_DISK_SERIAL = "b2p-root"
DATA_DISK_SERIAL = "b2p-data"
SHARE_TAG = "b2p-mount-"

PEERS = 8
"""Machines that a network of machines has room for: as many links each, one of them unused."""
PEER_ADDRESS = "10.178.178."
"""With a machine's number in the network (from 1 on): its address there."""
PEER_MAC = "52:54:00:b2:b1:0"
"""With the number of the machine at the other end: the MAC of a link."""
PEER_DOMAIN = "b2p.internal"
"""Each machine of a network is called NAME and NAME.b2p.internal."""
NAMES = 10053
"""UDP port of the guest where those names are answered; nobody has to know it."""
NAMES_USER = "b2p-names"
"""Who answers there."""

SYSTEM_FILE = "system.squashfs"
"""In the initrds of an exported image: the system itself, which then runs from memory."""
STANDALONE = "b2p.standalone"
"""The kernel's word for a machine that no b2p booted: unknown hardware and network."""
FORMAT_ME = "boot2podman, please format-me"
"""What an empty data disk begins with that is to be taken; the ancestor's own words."""
