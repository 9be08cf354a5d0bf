"""python -m b2p."""

from b2p.cli.main import main

main()
