"""docker's API as its newest clients want it, before podman's."""
