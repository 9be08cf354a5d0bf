"""`python3 -I -S /usr/lib/b2p/varlink_gateway`: Python puts this folder on the path, not its parent."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from varlink_gateway.service import main  # noqa: E402  (the path comes first)

sys.exit(main(sys.argv[1:]))
