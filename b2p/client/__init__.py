"""What talks to the engine in a machine, and what a person's shell must be told for it."""
