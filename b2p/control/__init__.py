"""Talking to a machine that runs: QEMU's monitor, the serial console, the agent in the guest."""
