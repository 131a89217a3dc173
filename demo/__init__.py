"""Conversations with vmodem and real servers, as `make demo` shows them."""
