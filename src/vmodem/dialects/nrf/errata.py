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
