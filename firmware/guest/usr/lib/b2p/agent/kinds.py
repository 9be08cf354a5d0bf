"""The engine of this image, and all in which engines differ for the agent. Data only."""

import addresses


class Kind:
    """One engine."""

    def __init__(
        self,
        *,
        storage: "tuple[str, ...]",
        freezes: bool,
        watcher: str,
        stop: str,
        core_stop: str = "",
        services: "tuple[str, ...]",
        rehearsal: "tuple[tuple[str, ...], ...]",
        restarts: "tuple[tuple[str, str], ...]" = (),
        quadlets: str = "",
        nat: "tuple[int, bytes, bytes]",
        settings: str = "",
    ) -> None:
        self.storage = storage
        """What lasts of it; the first needs a filesystem of its own."""
        self.freezes = freezes
        """Whether its service may stand still while nobody asks: its containers do without it."""
        self.watcher = watcher
        """The process that watches a container, one each, as the kernel calls it."""
        self.stop = stop
        """A command of the shell that stops root's containers, so that it knows how they ended."""
        self.core_stop = core_stop
        """Likewise those of core, where core has an engine."""
        self.services = services
        """What reads proxies and certificates when it begins."""
        self.rehearsal = rehearsal
        """Commands that have in memory what its start reads."""
        self.restarts = restarts
        """Where a list of containers lies, and the unit that starts those which should restart;
        none where it does that itself."""
        self.quadlets = quadlets
        """Where they lie; empty: it has none."""
        self.nat = nat
        """Where its rules of published ports are: family, table, and what names their chains."""
        self.settings = settings
        """The file that stands in the gate's place once it is open; empty: nothing stands there."""


STAGE = "/run/b2p-rehearsal"

PODMAN = Kind(
    storage=("/var/lib/containers", "/etc/containers/systemd"),
    freezes=True,
    watcher="conmon",
    stop="/usr/bin/podman stop --all --time 10",
    core_stop="/usr/bin/sudo -u core /usr/local/bin/podman stop --all --time 10",
    services=("b2p-engine.service", "podman.service", "b2p-core.service"),
    rehearsal=(
        (
            # Its settings without those that the gate is one of.
            *("/usr/bin/env", "CONTAINERS_CONF=/etc/containers/containers.conf"),
            *("/usr/bin/podman", f"--root={STAGE}/root", f"--runroot={STAGE}/runroot"),
            *(f"--tmpdir={STAGE}/tmpdir", "--cgroup-manager=cgroupfs", "ps", "--quiet"),
        ),
        ("/usr/bin/rm", "-rf", STAGE),
    ),
    restarts=(
        (
            "/var/lib/containers/storage/overlay-containers/containers.json",
            "podman-restart.service",
        ),
        (
            "/home/core/.local/share/containers/storage/overlay-containers/containers.json",
            "b2p-core-restart.service",
        ),
    ),
    quadlets="/etc/containers/systemd",
    # NFPROTO_INET; netavark names each chain after its network.
    nat=(1, b"netavark", b"_dnat\0"),
)

DOCKER = Kind(
    storage=("/var/lib/docker",),
    # Health checks, restarts and logs are its own work.
    freezes=False,
    watcher="containerd-shim",
    # It stops its containers when it ends; nobody may wake it then.
    stop="/usr/bin/systemctl stop b2p-engine.socket b2p-engine.service",
    services=("b2p-engine.service",),
    rehearsal=(
        (
            *("/usr/sbin/modprobe", "-a", "bridge", "br_netfilter", "veth", "nf_nat"),
            *("nft_compat", "xt_nat", "xt_MASQUERADE", "xt_addrtype", "xt_conntrack"),
        ),
        ("/usr/bin/containerd", "--version"),
        ("/usr/sbin/iptables", "--version"),
    ),
    # NFPROTO_IPV4, where iptables has its tables: the chains DOCKER and DOCKER-INGRESS.
    nat=(2, b"nat", b"DOCKER"),
    settings="/run/b2p/daemon.json",
)

HERE = {"docker": DOCKER}.get(addresses.ENGINE, PODMAN)
