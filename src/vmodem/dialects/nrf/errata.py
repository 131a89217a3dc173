"""Where every nRF91 answers differently from its modem core, or the core's manual is silent."""

from __future__ import annotations

from typing import Final

from vmodem.core.dialect import Erratum

ERRATA: Final = (
    Erratum(
        page="%CMNG",
        manual="silent on what becomes of an encrypted private key",
        firmware="the key and its password are kept in the modem",
        answer="it is decrypted when it is written, and kept so; the digest is that of what is kept",
    ),
    Erratum(
        page="%CMNG",
        manual="silent on the content of certificates",
        firmware="newer modem firmware refuses certificates that are none, with 527",
        answer="everything is accepted, as mfw 1.3.7 does; what is no certificate fails when it is used",
    ),
    Erratum(
        page="%KEYGEN",
        manual="the identity key of the device signs the COSE message",
        firmware="the same: the message attests that the key was made in that device",
        answer="the message has the same form, but the new key itself signs it: there is no device to attest",
    ),
)

SOCKETS: Final = (
    Erratum(
        page="#XSOCKET, #XSSOCKET, #XCONNECT",
        manual="a negative <handle>, or <status> 0, tells that the command failed",
        firmware="ERROR, without an information line",
        answer="ERROR alone: the manual shows no such line, and every host has to expect ERROR",
    ),
    Erratum(
        page="#XSOCKET",
        manual="<role> is 0 or 1",
        firmware="any number from 0 to 65535; a socket of another role neither connects nor listens",
        answer="ERROR for another one; with --follow firmware any",
        policy="role_unchecked",
    ),
    Erratum(
        page="#XCONNECT, #XSENDTO, #XGETADDRINFO",
        manual="the host name has at most 128 bytes; silent on that of #XGETADDRINFO",
        firmware="at most 127",
        answer="128; with --follow firmware 127",
        policy="max_host",
    ),
    Erratum(
        page="#XGETADDRINFO",
        manual="silent on several addresses and on failure",
        firmware="the first address once for each result; the name of the error in quotes, then ERROR",
        answer="all addresses, separated by spaces, since the repetition is a bug; failures as the firmware",
    ),
)
"""What the socket commands of every manual have in common."""
