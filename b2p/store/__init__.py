"""What lies on the disk of the host: where, in which form, under which lock."""
