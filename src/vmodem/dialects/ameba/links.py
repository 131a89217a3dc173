"""The links that there are: AT+SKTSTATE, AT+SKTDEL."""

from __future__ import annotations

from vmodem.core.commands import CommandTable
from vmodem.dialects.ameba.device import Ameba, AnyLink, Link, Role

commands = CommandTable("Socket AT Commands")


@commands.set("+SKTSTATE", "List the links")
def sktstate(device: Ameba) -> list[str]:
    """List the links by id, each server with its seeds below it."""
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
    """Close a link and free its id; those of its seeds too where it is a server."""
    device.delete(link_id)
