"""b2p: a container engine on a laptop with nothing running but QEMU."""

__version__ = "0.1.0"
