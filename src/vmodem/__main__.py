"""Run the command line with ``python -m vmodem``."""

from vmodem.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
