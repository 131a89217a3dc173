"""Programs that measure vmodem beside a peer in one run and print the ratio."""
