"""What the reference says of each command is whole, and what the transcripts show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_transcripts import ROOT, blocks_of
from vmodem import dialects, reference
from vmodem.core.errors import CommandError
from vmodem.core.syntax import Form
from vmodem.core.trace import HostLine, Reply, Urc
from vmodem.transcripts.play import dialect_of
from vmodem.transcripts.player import play

COMMANDS = [(name, command) for name in dialects.MODULES for command in dialects.find(name).commands]
FORMS = [
    pytest.param(name, command, one, id=f"{name}-{one.syntax}")
    for name, command in COMMANDS
    for one in reference.describe(command)
]


@pytest.mark.parametrize(("name", "command", "one"), FORMS)
def test_everything_has_its_words(name, command, one):
    assert one.does.endswith(".")
    for parameter in one.parameters:
        assert parameter.words, f"<{parameter.name}>"
        assert parameter.values.words, f"<{parameter.name}>"
        assert all(parameter.values.named.values()), f"<{parameter.name}>"
        assert bool(parameter.values.field) is bool(parameter.values.beyond)
    assert one.syntax.startswith(f"AT{command.name}")


@pytest.mark.parametrize("name", dialects.MODULES)
def test_what_only_the_firmware_takes_is_an_erratum_of_its_command(name):
    dialect = dialects.find(name)
    for command in dialect.commands:
        fields = {one.values.field for form in reference.describe(command) for one in form.parameters} - {""}
        told = {erratum.policy for erratum in reference.errata_of(dialect, command)}
        switched = {erratum.policy for erratum in dialect.errata if erratum.policy}
        assert fields & switched <= told, command.name


@pytest.mark.parametrize("name", dialects.MODULES)
def test_the_title_of_a_section_is_one_that_the_transcripts_quote(name):
    dialect = dialects.find(name)
    pages = {block.page for path in (ROOT / name).glob("*.at") for block in blocks_of(path)}
    quoted = {found[1] for page in pages if (found := re.match('"([^"]+)"', page))}
    titles = {reference.section_of(command) for command in dialect.commands} - {""}
    if name != "slm-2.7":  # whose socket commands are those of 2.0, and in no manual of its own
        assert titles <= quoted


class Answers:
    """A trace that gathers what is answered to which command, and what comes unasked."""

    def __init__(self, dialect):
        self.dialect = dialect
        self.asked = None
        self.replies: list[tuple[object, str]] = []
        self.urcs: list[str] = []

    def event(self, now, modem, channel, event):
        if isinstance(event, HostLine):
            try:
                self.asked = self.dialect.parse(event.data)
            except CommandError:
                self.asked = None
        elif isinstance(event, Reply) and self.asked is not None:
            self.replies += [(self.asked, line) for line in event.data.decode("latin-1").split("\r\n") if line.strip()]
        elif isinstance(event, Urc):
            self.urcs += [line for line in event.data.decode("latin-1").split("\r\n") if line.strip()][:1]


def pattern(syntax):
    """Return what lines look like that have this syntax: ``[,<a>]`` may be missing, ``,...`` be any more."""
    text = re.escape(syntax).replace(r",\.\.\.", "(?:,.*)?").replace("\\ ", " ")
    text = re.sub(r"\\\[(,|\\-|\\\.)(.*)\\\]", lambda found: f"(?:{found[1]}{found[2]})?", text)
    while (inner := re.sub(r"\\\[(,|\\-)(.*)\\\]", lambda found: f"(?:{found[1]}{found[2]})?", text)) != text:
        text = inner
    return re.compile(re.sub(r"<\w+>", ".*", text), re.DOTALL)


def lines_of(dialect, kind):
    """Return the patterns of each command's answers or unsolicited lines, by name and form."""
    return {
        (command.name, one.form): [pattern(line.syntax) for line in getattr(one, kind)]
        for command in dialect.commands
        for one in reference.describe(command)
    }


def heard(name):
    """Play every transcript of a dialect; return what was answered, and what came unasked."""
    dialect = dialects.find(name)
    for folder in (name, dialect.family):
        for path in sorted(Path(ROOT / folder).glob("*.at")):
            for block in blocks_of(path):
                answers = Answers(dialect)
                assert play(block, dialect_of(block, dialect), traces=(answers,), explain=False) is None
                yield answers


def is_told(line, patterns):
    """Tell whether a line is among those that are told; data that stands alone does not count.

    A string may go on in the next line.
    """
    return any(
        one.fullmatch(said) for one in patterns if one.pattern != ".*" for said in (line, line.strip(), f'{line}"')
    )


NAMED = {
    "nrf": re.compile(r"[#+%][A-Z]+: "),
    "ameba": re.compile(r"\+[A-Z]+:|\[\$\]|link_id:|>>>|[A-Za-z0-9_]+ *(=>|:) "),
}
"""What the lines of a family look like that are no data."""


@pytest.mark.parametrize("name", dialects.MODULES)
def test_every_line_of_the_transcripts_is_told(name):
    dialect = dialects.find(name)
    answers, unasked = lines_of(dialect, "answers"), lines_of(dialect, "urcs")
    every = [one for patterns in (*answers.values(), *unasked.values()) for one in patterns]
    told, missing = 0, set()
    for said in heard(name):
        for request, line in said.replies:
            if NAMED[dialect.family].match(line):
                patterns = [*answers.get((request.name, request.form), []), *unasked.get((request.name, Form.SET), [])]
                told += 1
                if not is_told(line, patterns):
                    missing.add((request.name, request.form.value, line))
        missing |= {("", "unasked", line) for line in said.urcs if not is_told(line, every)}
    assert not missing, "\n".join(map(str, missing))
    assert told > 50
