"""The nRF91 Serial LTE Modem: one file for each page of its manuals, and a module for each version's dialect."""
