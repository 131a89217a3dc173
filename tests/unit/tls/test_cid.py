"""Connection identifiers, against a server in memory and against records that mbedTLS sealed."""

import gc
import json
import struct
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL
from OpenSSL._util import lib
from tests.cid import (
    SUITES,
    WAYS,
    Client,
    Protection,
    Server,
    cid_scope,
    client_context,
    is_cbc,
    plain_scope,
    records,
    server_context,
    split,
    talk,
)

from vmodem.tls import cid as module
from vmodem.tls.cid import CIPHERS, CidStatus, ConnectionId, offer

#: Records that a server with mbedTLS 3.6.6 sent to a client with the CID "client", and what it takes to open them.
RECORDED = json.loads(Path(__file__).with_name("cid_records.json").read_text())
SUITE = "PSK-AES128-GCM-SHA256"
OWN = b"client"
ALERT = 21
#: One suite for each way that records are built.
KINDS = [
    ("PSK-AES128-GCM-SHA256", False),
    ("PSK-AES128-CCM8", False),
    ("PSK-CHACHA20-POLY1305", False),
    ("PSK-AES128-CBC-SHA256", False),
    ("PSK-AES128-CBC-SHA256", True),
]


def connected(own=OWN, server_own=b"server", suite=SUITE, etm=True, context=None):
    client = Client(context or client_context(suite.encode()), own)
    server = Server(server_own, suite, etm)
    talk(client, server)
    assert client.done
    assert server.done
    return client, server


def application_record(server, data=b"hello"):
    """Return the record that the server puts ``data`` in, which is still on its way."""
    server.send(data)
    (record,) = server.take()
    return record


def server_hello(suite, extensions, session=b"", random=bytes(32)):
    """Return a message as OpenSSL shows it to callbacks."""
    body = b"".join(struct.pack(">HH", number, len(text)) + text for number, text in extensions)
    hello = b"\xfe\xfd" + random + bytes([len(session)]) + session + struct.pack(">HBH", SUITES[suite], 0, len(body))
    hello += body
    size = struct.pack(">I", len(hello))[1:]
    return b"\x02" + size + b"\0\1" + bytes(3) + size + hello


# What is negotiated.


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("etm", [True, False])
def test_data_goes_both_ways_with_every_suite(suite, etm):
    client, server = connected(suite=suite, etm=etm)
    client.send(b"up")
    server.padding = 5
    server.send(b"down" * 100)
    talk(client, server)
    assert client.cid.status is CidStatus.BIDIRECTIONAL
    assert server.received == [b"up"]
    assert client.received == [b"down" * 100]


@pytest.mark.parametrize(
    ("own", "server_own", "status"),
    [
        (b"", None, CidStatus.DISABLED),
        (b"", b"", CidStatus.DISABLED),
        (b"", b"server", CidStatus.UPLINK),
        (b"client", None, CidStatus.DISABLED),
        (b"client", b"", CidStatus.DOWNLINK),
        (b"client", b"server", CidStatus.BIDIRECTIONAL),
        (b"c", bytes(255), CidStatus.BIDIRECTIONAL),
        (bytes(255), b"s", CidStatus.BIDIRECTIONAL),
    ],
)
def test_the_status_tells_whose_records_carry_a_cid(own, server_own, status):
    client, server = connected(own, server_own)
    assert client.cid.status is status
    client.send(b"up")
    server.send(b"down")
    up, down = client.sent[-1], server.sent[-1]
    assert (up[0] == 25) == bool(status & CidStatus.UPLINK)
    assert (down[0] == 25) == bool(status & CidStatus.DOWNLINK)
    talk(client, server)
    assert (server.received, client.received) == ([b"up"], [b"down"])


def test_the_status_is_disabled_before_the_handshake():
    assert Client(client_context(), OWN).cid.status is CidStatus.DISABLED


def test_the_server_learns_our_cid():
    _, server = connected(b"an identifier")
    assert server.client == b"an identifier"


def test_a_connection_without_a_connection_id_offers_none():
    context = client_context(SUITE.encode())
    client, server = Client(context, None), Server(b"server", SUITE)
    talk(client, server)
    assert client.done
    assert server.client is None


def test_connections_of_one_context_have_their_own_cids():
    context = client_context(SUITE.encode())
    pairs = [(Client(context, own), Server(b"server", SUITE)) for own in (b"one", b"", b"other")]
    for client, server in pairs:
        talk(client, server)
    assert [server.client for _, server in pairs] == [b"one", b"", b"other"]
    assert [client.cid.status for client, _ in pairs] == [3, 2, 3]


def test_a_context_offers_once():
    context = client_context()
    with pytest.raises(RuntimeError):
        offer(context)


def test_openssl_without_extensions_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "AVAILABLE", False)
    with pytest.raises(RuntimeError):
        offer(SSL.Context(SSL.DTLS_METHOD))


@pytest.mark.parametrize("answer", [b"", b"\x05four", b"\x00more"])
def test_a_malformed_answer_ends_the_handshake(answer):
    client, server = Client(client_context(SUITE.encode()), OWN), Server(b"", SUITE)
    server.answer = answer
    with pytest.raises(SSL.Error):
        talk(client, server)
    assert client.cid.status is CidStatus.DISABLED


def test_a_suite_that_cannot_carry_a_cid_ends_the_handshake():
    context = client_context(b"ARIA128-GCM-SHA256:PSK-ARIA128-GCM-SHA256", offering=False)
    offer(context)
    client, server = Client(context, OWN), Server(b"server", "PSK-ARIA128-GCM-SHA256")
    with pytest.raises(SSL.Error):
        talk(client, server)


@pytest.mark.parametrize(
    "ciphers", [b"ALL:COMPLEMENTOFALL", b"ALL:!aNULL:!eNULL:@SECLEVEL=0", b"aPSK:!eNULL:@SECLEVEL=0"]
)
def test_the_cipher_list_leaves_what_can_carry_a_cid(ciphers):
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_cipher_list(b"@SECLEVEL=0:" + ciphers + CIPHERS)
    names = [name for name in SSL.Connection(context, None).get_cipher_list() if not name.startswith("TLS_")]
    assert len(names) > 20
    assert [name for name in names if module._suite(name) is None] == []


def test_a_resumption_with_a_server_that_has_no_cid_then():
    context, serving = client_context(SUITE.encode()), server_context(SUITE)
    first, server = Client(context, OWN), Server(None, SUITE, context=serving)
    talk(first, server)
    first.close()
    again = Client(context, OWN, first.connection.get_session())
    server = Server(None, SUITE, context=serving)
    talk(again, server)
    again.send(b"hello")
    talk(again, server)
    assert lib.SSL_session_reused(again.connection._ssl)
    assert again.cid.status is CidStatus.DISABLED
    assert server.received == [b"hello"]


def test_nothing_is_kept_of_a_connection_that_is_gone():
    gc.collect()  # connections of earlier tests
    before = len(module._connection_ids)
    client, server = connected()
    assert len(module._connection_ids) == before + 1
    del client, server
    gc.collect()
    assert len(module._connection_ids) == before


# Records.


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda r: f"{r['suite']}-{r['encrypt_then_mac']}")
def test_records_of_mbedtls(recorded):
    secrets = [bytes.fromhex(recorded[name]) for name in ("master", "client_random", "server_random")]
    suite, etm, record = recorded["suite"], recorded["encrypt_then_mac"], bytes.fromhex(recorded["record"])
    text = f"what mbedTLS said with {suite}".encode()
    engine = SSL.Connection(client_context(), None)
    connection = SimpleNamespace(
        _ssl=engine._ssl,
        master_key=lambda: secrets[0],
        client_random=lambda: secrets[1],
        server_random=lambda: secrets[2],
    )
    connection_id = ConnectionId(connection, b"client")
    hello = server_hello(suite, [(54, b"\6server")] + [(22, b"")] * etm, session=bytes(32), random=secrets[2])
    connection_id._read_hello(engine._ssl, hello)

    (plain,) = connection_id.incoming(record)
    assert plain[:11] == b"\x17" + record[1:11]
    protection = Protection(suite, etm, secrets, "server")
    assert protection.open(plain[3:11], plain_scope(plain), plain[13:]) == text
    # The other way round it has to be what mbedTLS made, octet for octet.
    inner = protection.open(record[3:11], cid_scope(record, b"client"), record[19:])
    assert protection.seal(record[3:11], cid_scope(record, b"client"), record[19:35], inner) == record[19:]


@pytest.mark.parametrize(("suite", "etm"), WAYS)
def test_a_record_that_leaves(suite, etm):
    client, server = connected(suite=suite, etm=etm)
    for size in (1, 14, 15, 16, 17, 1000):
        text = bytes(range(256)) * 4
        client.send(text[:size])
        plain, (record,) = client.plain[-1], client.take()
        protection = server._protection("client")
        head, cid, length, sealed = split(record, 11, 6, 2, len(record))
        assert (head, cid) == (b"\x19" + plain[1:11], b"server")
        assert int.from_bytes(length, "big") == len(sealed)
        inner = protection.open(head[3:], cid_scope(record, b"server"), sealed)
        assert inner == text[:size] + b"\x17"
        if not is_cbc(suite):
            assert sealed[:8] == plain[13:21] or "CHACHA20" in suite
        assert len(record) - len(plain) <= client.cid.overhead


def test_records_get_no_longer_without_a_cid_of_the_server():
    client, _ = connected(server_own=b"")
    assert client.cid.overhead == 0


def test_the_end_of_the_handshake_carries_the_cid_too():
    client, server = Client(client_context(SUITE.encode()), OWN), Server(b"server", SUITE)
    wire = []
    plain_feed = client.feed
    client.feed = lambda datagram: (wire.append(datagram), plain_feed(datagram))
    talk(client, server)
    kinds = [(record[0], record[3:5]) for datagram in wire for record in records(datagram, len(OWN))]
    assert kinds[-1] == (25, b"\0\1")
    assert all(kind != 25 for kind, epoch in kinds if epoch == b"\0\0")


@pytest.mark.parametrize("who", ["client", "server"])
def test_close_notify(who):
    client, server = connected()
    (client if who == "client" else server).close()
    assert {record[0] for record in client.sent + server.sent} == {25}
    talk(client, server)
    assert server.alert == "closed" if who == "client" else client.closed


def test_several_records_in_one_datagram():
    client, server = connected()
    client.feed(b"".join(application_record(server, text) for text in (b"one", b"two", b"three")))
    assert client.received == [b"one", b"two", b"three"]


def test_the_same_record_twice_is_received_once():
    client, server = connected()
    record = application_record(server)
    client.feed(record)
    client.feed(record)
    assert client.received == [b"hello"]


def test_records_out_of_order_are_received():
    client, server = connected()
    first, second = application_record(server, b"1"), application_record(server, b"2")
    client.feed(second)
    client.feed(first)
    assert client.received == [b"2", b"1"]


@pytest.mark.parametrize(("suite", "etm"), KINDS)
def test_what_has_to_be_dropped_is_dropped(suite, etm):
    client, server = connected(suite=suite, etm=etm)
    server.send(b"a")
    (record,) = server.take()
    nonce = record[19:35] if is_cbc(suite) else record[19:27]
    dropped = {
        "another CID": record[:11] + b"clienT" + record[17:],
        "a shorter CID": record[:11] + record[12:],
        "a changed number": record[:10] + bytes([record[10] ^ 1]) + record[11:],
        "a changed epoch": record[:4] + b"\2" + record[5:],
        "a changed version": b"\x19\xfe\xff" + record[3:],
        "a changed octet": record[:-1] + bytes([record[-1] ^ 1]),
        "cut": record[:-1],
        "nothing sealed": record[:17] + b"\0\0",
        "only zeros inside": server.seal(record, nonce, bytes(7)),
        "nothing inside": server.seal(record, nonce, b""),
        "an unknown type inside": server.seal(record, nonce, b"a\x19"),
        "no CID": b"\x17" + record[1:11] + record[17:],
    }
    for what, datagram in dropped.items():
        assert list(client.cid.incoming(datagram)) == [], what
    client.feed(record)
    assert client.received == [b"a"]


def test_a_record_of_the_server_without_a_cid_is_dropped_where_one_is_due():
    client, server = connected()
    server.connection.send(b"hello")
    plain = server.connection.bio_read(65536)
    assert list(client.cid.incoming(plain)) == []


def test_a_dropped_record_does_not_hide_the_next():
    client, server = connected()
    record = application_record(server)
    client.feed(record[:-1] + b"?" + record)
    assert client.received == [b"hello"]


@pytest.mark.parametrize("own", [b"", None])
def test_a_record_with_a_cid_is_dropped_where_none_is_due(own):
    client, server = connected(own=b"", server_own=b"server" if own is None else None)
    assert list(client.cid.incoming(b"\x19\xfe\xfd" + bytes(8) + b"\0\3abc")) == []
    server.send(b"hello")
    talk(client, server)
    assert client.received == [b"hello"]


def test_a_record_with_a_cid_before_there_are_keys_is_dropped():
    _, server = connected()
    record = application_record(server)
    fresh = Client(client_context(SUITE.encode()), OWN)
    assert list(fresh.cid.incoming(record)) == []
    fresh.pump()
    assert list(fresh.cid.incoming(record)) == []
    fresh.cid._read_hello(fresh.connection._ssl, server_hello(SUITE, [(54, b"\6server")]))
    assert fresh.cid.status is CidStatus.BIDIRECTIONAL
    assert list(fresh.cid.incoming(record)) == []


def test_renegotiation_is_refused():
    client, server = connected()
    before = len(client.plain)
    server.renegotiate()
    assert server.sent[0][0] == 25
    # A newer OpenSSL takes the refusal badly, an older one goes on.
    with suppress(SSL.Error):
        talk(client, server)
    assert [record[0] for record in client.plain[before:]] == [ALERT]
    assert client.connection.total_renegotiations() == 0


def test_a_record_that_is_not_openssls_is_an_error():
    client, _ = connected()
    client.send(b"hello")
    with pytest.raises(ValueError, match="not a record"):
        client.cid.outgoing(client.plain[-1][:-1] + b"?")


# Anything at all.

ESTABLISHED = {way: connected(suite=way[0], etm=way[1]) for way in KINDS}
RECORDS = {way: application_record(server, b"some text") for way, (_, server) in ESTABLISHED.items()}


@given(way=st.sampled_from(KINDS), datagram=st.binary(max_size=200))
def test_noise_gives_nothing_but_unprotected_records(way, datagram):
    client, _ = ESTABLISHED[way]
    for piece in client.cid.incoming(datagram):
        assert piece[3:5] == b"\0\0"
        assert piece in datagram


@given(way=st.sampled_from(KINDS), body=st.binary(max_size=120), epoch=st.sampled_from([0, 1, 2]))
def test_noise_in_the_form_of_a_record_gives_nothing(way, body, epoch):
    client, _ = ESTABLISHED[way]
    head = b"\x19\xfe\xfd" + struct.pack(">HHI", epoch, 0, 77)
    assert list(client.cid.incoming(head + OWN + struct.pack(">H", len(body)) + body)) == []


@given(way=st.sampled_from(KINDS), data=st.data())
def test_a_mutated_record_gives_nothing(way, data):
    client, _ = ESTABLISHED[way]
    record = RECORDS[way]
    position = data.draw(st.integers(0, len(record) - 1))
    change = data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(record)))
    mutated = record[:position] + bytes([record[position] ^ change]) + record[position + 1 :]
    for datagram in (mutated, record[:cut] if cut < len(record) else b"", mutated[:cut], mutated[cut:]):
        # The epoch may have become 0, which is not protected, and OpenSSL ignores it after the handshake.
        assert [piece for piece in client.cid.incoming(datagram) if piece[3:5] != b"\0\0"] == []


@given(text=st.binary(max_size=60), content=st.sampled_from([20, 21, 22, 23]), zeros=st.integers(0, 40))
def test_padding_is_taken_off(text, content, zeros):
    client, server = ESTABLISHED[KINDS[0]]
    record = RECORDS[KINDS[0]]
    (plain,) = client.cid.incoming(server.seal(record, record[19:27], text + bytes([content]) + bytes(zeros)))
    assert plain[0] == content
    assert server._protection("server").open(plain[3:11], plain_scope(plain), plain[13:]) == text


@given(message=st.binary(max_size=120))
def test_a_hello_may_be_noise(message):
    client = Client(client_context(), OWN)
    client.cid._read_hello(client.connection._ssl, b"\2" + message)
    assert client.cid.status in CidStatus


@given(data=st.data())
def test_a_hello_may_be_mutated(data):
    hello = server_hello(SUITE, [(0xFF01, b"\0"), (54, b"\3abc"), (22, b"")], session=bytes(8))
    position = data.draw(st.integers(0, len(hello) - 1))
    mutated = hello[:position] + data.draw(st.binary(max_size=4)) + hello[position + data.draw(st.integers(0, 4)) :]
    client = Client(client_context(), OWN)
    client.cid._read_hello(client.connection._ssl, mutated)
    assert client.cid.status in CidStatus


@given(changes=st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=3)), max_size=8))
def test_a_handshake_with_changed_datagrams_ends_or_goes_on(changes):
    client, server = Client(client_context(SUITE.encode()), OWN), Server(b"server", SUITE)
    client.pump()
    try:
        for _ in range(4):
            for datagram in client.take():
                server.feed(datagram)
            for datagram in server.take():
                position, noise = changes.pop() if changes else (0, b"")
                client.feed(datagram[:position] + noise + datagram[position + len(noise) :])
                client.feed(datagram)
    except SSL.Error:
        pass  # OpenSSL gave up, as it may.


def test_an_unknown_suite_has_no_name():
    client = Client(client_context(), OWN)
    assert module._cipher_name(client.connection._ssl, b"\xfa\xfa") == ""
