"""The methods of io.podman, a module for each group, a function for each method."""
