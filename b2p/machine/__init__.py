"""What QEMU is asked to be. Pure: no process, socket, clock, environment or file in here."""
