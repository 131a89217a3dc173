"""What goes wrong before a modem answers: mistakes of whoever asks for one, and of the world.

    Exception
    └── VmodemError              the message is one line in a user's words
        ├── UnknownDialectError  there is no dialect of that name
        ├── ProfileError         a modem cannot be made as it was asked for
        ├── ConfigError          a configuration file cannot be used
        ├── StoreError           a directory of credentials cannot be used
        └── EndpointError        an endpoint cannot be opened

What goes wrong at a modem is no exception: its host is answered, and the log tells why.
"""

from __future__ import annotations


class VmodemError(Exception):
    """The base of every error of the public API; the message is one line in a user's words."""


class UnknownDialectError(VmodemError):
    """There is no dialect of that name."""


class ProfileError(VmodemError):
    """A modem cannot be made as it was asked for."""


class ConfigError(VmodemError):
    """A configuration file cannot be used."""


class StoreError(VmodemError):
    """A directory of credentials cannot be used."""


class EndpointError(VmodemError):
    """An endpoint cannot be opened."""
