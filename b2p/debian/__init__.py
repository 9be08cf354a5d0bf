"""Debian's packages as a source: signed lists, closures, verified files; no apt, no dpkg."""
