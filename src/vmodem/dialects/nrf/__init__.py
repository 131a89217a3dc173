"""The nRF91 family: what its dialects share."""
