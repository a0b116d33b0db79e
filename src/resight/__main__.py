"""``python -m resight`` is the same program as ``resight``."""


def main() -> None:
    """Entry point of both; Ctrl-C is no error, not even while the program is being loaded."""
    try:
        from resight.cli import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
