"""The links that there are: AT+SKTSTATE, AT+SKTDEL."""

from __future__ import annotations

from vmodem.core.commands import CommandTable
from vmodem.dialects.ameba.device import Ameba, AnyLink, Link, Role

commands = CommandTable("Socket AT Commands")


@commands.set("+SKTSTATE", "List the links")
def sktstate(device: Ameba) -> list[str]:
    """List the links by id, each server with its seeds below it.

    Answers:
        link_id:<link_id>,<role>,<protocol>,src_address:<ip>,src_port:<port>,dst_address:<ip>,dst_port:<port>,socket_fd:<fd>
            - for each of them; the number of the socket is -1 where the connection has ended.
    """
    rows: list[str] = []
    for link in device.sockets:
        if link.role is not Role.SEED:
            rows += [_row(each) for each in (link, *link.seeds) if each.ready]
    return rows


def _row(link: Link) -> str:
    (source, source_port), (destination, destination_port) = link.source, link.destination
    return (
        f"link_id:{link.handle},{link.role.value},{link.protocol.value},"
        f"src_address:{source},src_port:{source_port},dst_address:{destination},dst_port:{destination_port},"
        f"socket_fd:{link.fd}"
    )


@commands.set("+SKTDEL", "Delete a link", surplus=False)
def sktdel(device: Ameba, link_id: AnyLink) -> None:
    """Close a link and free its id; those of its seeds too where it is a server.

    Args:
        device: the device.
        link_id: a link.

    Errors:
        1: a parameter is missing, surplus, or none of these.
    """
    device.delete(link_id)
