"""This computer: its processes, its size, its QEMU and what that QEMU can do."""
