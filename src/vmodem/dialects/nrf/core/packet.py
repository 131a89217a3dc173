"""Packet domain: attaching, PDP contexts and their addresses, events."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from vmodem.core.commands import CommandTable
from vmodem.core.errors import CommandError
from vmodem.core.parameters import Values, anything, one_of, shown, text
from vmodem.core.syntax import Value
from vmodem.dialects.nrf.core.cme import INCORRECT_PARAMETERS, NOT_ALLOWED
from vmodem.dialects.nrf.core.state import FAMILIES, FULL, Context
from vmodem.dialects.nrf.device import Nrf91
from vmodem.dialects.nrf.values import Cid, Flag

Ignored: TypeAlias = Annotated[Value, anything]

commands = CommandTable("Modem commands")


def _pdp_type(device: Nrf91, value: Value) -> str:
    if type(value) is str and value in FAMILIES:
        return value
    raise CommandError(f"{shown(value)} is none of {', '.join(FAMILIES)}", code=INCORRECT_PARAMETERS)


PdpType: TypeAlias = Annotated[str, Values(_pdp_type, f"one of {', '.join(FAMILIES)}")]


@commands.set("+CGATT", "Attach or detach", test="+CGATT: (0,1)", surplus=False)
def cgatt(device: Nrf91, state: Annotated[int, one_of({0: "detach", 1: "attach"})]) -> None:
    """Detach or attach; the latter needs the radio.

    Args:
        device: the device.
        state: what to do.

    Errors:
        3: the radio is off.

    URCs:
        +CEREG: <stat>[,<tac>,<ci>,<AcT>,...] - where AT+CEREG asked for it.
        +CGEV: <event> - where AT+CGEREP asked for it.
    """
    if not state:
        device.cellular.detach()
        return
    if device.cellular.fun != FULL:
        raise CommandError("the radio is off", code=NOT_ALLOWED)
    device.cellular.attach()


@commands.read("+CGATT")
def cgatt_read(device: Nrf91) -> str:
    """Show whether the device is attached.

    Answers:
        +CGATT: <state>
    """
    return f"+CGATT: {int(device.cellular.registered)}"


@commands.set("+CGEREP", "Report packet domain events", test="+CGEREP: (0,1),(0)", surplus=False)
def cgerep(device: Nrf91, mode: Flag = 0) -> None:
    """Switch the report of packet domain events (+CGEV) off or on.

    Args:
        device: the device.
        mode: whether they are reported.

    URCs:
        +CGEV: <event> - such as ME PDN ACT 0.
    """
    device.cellular.cgerep = mode


@commands.read("+CGEREP")
def cgerep_read(device: Nrf91) -> str:
    """Show whether packet domain events are reported; the buffering that follows is always 0.

    Answers:
        +CGEREP: <mode>,0
    """
    return f"+CGEREP: {device.cellular.cgerep},0"


@commands.set(
    "+CGDCONT",
    "Define a PDP context",
    test="\r\n".join(f'+CGDCONT: (0-10),"{type}",,,(0),(0)' for type in FAMILIES),
)
def cgdcont(
    device: Nrf91,
    cid: Cid,
    pdp_type: PdpType | None = None,
    apn: Annotated[str, text(63)] = "",
    *rest: Ignored,
) -> None:
    """Define the context ``cid``, or undefine it where nothing else is given; cid 0 gets its default back.

    Args:
        device: the device.
        cid: number of the context.
        pdp_type: which addresses it has.
        apn: access point name.
        rest: address, compression and the like, which the modem core ignores too.
    """
    contexts = device.cellular.contexts
    if pdp_type is not None:
        contexts[cid] = Context(pdp_type, apn)
    elif cid == 0:
        contexts[cid] = device.cellular.default_context()
    else:
        contexts.pop(cid, None)


@commands.read("+CGDCONT")
def cgdcont_read(device: Nrf91) -> str:
    """List the defined contexts, with the first address of each.

    Answers:
        +CGDCONT: <cid>,"<pdp_type>","<apn>","<address>",0,0 - for each of them.
    """
    cellular = device.cellular
    return "\r\n".join(
        f'+CGDCONT: {cid},"{context.type}","{context.apn}","{"".join(cellular.addresses(cid)[:1])}",0,0'
        for cid, context in sorted(cellular.contexts.items())
    )


@commands.set("+CGPADDR", "Show the modem's addresses", surplus=False)
def cgpaddr(device: Nrf91, cid: Cid | None = None) -> str:
    """Show the addresses of the context ``cid``, of every defined one where it is left out.

    Args:
        device: the device.
        cid: a defined context; each of them where it is left out.

    Answers:
        +CGPADDR: <cid>[,"<address>",...] - for each of them.

    Errors:
        50: the context is not defined.
    """
    contexts = device.cellular.contexts
    if cid is not None and cid not in contexts:
        raise CommandError(f"context {cid} is not defined", code=INCORRECT_PARAMETERS)
    return "\r\n".join(_addresses(device, number) for number in (sorted(contexts) if cid is None else [cid]))


@commands.test("+CGPADDR")
def cgpaddr_test(device: Nrf91) -> str:
    """List the defined contexts.

    Answers:
        +CGPADDR: (<cids>)
    """
    return f"+CGPADDR: ({','.join(map(str, sorted(device.cellular.contexts)))})"


def _addresses(device: Nrf91, cid: int) -> str:
    return ",".join([f"+CGPADDR: {cid}", *(f'"{address}"' for address in device.cellular.addresses(cid))])
