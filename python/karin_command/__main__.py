"""``python -m karin_command`` is the command ``karin``."""

import sys

from karin_command import main

sys.exit(main())
