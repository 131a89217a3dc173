"""The modem core of an nRF91: its state, and one file for each page of the 3GPP and Nordic commands that it executes.

Several lines of one command are one information string, as the firmware passes the core's text through.
"""
