"""mypy, and the share of expressions whose type it knows: ``Any`` is let through by --strict, and must not spread.

    python tools/typed.py

What mypy says is printed. The status is mypy's, or 1 where the share has fallen below `LEAST`.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mypy import api

LEAST = 98.3
"""The least share in percent. Raise it when the share has risen."""


def main() -> int:
    """Run mypy and look at its report; return the exit status."""
    with TemporaryDirectory() as folder:
        said, wrong, status = api.run(["--any-exprs-report", folder])
        print(re.sub(r"Generated .*\n", "", said), wrong, sep="", end="")
        if status:
            return status
        report = (Path(folder) / "any-exprs.txt").read_text()
    rows = [line.split() for line in report.splitlines()]
    share = next(float(row[3].rstrip("%")) for row in rows if row[:1] == ["Total"])
    print(f"{share} % of all expressions have a type, at least {LEAST} % have to")
    if share >= LEAST:
        return 0
    worst = sorted((row for row in rows if row[:1] != ["Total"] and row[-1][-1:] == "%"), key=lambda row: -int(row[1]))
    print("most have none in", ", ".join(f"{name} ({count})" for name, count, *_ in worst[:5]))
    return 1


if __name__ == "__main__":
    sys.exit(main())
