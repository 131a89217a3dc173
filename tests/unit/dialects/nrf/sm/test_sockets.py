from vmodem import dialects
from vmodem.virtual import Virtual


def test_a_raw_socket_without_the_privilege_is_an_error_and_one_line_in_the_log(caplog, monkeypatch):
    modem = Virtual(dialects.find("sm"))
    modem.take()

    def refuse(family, type):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(modem.network, "open", refuse)
    modem.send(b"AT#XSOCKET=1,3,0\r")
    assert modem.take() == b"\r\nERROR\r\n"
    assert caplog.messages == ["modem: raw sockets are not permitted: run as root or with CAP_NET_RAW"]
    modem.send(b"AT#XSOCKET?\r")
    assert modem.take() == b"\r\nOK\r\n"
