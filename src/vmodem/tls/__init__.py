"""TLS and DTLS beside the network: over the connected sockets of any network, by OpenSSL."""
