"""The command line. Every mistake of its user ends in one line on standard error and status 2."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from vmodem import __version__, dialects
from vmodem.core.dialect import Dialect, Follow
from vmodem.core.framing import Terminator

USAGE_ERROR: Final = 2
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says what is wrong and where to read what would be right."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Print ``message`` and end the program with status 2."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}; see '{self.prog} --help'\n")


class AddEndpoint(argparse.Action):
    """Append an endpoint, so that the order on the command line is kept."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: Any = None
    ) -> None:
        """Append the endpoint that the option's converter made."""
        kind = (option or "").lstrip("-")
        endpoints = [*(namespace.endpoints or []), (kind, values)]
        if kind == "stdio" and endpoints.count((kind, values)) > 1:
            raise argparse.ArgumentError(self, "may be given once only")
        namespace.endpoints = endpoints


def link_path(value: str) -> str:
    """Refuse an empty path."""
    if not value:
        raise argparse.ArgumentTypeError("the path of the link is empty")
    return value


def tcp_address(value: str) -> tuple[str, int]:
    """Parse ``[HOST:]PORT``; an IPv6 HOST stands in square brackets."""
    host, _, port = value.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise argparse.ArgumentTypeError(f"{value!r}: an IPv6 host needs square brackets, as in [::1]:5000")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise argparse.ArgumentTypeError(f"{value!r} is not [HOST:]PORT with a port from 0 to 65535")
    return host or "127.0.0.1", int(port)


def serial_device(value: str) -> tuple[str, int]:
    """Parse ``DEVICE[@BAUD]``."""
    from vmodem.endpoints.serial import DEFAULT_BAUD, speed_of

    device, at, baud = value.rpartition("@")
    if not at:
        return value, DEFAULT_BAUD
    if not (baud.isascii() and baud.isdigit() and speed_of(int(baud)) is not None):
        raise argparse.ArgumentTypeError(f"{baud!r} is no speed of a serial port; 115200 would be one")
    return device, int(baud)


def ip_address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Parse an IP address."""
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is no IPv4 or IPv6 address") from None


def dialect(value: str) -> Dialect:
    """Find a dialect by its name."""
    try:
        return dialects.find(value)
    except KeyError:
        known = ", ".join([*dialects.MODULES, *dialects.SHORT_NAMES])
        raise argparse.ArgumentTypeError(f"unknown dialect {value!r}; known are {known}") from None


def make_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="vmodem", description="A software modem on the host's real sockets.")
    parser.add_argument("--version", action="version", version=f"vmodem {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    _add_serve(commands)
    listing = commands.add_parser("dialects", help="list the dialects")
    listing.set_defaults(run=_dialects, parser=listing)
    listing = commands.add_parser("commands", help="list the commands of a dialect")
    listing.add_argument("dialect", type=dialect, metavar="DIALECT")
    listing.add_argument(
        "--errata", action="store_true", help="list where the manual and its firmware disagree instead"
    )
    listing.set_defaults(run=_commands, parser=listing)
    play = commands.add_parser("play", help="play a transcript against a fresh modem or a device")
    play.add_argument("file", type=Path, metavar="FILE.at")
    _add_dialect(play)
    play.add_argument("--port", metavar="DEVICE[@BAUD]", type=serial_device, help="a device to play it against")
    play.add_argument("--update", action="store_true", help="rewrite the expected lines with what is answered")
    play.set_defaults(run=_play, parser=play)
    return parser


def _add_dialect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dialect",
        type=dialect,
        default=dialects.DEFAULT,
        metavar="NAME",
        help=f"which device to be (default {dialects.DEFAULT}; 'vmodem dialects' lists them)",
    )


def _add_serve(commands: Any) -> None:
    parser = commands.add_parser("serve", help="be a modem", description="Be a modem at one or more endpoints.")
    _add_dialect(parser)
    endpoints = parser.add_argument_group("endpoints (a pseudo terminal where none is given)")
    add = {"dest": "endpoints", "action": AddEndpoint}
    endpoints.add_argument(
        "--pty", nargs="?", type=link_path, metavar="LINK", help="a pseudo terminal, and a link to it", **add
    )
    endpoints.add_argument(
        "--tcp",
        type=tcp_address,
        metavar="[HOST:]PORT",
        help="a TCP listener, one modem for each connection",
        **add,
    )
    endpoints.add_argument("--stdio", nargs=0, help="standard input and output", **add)
    endpoints.add_argument("--serial", type=serial_device, metavar="DEVICE[@BAUD]", help="a serial port, 8N1", **add)
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help="appears once every endpoint accepts bytes")
    parser.add_argument(
        "--follow",
        choices=[side.value for side in Follow],
        default=Follow.MANUAL.value,
        help="whom to follow where the manual and its firmware disagree (default manual)",
    )
    parser.add_argument(
        "--address",
        type=ip_address,
        action="append",
        default=[],
        help="the modem's own address, once for each family (default 127.0.0.1, ::1; any for what goes out)",
    )
    parser.add_argument("--offline", action="store_true", help="start detached from the network")
    parser.add_argument("--terminator", choices=[end.value for end in Terminator], help="what ends a line")
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file: identity, cell, serial line")
    parser.add_argument(
        "--hangup",
        choices=["reset", "keep"],
        default="reset",
        help="what a host that closes the pseudo terminal does to the modem (default reset)",
    )
    parser.add_argument("--rtscts", action="store_true", help="RTS/CTS flow control on serial ports")
    parser.add_argument(
        "--log-level",
        type=str.lower,
        choices=LOG_LEVELS,
        default="warning",
        help="how much goes to standard error; debug shows the AT dialogue (default warning)",
    )
    parser.set_defaults(run=_serve, parser=parser)


def _serve(arguments: argparse.Namespace) -> int:
    from vmodem.config import Config, ConfigError, load
    from vmodem.endpoints.endpoint import EndpointError
    from vmodem.serve import EndpointSpec, Options, serve

    logging.basicConfig(
        level=arguments.log_level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    makers = {
        "pty": lambda value: EndpointSpec("pty", path=value),
        "tcp": lambda value: EndpointSpec("tcp", host=value[0], port=value[1]),
        "stdio": lambda value: EndpointSpec("stdio"),
        "serial": lambda value: EndpointSpec("serial", path=value[0], baud=value[1]),
    }
    endpoints = tuple(makers[kind](value) for kind, value in arguments.endpoints or [("pty", None)])
    try:
        config = Config() if arguments.config is None else load(arguments.config)
    except ConfigError as error:
        arguments.parser.error(str(error))
    options = Options(
        dialect=arguments.dialect,
        endpoints=endpoints,
        config=config,
        follow=Follow(arguments.follow),
        terminator=None if arguments.terminator is None else Terminator(arguments.terminator),
        addresses=_addresses(arguments),
        offline=arguments.offline,
        keep=arguments.hangup == "keep",
        rtscts=arguments.rtscts,
        ready_file=arguments.ready_file,
    )
    try:
        return serve(options)
    except EndpointError as error:
        print(f"vmodem serve: {error}", file=sys.stderr)
        return 1


def _addresses(arguments: argparse.Namespace) -> dict[Any, str]:
    from vmodem.net.interface import Family

    addresses: dict[Any, str] = {}
    for address in arguments.address:
        family = Family.IPV4 if address.version == 4 else Family.IPV6
        if family in addresses:
            arguments.parser.error("argument --address: may be given once for each family")
        addresses[family] = str(address)
    return addresses


def _dialects(arguments: argparse.Namespace) -> int:
    for name in dialects.MODULES:
        found = dialects.find(name)
        print(f"{name}  {found.manual}  {len(found.commands)} commands")
    return 0


def _commands(arguments: argparse.Namespace) -> int:
    found: Dialect = arguments.dialect
    if arguments.errata:
        for erratum in found.errata:
            print(f"{erratum.page}\n  manual:   {erratum.manual}\n  firmware: {erratum.firmware}")
            print(f"  answer:   {erratum.answer}")
        return 0
    for command in found.commands:
        forms = ",".join(form.value for form in command.forms)
        print(f"AT{command.name}  {forms}  {command.summary}")
    return 0


def _play(arguments: argparse.Namespace) -> int:
    from vmodem import transcript

    path: Path = arguments.file
    try:
        if arguments.update:
            path.write_text(transcript.update(path, arguments.dialect), encoding="utf-8")
            return 0
        if arguments.port is None:
            return transcript.run(path, arguments.dialect, None, sys.stdout)
        from vmodem.endpoints.port import SerialPort

        with SerialPort(*arguments.port) as port:
            return transcript.run(path, arguments.dialect, port, sys.stdout)
    except OSError as error:
        print(f"vmodem play: {error.filename or path}: {error.strerror}", file=sys.stderr)
    except transcript.TranscriptError as error:
        print(f"vmodem play: {error}", file=sys.stderr)
    return 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = make_parser()
    arguments, rest = parser.parse_known_args(argv)
    if arguments.command is None:
        parser.error("a command is missing: serve, dialects, commands or play")
    if rest:
        arguments.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        status: int = arguments.run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of a listing has seen enough
        status = 0
    except OSError as error:
        print(f"{arguments.parser.prog}: cannot write to standard output: {error.strerror}", file=sys.stderr)
        status = 1
    else:
        return status
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left to flush goes nowhere
    return status
