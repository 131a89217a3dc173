r"""Transcript files: conversations with a modem that specify it, document it and test it.

A blank line separates blocks; each block is one conversation with a modem that was just powered on::

    # page: "Send data #XSEND", example 1
    given sockets 0:tcp:connected
    > AT#XSEND=0,0,0,"Test TCP"
    < #XSEND: 0,8
    < OK
    peer 0 gets "Test TCP"

`format` reads a file, `player` holds its conversations with a virtual modem, `device` with a real one, `matching`
compares, `update` writes down what is really answered. `play` is the command; `report` tells what came of it in words,
`junit` in XML.
"""
