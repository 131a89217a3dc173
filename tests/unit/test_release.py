"""What a release is made of agrees: version, changelog, index of decisions, jobs of continuous integration."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import vmodem

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "docs/decisions").glob("0*.md"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
JOBS = (".github/workflows/ci.yml", ".gitlab-ci.yml")


def test_the_newest_heading_of_the_changelog_is_the_version():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0].split(",")[0] == vmodem.__version__
    for heading in headings:
        assert re.fullmatch(r"\d+\.\d+\.\d+, (\d{4}-\d\d-\d\d|not yet released)", heading)
    assert not [heading for heading in headings[1:] if heading.endswith("not yet released")]


def test_every_change_has_a_place():
    release, kind = "", ""
    for line in (ROOT / "CHANGELOG.md").read_text().splitlines():
        if line.startswith("## "):
            release, kind = line, ""
        elif line.startswith("### "):
            kind = line
            assert kind.removeprefix("### ") in {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
        elif line.startswith("- "):
            assert release, line
            assert kind, line


def status(record):
    """Return what became of a decision."""
    found = re.search(r"superseded.*?\b(\d{4})\b", record.read_text().split("\n## ")[0], re.IGNORECASE)
    if not found:
        return "accepted"
    return f"{'superseded' if found[0][0] == 'S' else 'superseded in part'} by {found[1]}"


def test_the_index_lists_every_decision():
    rows = re.findall(
        r"^\| \[(\d{4})\]\((.*)\) \| (.*) \| (.*) \|$", (ROOT / "docs/decisions/README.md").read_text(), re.M
    )
    titles = (record.read_text().splitlines()[0].removeprefix("# ").split(": ", 1) for record in RECORDS)
    assert rows == [
        (number, record.name, title, status(record)) for record, (number, title) in zip(RECORDS, titles, strict=True)
    ]


@pytest.mark.parametrize("job", JOBS)
def test_what_a_job_calls_is_there(job):
    text = (ROOT / job).read_text()
    made = re.findall(r"\bmake ([a-z-]+)", text)
    assert made
    assert set(made) <= TARGETS
    run = re.findall(r"(?<![\w.])(\.ci/\w+|tools/[\w-]+)", text)
    assert ".ci/run" in run
    for path in run:
        assert (ROOT / path).stat().st_mode & 0o100, path


def offered(*words):
    """Return what bash offers for the last of ``words``."""
    script = (
        f'source {ROOT}/share/vmodem.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '$(complete -p vmodem | sed "s/.* -F \\([^ ]*\\) .*/\\1/"); printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True
    ).stdout.split()


def test_bash_completes_commands_and_options():
    assert offered("vmodem", "pl") == ["play"]
    assert offered("vmodem", "serve", "--fol") == ["--follow"]
    assert offered("vmodem", "serve", "--follow", "f") == ["firmware"]


def test_the_wheel_brings_the_man_page_and_completion():
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "shared-data"
    ]
    assert data == {
        "share/vmodem.1": "share/man/man1/vmodem.1",
        "share/vmodem.bash": "share/bash-completion/completions/vmodem",
        "share/vmodem.zsh": "share/zsh/site-functions/_vmodem",
    }
    assert all((ROOT / path).read_text() for path in data)
