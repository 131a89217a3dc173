"""The numbers of +CME ERROR that the modem core's state and its pages share (3GPP TS 27.007, 9.2)."""

from __future__ import annotations

from typing import Final

NOT_ALLOWED: Final = 3
SIM_NOT_INSERTED: Final = 10
SIM_PIN_REQUIRED: Final = 11
INCORRECT_PASSWORD: Final = 16
NOT_FOUND: Final = 22
NO_NETWORK_SERVICE: Final = 30
INCORRECT_PARAMETERS: Final = 50
NOT_ALLOWED_WHILE_ACTIVE: Final = 518
"""The last one is Nordic's own."""
