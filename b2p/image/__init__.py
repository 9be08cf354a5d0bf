"""The default image, "boot2podman on Debian 13": unpacked, finished in its own VM, cached."""
