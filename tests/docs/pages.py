"""The pages of docs/, and what their blocks of code come to when they are run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def blocks(page, language):
    """Return the fenced blocks of a page in one language, as they stand there."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)


def files(page):
    """Return what the blocks of a page are to be called, and what they hold: those that begin with ``# NAME``."""
    text = (DOCS / page).read_text()
    return dict(re.findall(r"^```\w+\n# ([\w./-]+\.\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def write(folder, page):
    """Write the files of a page into a folder; return their names."""
    found = files(page)
    for name, text in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return list(found)


def sources(folder):
    """Return a copy of our own sources, to be changed."""
    return shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))


def run(folder, *words, path=None, text=None, status=0):
    """Run ``python -m WORDS`` in a folder and return what it prints; modules are looked for in ``path``, or there."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(path or folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        input=text,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def run_pytest(folder):
    """Run the tests in a folder; return the line that pytest ends with."""
    return run(folder, "pytest", "-q", "-p", "no:cacheprovider").splitlines()[-1]


def strict(folder, *names):
    """Have mypy look at files of a folder as strictly as at our own."""
    run(folder, "mypy", "--strict", "--cache-dir", ROOT / ".mypy_cache", *names)


def conversations(page, first=""):
    """Return the blocks of a page with four spaces in front whose first line begins with ``first``."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", (DOCS / page).read_text(), re.MULTILINE)
    stripped = ("\n".join(line[4:] for line in one.strip("\n").split("\n")) + "\n" for one in found)
    return [one for one in stripped if one.startswith(first)]


def consoles(page):
    """Return every ``$ command`` in the blocks of a page that show a terminal, and what it prints."""
    return [
        tuple(re.fullmatch(r"(.*?)\n(.*)", one, re.DOTALL).groups())
        for block in blocks(page, "console")
        for one in re.split(r"^\$ ", block, flags=re.MULTILINE)
        if one
    ]
