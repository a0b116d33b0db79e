"""``python -m resight`` is the same program as ``resight``."""

import os
import signal


def main() -> None:
    """Entry point of both; Ctrl-C is no error, not even while the program is being loaded."""
    # Raised while modules load, KeyboardInterrupt is a traceback, or lost where a library
    # swallows it. Nothing has begun yet that an immediate end could harm.
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from resight.cli import main as run

    if usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
