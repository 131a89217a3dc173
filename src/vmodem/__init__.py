"""A software modem: AT commands on one side, the host's real sockets on the other."""

import logging

__version__ = "0.1.0"

logging.getLogger("vmodem").addHandler(logging.NullHandler())  # whoever wants the log asks for it
