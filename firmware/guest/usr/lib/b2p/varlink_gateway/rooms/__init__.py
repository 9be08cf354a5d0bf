"""The methods of io.podman, a module for each group; a method's name in snake case is its function."""
