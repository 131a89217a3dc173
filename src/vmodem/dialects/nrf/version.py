"""What a release of an nRF91's application is, whichever side of ``--follow`` is answered."""

from __future__ import annotations

from dataclasses import dataclass

from vmodem.credentials.store import MODEM_TLS, Area


@dataclass(frozen=True, kw_only=True)
class Version:
    """One release; each family adds its own.

    Attributes:
        ncs: version of the nRF Connect SDK that it was built with.
        libmodem: version of the modem library that it was built with, empty where no command shows it.
        credential_areas: where the credentials of a security tag are looked for.
    """

    ncs: str
    libmodem: str = ""
    credential_areas: tuple[Area, ...] = MODEM_TLS
