"""Write what the wheel brings beside the package: the man page, and completion for bash and zsh.

python tools/share.py            write it
python tools/share.py --check    fail where it is not up to date
"""

import os
import sys
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from vmodem.arguments import Parser
from vmodem.cli import make_parser
from vmodem.files import write

ROOT = Path(__file__).parent.parent
SHARE = ROOT / "share"
OLDEST = (3, 11)
"""The Python whose argparse lays out the man page; others break its lines elsewhere."""


def page(parser: Parser) -> str:
    """Return the man page, without the day on which it was made."""
    parser.man_short_description = "a software modem"  # type: ignore[attr-defined]
    heading, *lines = str(Manpage(parser)).splitlines()
    assert heading.startswith(".TH ")
    return "\n".join(('.TH VMODEM "1" "" "vmodem" "User Commands"', *(line.rstrip() for line in lines))) + "\n"


def main() -> int:
    """Write the files, or check them."""
    os.environ["COLUMNS"] = "80"
    parser = make_parser().filled()
    made = {f"vmodem.{shell}": shtab.complete(parser, shell) for shell in ("bash", "zsh")}
    if sys.version_info[:2] == OLDEST:
        made["vmodem.1"] = page(parser)
    if "--check" not in sys.argv[1:]:
        SHARE.mkdir(exist_ok=True)
        for name, text in made.items():
            write(SHARE / name, text.encode())
        return 0
    for name, text in made.items():
        path = SHARE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.relative_to(ROOT)} is not up to date: run 'make reference'", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
