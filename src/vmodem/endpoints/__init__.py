"""Endpoints carry bytes between a host and a modem, and nothing else."""
