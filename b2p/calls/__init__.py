"""Host calls: what QEMU starts, for a moment, when the guest asks for something on the host."""
