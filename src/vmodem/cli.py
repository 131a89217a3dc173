"""The command line. Every mistake of its user ends in one line on standard error and status 2."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from vmodem import __version__, dialects, files
from vmodem.arguments import AddEndpoint, Parser, failed, path, read
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator
from vmodem.core.power import Boot, Start
from vmodem.errors import UnknownDialectError, because, quoted, suggestion

if TYPE_CHECKING:
    from pathlib import Path

    from vmodem.core.commands import Command
    from vmodem.credentials.directory import DirectoryStore
    from vmodem.credentials.store import Slot
    from vmodem.endpoints.endpoint import Setting

INTERRUPTED: Final = 130
"""What a shell says of a program that SIGINT has ended."""

LOG_LEVELS: Final = ("debug", "info", "warning", "error")


def serial_device(value: str) -> tuple[str, int]:
    """Parse ``DEVICE[@BAUD]``."""
    from vmodem.endpoints.serial import Serial

    port = Serial.parse(value)
    return port.device, port.baud


dialect: Final = read(dialects.find)
"""Finds a dialect by its name."""


def make_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="vmodem", description="A software modem on the host's real sockets.")
    parser.add_argument("--version", action="version", version=f"vmodem {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    commands.add_parser("serve", help="be a modem", description="Be a modem at one or more endpoints.", fill=_add_serve)
    listing = commands.add_parser("dialects", help="list the dialects")
    listing.set_defaults(run=_dialects)
    listing = commands.add_parser("commands", help="list the commands of a dialect, or tell all about one")
    listing.add_argument("dialect", type=dialect, metavar="DIALECT")
    listing.add_argument("name", nargs="?", metavar="COMMAND", help="tell all about this command instead")
    listing.add_argument(
        "--errata", action="store_true", help="list where the manual and its firmware disagree instead"
    )
    listing.set_defaults(run=_commands)
    commands.add_parser("play", help="play transcripts against fresh modems or a device", fill=_add_play)
    _add_credentials(commands)
    return parser


def _add_dialect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dialect",
        type=dialect,
        default=dialects.DEFAULT,
        metavar="NAME",
        help=f"which device to be (default {dialects.DEFAULT}; 'vmodem dialects' lists them)",
    )


def _add_serve(parser: Parser) -> None:
    from vmodem.endpoints import KINDS, spec_of

    _add_dialect(parser)
    first, *_ = KINDS
    endpoints: Any = parser.add_argument_group(f"endpoints (--{first} where none is given)")
    settings = parser.add_argument_group("endpoints, all of a kind")
    for kind in KINDS:
        spec = spec_of(kind)
        endpoints.add_argument(
            f"--{kind}",
            dest="endpoints",
            action=partial(AddEndpoint, kind=spec),
            nargs="?" if spec.optional else None if spec.metavar else 0,
            metavar=spec.metavar or None,
            help=spec.help,
        )
        for setting in spec.settings:
            _add_setting(settings, setting)
    parser.add_argument("--ready-file", type=path, metavar="PATH", help="appears once every endpoint accepts bytes")
    parser.add_argument(
        "--follow",
        choices=[side.value for side in Follow],
        default=Follow.MANUAL.value,
        help="whom to follow where the manual and its firmware disagree (default manual)",
    )
    parser.add_argument(
        "--address",
        action="append",
        default=[],
        help="the modem's own address, once for each family (default 127.0.0.1, ::1; any for what goes out)",
    )
    parser.add_argument("--offline", action="store_true", help="start detached from the network: --start offline")
    parser.add_argument(
        "--start",
        choices=[start.value for start in Start],
        help="what it is to its network when switched on; device: attaches when told to, as a device does",
    )
    parser.add_argument(
        "--boot",
        choices=[boot.value for boot in Boot],
        default=Boot.WITH_HOST.value,
        help="switch on, and greet, when a host comes, or be on already and greet nobody (default with-host)",
    )
    parser.add_argument("--credentials", type=path, metavar="DIR", help="where credentials are kept between runs")
    parser.add_argument("--terminator", choices=[end.value for end in Terminator], help="what ends a line")
    parser.add_argument("--config", type=path, metavar="FILE", help="TOML file: identity, cell, Wi-Fi, modems")
    _add_log_level(parser, "warning")
    parser.set_defaults(run=_serve)


def _add_play(parser: Parser) -> None:
    parser.add_argument("files", type=path, nargs="+", metavar="FILE", help="a transcript, or a folder of such (*.at)")
    parser.add_argument(
        "--dialect",
        type=dialect,
        metavar="NAME",
        help=f"which device it is (default: what the file says, or {dialects.DEFAULT})",
    )
    parser.add_argument("--port", metavar="DEVICE[@BAUD]", type=read(serial_device), help="a device to play it against")
    parser.add_argument("-k", dest="words", metavar="WORDS", default="", help="only blocks with these words in them")
    parser.add_argument("--junit", type=path, metavar="FILE", help="write a report in the form of JUnit")
    parser.add_argument("--update", action="store_true", help="rewrite the expected lines with what is answered")
    _add_log_level(parser, "error")
    parser.set_defaults(run=_play)


def _add_log_level(parser: Parser, default: str) -> None:
    parser.add_argument(
        "--log-level",
        type=str.lower,
        choices=LOG_LEVELS,
        default=default,
        help=f"how much goes to standard error; debug shows the AT dialogue (default {default})",
    )


def _add_setting(group: Any, setting: Setting) -> None:
    if setting.choices:
        group.add_argument(
            f"--{setting.name}",
            choices=setting.choices,
            default=setting.choices[0],
            help=f"{setting.help} (default {setting.choices[0]})",
        )
    else:
        group.add_argument(f"--{setting.name}", action="store_true", help=setting.help)


CREDENTIAL: Final = """\
A CREDENTIAL is SEC_TAG KIND, as in '16 ca', where KIND is a number or a word:
0 ca, 1 certificate, 2 key, 3 psk, 4 psk_identity, 5 public_key ...;
or the name of a file of the Ameba, as in 'client_ca_1.crt'."""


def _add_credentials(commands: Any) -> None:
    parser = commands.add_parser("credentials", help="list, add and remove credentials")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    common = Parser(add_help=False)
    common.add_argument("--credentials", type=path, metavar="DIR", required=True, help="where they are kept")
    options: dict[str, Any] = {
        "parents": [common],
        "epilog": CREDENTIAL,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    listing = actions.add_parser("list", parents=[common], help="one line each: area, tag, kind, SHA-256, size")
    listing.set_defaults(run=_list_credentials)
    add = actions.add_parser("add", help="add a credential, or replace it", **options)
    add.add_argument("words", nargs="+", metavar="CREDENTIAL")
    add.add_argument("file", type=path, metavar="FILE", help="the file that holds it, - for standard input")
    add.add_argument("--force", action="store_true", help="whatever it is: a device stores anything")
    add.set_defaults(run=_add_credential)
    remove = actions.add_parser("remove", help="remove a credential", **options)
    remove.add_argument("words", nargs="+", metavar="CREDENTIAL")
    remove.set_defaults(run=_remove_credential)
    for action in (add, remove):
        action.add_argument(
            "--area", choices=["modem", "native"], default="modem", help="AT%%CMNG or AT#XCMNG (default modem)"
        )


def _serve(arguments: argparse.Namespace) -> int:
    try:
        if arguments.ready_file is not None:
            files.remove(arguments.ready_file)  # before all else: it tells where an earlier run was, which was killed
    except OSError as error:
        return failed(arguments, f"cannot remove {arguments.ready_file}: {because(error)}")
    return _serve_sites(arguments)


def _serve_sites(arguments: argparse.Namespace) -> int:
    from vmodem.endpoints import KINDS, spec_of
    from vmodem.errors import EndpointError, VmodemError
    from vmodem.hub import Site
    from vmodem.profile import Profile
    from vmodem.program import Options, ReadyFile, run
    from vmodem.stderr import Stderr

    logging.basicConfig(handlers=[Stderr()], format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("vmodem").setLevel(arguments.log_level.upper())
    settings = {setting.name: getattr(arguments, setting.name) for kind in KINDS for setting in spec_of(kind).settings}
    sites: list[Site] = []
    try:
        profile = Profile(
            dialect=arguments.dialect,
            follow=arguments.follow,
            terminator=arguments.terminator,
            offline=arguments.offline,
            start=arguments.start,
            boot=arguments.boot,
            addresses=tuple(arguments.address),
            **({} if arguments.credentials is None else {"credentials": arguments.credentials}),
        )
        if arguments.config is not None:
            from vmodem.profiles import load_profiles

            config, sites = load_profiles(arguments.config, profile, settings)
            profile = replace(profile, config=config)
    except VmodemError as error:
        arguments.parser.error(str(error))
    specs = arguments.endpoints or ([] if sites else [spec_of(next(iter(KINDS))).parse(None)])
    sites = [*(Site(profile, spec.chosen(settings)) for spec in specs), *sites]
    kinds = [one.spec.kind for one in sites]
    for kind in KINDS:
        if spec_of(kind).single and kinds.count(kind) > 1:
            arguments.parser.error(f"endpoint {kind}: may be given once only")
    try:
        return run(Options(sites, ReadyFile(arguments.ready_file), sites[0].profile.device.name))
    except EndpointError as error:
        return failed(arguments, error)


def _dialects(arguments: argparse.Namespace) -> int:
    status = 0
    for name in dialects.names():
        try:
            found = dialects.find(name)
        except UnknownDialectError as error:  # one from outside that is broken hides no other
            status = failed(arguments, error)
        else:
            print(f"{name}  {found.manual}  {len(found.commands)} commands")
    return status


def _commands(arguments: argparse.Namespace) -> int:
    from vmodem import reference

    found: Dialect = arguments.dialect
    command = None if arguments.name is None else _named(found, arguments.name, arguments.parser)
    if arguments.errata:
        for erratum in found.errata if command is None else reference.errata_of(found, command):
            print(*reference.erratum_lines(erratum), sep="\n")
        return 0
    if command is not None:
        for line in reference.paragraphs(found, command):
            print(line)
        return 0
    for command in found.commands:
        forms = ",".join(form.value for form in command.forms)
        print(f"AT{command.name}  {forms}  {command.summary}")
    return 0


def _named(found: Dialect, name: str, parser: Parser) -> Command:
    """Return the command of a dialect that ``name`` names."""
    from vmodem import reference

    command = reference.find(found, name)
    if command is None:
        known = [f"AT{one.name}" for one in found.commands]
        meant = suggestion(f"AT{name}", known, f"'vmodem commands {found.name}' lists them")
        parser.error(f"{found.name} has no command {quoted(name)}; {meant}")
    return command


def _play(arguments: argparse.Namespace) -> int:
    from vmodem.endpoints.port import SerialPort
    from vmodem.errors import EndpointError
    from vmodem.stderr import Stderr
    from vmodem.transcripts import play

    if arguments.update and (arguments.port or arguments.junit):
        arguments.parser.error("--update goes with neither --port nor --junit")
    logging.basicConfig(handlers=[Stderr()], format="%(levelname)s %(message)s")
    logging.getLogger("vmodem").setLevel(arguments.log_level.upper())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever is in a file or its name
    files, dialect, words = arguments.files, arguments.dialect, arguments.words
    if arguments.update:
        return play.rewrite(files, dialect, words)
    try:
        with nullcontext() if arguments.port is None else SerialPort(*arguments.port) as port:
            return play.run(files, dialect, port, words=words, report=arguments.junit)
    except EndpointError as error:
        return failed(arguments, error)


def _list_credentials(arguments: argparse.Namespace) -> int:
    def action(store: DirectoryStore) -> str | None:
        for entry in store.entries():
            area, tag, kind = entry.slot
            print(area.value, tag, kind.name.lower(), entry.digest, len(entry.content))
        return "the list is not complete" if store.ignored else None

    return _with_store(arguments, action, create=False)


def _add_credential(arguments: argparse.Namespace) -> int:
    slot = _slot(arguments)
    from vmodem.credentials.check import stranger, wrong  # not at the top: it takes time to import
    from vmodem.credentials.store import Kind

    try:
        content = _content(arguments.file)
    except OSError as error:
        return failed(arguments, f"{arguments.file}: {because(error)}")
    if slot.kind in (Kind.PSK, Kind.PSK_IDENTITY):
        content = content.rstrip(b"\r\n")  # the end of a line that an editor left
    reason = None if arguments.force and content else wrong(slot, content)
    if reason is not None:
        return failed(arguments, f"{arguments.file}: {reason}")

    def action(store: DirectoryStore) -> None:
        store.write(slot, content)
        if not arguments.force and stranger(store, slot):
            failed(arguments, "warning: the key and the certificate that are there now do not belong to each other")

    return _with_store(arguments, action, create=True)


def _content(file: Path) -> bytes:
    """Return what a file holds, - for standard input; of one that is too large no more than tells so."""
    from vmodem.credentials.store import MAX_SIZE

    standard = str(file) == "-"
    with open(0 if standard else file, "rb", closefd=not standard) as opened:
        return opened.read(MAX_SIZE + 1)


def _remove_credential(arguments: argparse.Namespace) -> int:
    slot = _slot(arguments)

    def action(store: DirectoryStore) -> str | None:
        if store.delete(slot):
            return None
        return f"there is no {' '.join(arguments.words)}; one that 'vmodem credentials list' shows would be right"

    return _with_store(arguments, action, create=False)


def _with_store(arguments: argparse.Namespace, action: Callable[[DirectoryStore], str | None], *, create: bool) -> int:
    """Do something with the store; what goes wrong, or what ``action`` returns, is printed, and the status is 1."""
    from vmodem.credentials.directory import DirectoryStore
    from vmodem.credentials.store import StoreFullError
    from vmodem.errors import StoreError

    logging.basicConfig(stream=sys.stderr, format=f"{arguments.parser.prog}: %(message)s")
    try:
        failure = action(DirectoryStore(arguments.credentials, create=create))
    except (StoreError, StoreFullError) as error:
        failure = str(error)
    except OSError as error:
        failure = f"{error.filename or arguments.credentials}: {because(error)}"
    return 0 if failure is None else failed(arguments, failure)


def _slot(arguments: argparse.Namespace) -> Slot:
    """Return the slot that the words of the command line name."""
    parser: Parser = arguments.parser
    words: list[str] = arguments.words
    try:
        return _suite(words[0]) if len(words) == 1 else _tagged(words, arguments.area)
    except ValueError as error:
        parser.error(str(error))


def _suite(name: str) -> Slot:
    """Return the slot of a file of the Ameba.

    Raises:
        ValueError: there is none of that name.
    """
    from vmodem.credentials.directory import suite_slot

    slot = suite_slot(name)
    if slot is None:
        missing = f"KIND or FILE is missing, {name} ca FILE" if name.isdigit() else "SEC_TAG KIND, as in 16 ca"
        raise ValueError(
            f"{quoted(name)} is no credential; {missing}, or a name such as client_ca_1.crt would be right"
        )
    return slot


def _tagged(words: Sequence[str], area: str) -> Slot:
    """Return the slot of a security tag and a kind.

    Raises:
        ValueError: there is none.
    """
    from vmodem.credentials.store import KINDS, MAX_TAG, Area, Kind, Slot

    tag, kind, *rest = words
    if rest:
        raise ValueError(f"{quoted(rest[0])} is one too many; SEC_TAG KIND would be right")
    if not (tag.isascii() and tag.isdigit() and len(tag) <= 10 and int(tag) <= MAX_TAG):
        raise ValueError(f"{quoted(tag)} is no security tag; a number from 0 to {MAX_TAG} would be right")
    kinds = {name: one for one in KINDS[Area(area)] for name in (one.name.lower(), str(one.value))}
    if kind.lower() not in kinds:
        names = [one.name.lower() for one in Kind if one in KINDS[Area(area)]]
        raise ValueError(f"{quoted(kind)} is no kind of credential of the area {area}; {suggestion(kind, names)}")
    return Slot(Area(area), int(tag), kinds[kind.lower()])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = make_parser()
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command is None:
        parser.error("a command is missing: serve, dialects, commands, play or credentials")
    if rest:
        arguments.parser.unexpected(rest)
    try:
        status: int = arguments.run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a listing has seen enough
        status = 0
    except OSError as error:
        status = failed(arguments, f"cannot write to standard output: {error.strerror}")
    else:
        return status
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left to flush goes nowhere
    return status
