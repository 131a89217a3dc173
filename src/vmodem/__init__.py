"""A software modem: AT commands on one side, the host's real sockets on the other."""

__version__ = "0.1.0"
