"""The nRF91 Serial Modem: one module for each page of its manual, one for each release (``sm_1_0``)."""
