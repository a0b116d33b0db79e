"""``python -m resight`` is the same program as ``resight``."""

from resight.cli import main

main()
