"""What runs for minutes: modems under random use, and readers under random bytes."""
