"""Readers and writers of file formats: bytes in, bytes out."""
