"""`python3 -I -S FOLDER`: Python puts this folder on the path, where its parent is needed."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from docker_filter.passing import main  # noqa: E402  (the path comes first)

main()
