"""The network as the firmware sees it: a small POSIX-like, non-blocking interface and what stands behind it."""
