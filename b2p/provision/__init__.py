"""What a guest is told before it is reached, as bytes of the form that its family reads. Pure."""
