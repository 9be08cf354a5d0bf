"""Pure functions between the JSON of podman's REST API and the types of io.podman."""
