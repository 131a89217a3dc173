"""What a command is, in words: its syntax, its parameters, its answers, taken from the handlers themselves.

The annotations of a handler say which values its parameters take; its docstring says the rest, in sections::

    Args:       what each parameter is for
    Manual:     the title of the manual's section, where it is not the command's name
    Answers:    each information line, and what its values are; what stands alone in < > is raw data
    Errors:     what else is an error, besides a value that is not accepted
    URCs:       each unsolicited line that the command brings about

Nothing of it is read before somebody asks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple

from vmodem.core.commands import Command, Says
from vmodem.core.dialect import Dialect, Erratum
from vmodem.core.parameters import Values, values_of
from vmodem.core.syntax import Form

SECTIONS: Final = ("Args", "Manual", "Answers", "Errors", "URCs")
SUFFIXES: Final = {Form.SET: "", Form.READ: "?", Form.TEST: "=?"}
_SECTION: Final = re.compile(r"(\w+):")
_CODE: Final = re.compile("``([^`]+)``")


class Parameter(NamedTuple):
    """One parameter of a command.

    Attributes:
        name: the manual's name.
        words: what it is for.
        values: which values it takes.
        optional: whether it may be left out.
        grouped: whether it may be left out only where the <op> before it asks for nothing else.
        default: what it is then; empty where it has no value then.
        repeated: whether it may be given several times.
    """

    name: str
    words: str
    values: Values[Any]
    optional: bool
    grouped: bool
    default: str
    repeated: bool


class Line(NamedTuple):
    """One line that a command answers, or that comes unasked, and what its values are."""

    syntax: str
    words: str


class FormReference(NamedTuple):
    """One form of a command.

    Attributes:
        form: which.
        syntax: how it is written.
        does: what it does.
        parameters: its parameters.
        answers: the information lines before its OK.
        errors: what else is an error, besides values that are not accepted.
        urcs: the unsolicited lines that it brings about.
        manual: the title of the manual's section; empty where that is the command's name.
    """

    form: Form
    syntax: str
    does: str
    parameters: list[Parameter]
    answers: list[Line]
    errors: list[str]
    urcs: list[Line]
    manual: str


def describe(command: Command) -> list[FormReference]:
    """Return what each form of ``command`` is."""
    return [_form(command, form) for form in command.forms]


def find(dialect: Dialect, word: str) -> Command | None:
    """Return the command that ``word`` names, however much of ``AT#`` it leaves out; None where there is none."""
    asked = word.upper()
    by_name = {command.name: command for command in dialect.commands}
    for name in (asked.removeprefix("AT"), asked, *(f"{prefix}{asked}" for prefix in "#+%")):
        if name in by_name and (name or asked == "AT"):
            return by_name[name]
    return None


def errata_of(dialect: Dialect, command: Command) -> list[Erratum]:
    """Return where the manual and its firmware disagree about ``command``."""
    name = command.name.lstrip("+") if dialect.family == "ameba" else command.name
    names = {name, f"AT{command.name}"}
    return [erratum for erratum in dialect.errata if names & set(erratum.page.split(", "))]


def paragraphs(dialect: Dialect, command: Command) -> Iterator[str]:
    """Yield the lines that tell all about ``command``."""
    yield f"AT{command.name}: {command.summary}"
    yield _where(dialect, command)
    for one in describe(command):
        yield ""
        yield one.syntax
        yield f"  {one.does}"
        for parameter in one.parameters:
            yield f"  <{parameter.name}>: {parameter_words(parameter)}"
            yield from (f"    {int(value)}: {words}" for value, words in parameter.values.named.items())
        yield from _listed("answers", [*map(line_words, one.answers), "OK"])
        yield from _listed("errors", one.errors)
        yield from _listed("unsolicited", list(map(line_words, one.urcs)))
    for erratum in errata_of(dialect, command):
        yield ""
        yield from erratum_lines(erratum)


def erratum_lines(erratum: Erratum) -> Iterator[str]:
    """Yield the lines that tell about one disagreement."""
    yield erratum.page
    yield f"  manual:   {erratum.manual}"
    yield f"  firmware: {erratum.firmware}"
    yield f"  answer:   {erratum.answer}"


def parameter_words(parameter: Parameter) -> str:
    """Return what there is to say about a parameter but for its named values."""
    values = parameter.values
    told = [parameter.words]
    if not values.named:
        told.append(values.words)
    if values.field:
        told.append(f"with --follow firmware {values.beyond}")
    if parameter.default:
        told.append(f"{parameter.default} by default")
    elif parameter.optional:
        told.append("optional")
    return "; ".join(told)


def line_words(line: Line) -> str:
    """Return a line and what its values are."""
    return f"{line.syntax}  {line.words}" if line.words else line.syntax


def section_of(command: Command) -> str:
    """Return the title of the manual's section about ``command``; empty where that is the command's name."""
    return next((one.manual for one in describe(command) if one.manual), "")


def _where(dialect: Dialect, command: Command) -> str:
    title = section_of(command)
    return f"{command.page}, {title!r}" if title else command.page


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"  {title}:"
        yield from (f"    {line}" for line in lines)


def _form(command: Command, form: Form) -> FormReference:
    handler = inspect.unwrap(command.handlers[form])
    if isinstance(handler, Says):
        answers = [Line(line, "") for line in handler.text.split("\r\n")]
        return FormReference(form, f"AT{command.name}=?", "List the accepted values.", [], answers, [], [], "")
    sections = _sections(handler)
    parameters = _parameters(command, handler, dict(_entries(sections["Args"]))) if form is Form.SET else []
    return FormReference(
        form=form,
        syntax=_syntax(command.name, parameters) if form is Form.SET else f"AT{command.name}{SUFFIXES[form]}",
        does=" ".join(sections[""]),
        parameters=parameters,
        answers=_lines(sections["Answers"]),
        errors=_joined(sections["Errors"]),
        urcs=_lines(sections["URCs"]),
        manual=" ".join(sections["Manual"]),
    )


def _sections(handler: Any) -> dict[str, list[str]]:
    """Return the lines of each section of a docstring, without their indentation; "" is what stands before them."""
    sections: dict[str, list[str]] = {name: [] for name in ("", *SECTIONS)}
    current = ""
    for line in (inspect.getdoc(handler) or "").splitlines():
        found = _SECTION.fullmatch(line)
        if found is not None and found[1] in sections:
            current = found[1]
        elif line:
            sections[current].append(line.removeprefix("    "))
    return {name: [_CODE.sub(r"<\1>", line) for line in lines] for name, lines in sections.items()}


def _joined(lines: list[str]) -> list[str]:
    """Return the entries of a section: what is indented further goes on with the line before."""
    entries: list[str] = []
    for line in lines:
        if line.startswith(" ") and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line)
    return entries


def _entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield name and words of each entry ``name: words``."""
    for entry in _joined(lines):
        name, _, words = entry.partition(": ")
        yield name, words


def _lines(lines: list[str]) -> list[Line]:
    """Return the entries ``#XNAME: <a>,<b> - words``."""
    return [Line(syntax, words) for syntax, _, words in (entry.partition(" - ") for entry in _joined(lines))]


def _parameters(command: Command, handler: Any, words: dict[str, str]) -> list[Parameter]:
    """Return the parameters of the set form; those behind an <op> are needed only where it opens something."""
    required = command.signatures[Form.SET].required
    declared = list(inspect.signature(handler, eval_str=True).parameters.values())[1:]
    return [
        Parameter(
            name=one.name,
            words=words.get(one.name, "").rstrip("."),
            values=values_of(one.annotation),
            optional=one.default is not one.empty or one.kind is one.VAR_POSITIONAL,
            grouped=number >= required and one.default is one.empty and one.kind is not one.VAR_POSITIONAL,
            default=_default(one.default),
            repeated=one.kind is one.VAR_POSITIONAL,
        )
        for number, one in enumerate(declared)
    ]


def _default(default: object) -> str:
    if default in (inspect.Parameter.empty, None, ""):
        return ""
    return str(int(default)) if isinstance(default, IntEnum) else str(default)


def _syntax(name: str, parameters: list[Parameter]) -> str:
    """Return how a command with its parameters is written; what is in brackets may be left out."""
    if name == "E":
        return "ATE<value>"
    text, closing = f"AT{name}", ""
    for number, one in enumerate(parameters):
        shown = f"{',' if number else '='}<{one.name}>" + (",..." if one.repeated else "")
        if one.optional or (one.grouped and not parameters[number - 1].grouped):
            shown, closing = f"[{shown}", f"{closing}]"
        text += shown
    return text + closing
