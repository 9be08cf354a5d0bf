"""Serves io.podman, podman's varlink interface of 2020, from podman 5's REST API."""
