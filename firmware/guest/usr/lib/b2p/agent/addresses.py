"""What the host and the guest agreed on; b2p fills in the words in @…@ when it builds the image."""

CONTROL_PORT_NAME = "@CONTROL_PORT_NAME@"
DATA_DISK_SERIAL = "@DATA_DISK_SERIAL@"
ENGINE_PORT = "@PODMAN@"
GATEWAY = "@GATEWAY@"
