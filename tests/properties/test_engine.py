"""What holds for any bytes, any chunking and any order of network events, in every dialect."""

import logging
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.properties.traits import TRAITS

from vmodem import dialects
from vmodem.core.dialect import Follow
from vmodem.virtual import Virtual

every_dialect = pytest.mark.parametrize(
    "dialect", [dialects.find(name) for name in dialects.MODULES], ids=lambda d: d.name
)
with_data_mode = pytest.mark.parametrize(
    "dialect", [dialects.find(name) for name in dialects.MODULES if TRAITS[name].sends], ids=lambda d: d.name
)


@pytest.fixture(autouse=True)
def no_bug_of_ours(caplog):
    """Any error in the log is an exception that nobody expected."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def chunks(data, sizes):
    """Cut ``data`` into chunks of these sizes, over and over."""
    at = 0
    while at < len(data):
        for size in sizes:
            yield data[at : at + size]
            at += size


def end_line(dialect):
    return {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}[dialect.terminator.value]


sizes = st.lists(st.integers(1, 20), min_size=1, max_size=8)
follow = st.sampled_from(Follow)
handles = st.integers(-1, 9)
small = st.one_of(st.integers(-2, 12), st.sampled_from([64, 256, 512, 65535, 65536, 2**31, -(2**31) - 1]))
strings = st.one_of(
    st.sampled_from(['"192.0.2.1"', '"2001:db8::9"', '"peer.test"', '"nobody.test"', '"0102"', '""', "bare", "NULL"]),
    st.text(st.characters(codec="latin-1", exclude_characters='"'), max_size=20).map(lambda text: f'"{text}"'),
)


def transfers(draw, traits):
    """A line that sends, receives or accepts, with a timeout that ends."""
    line = draw(st.sampled_from(traits.transfers))
    flags = draw(st.sampled_from([0, 1, 2, 64, 256, 512, 3]))
    return line.format(h=draw(st.integers(0, 8)), f=flags, t=draw(st.integers(1, 3))).encode()


@st.composite
def command_lines(draw, dialect):
    """A line that a host might send, right or wrong; never one that enters data mode or switches the device off."""
    traits = TRAITS[dialect.name]
    names = [c.name for c in dialect.commands if c.name and not re.search(traits.unsafe, c.name)]
    name = draw(st.sampled_from([*names, *[""] * 8]))
    if not name:
        return transfers(draw, traits)
    if draw(st.integers(0, 4)) == 0:
        forms = ["?", "=?", "", "="] if traits.ping == b"AT" else ["", "="]
        return f"AT{name}{draw(st.sampled_from(forms))}".encode()
    parameters = draw(st.lists(st.one_of(small.map(str), strings, st.just("")), max_size=6))
    return f"AT{name}={','.join(parameters)}".encode("latin-1")


def fresh(dialect, side=Follow.MANUAL):
    modem = Virtual(dialect, follow=side)
    modem.network.hosts["peer.test"] = ["192.0.2.1", "2001:db8::1"]
    modem.take()
    return modem


def tell(modem, lines, cut=(1 << 20,)):
    """Send ``lines``: in one burst, or one after the other's answer where what comes too early is lost."""
    end = end_line(modem.modem.dialect)
    if not modem.modem.policy.loses_input:
        lines = [end.join([*lines, b""])] if lines else []
    else:
        lines = [line + end for line in lines]
    for burst in lines:
        for chunk in chunks(burst, cut):
            modem.send(chunk)
        if modem.modem.policy.loses_input:
            modem.wait(1000)


def results(modem):
    """Return the final results that the modem has sent."""
    return TRAITS[modem.modem.dialect.name].result.findall(modem.take())


def calm(modem):
    """End whatever waits: data mode, and commands with a timeout."""
    modem.wait(3600)
    modem.send(b"+++")
    modem.wait(3600)
    return modem.take()


@every_dialect
@given(data=st.binary(max_size=3000), cut=sizes, side=follow)
def test_any_bytes_never_raise_and_the_modem_still_answers(dialect, data, cut, side):
    modem = fresh(dialect, side)
    for chunk in chunks(data, cut):
        modem.send(chunk)
    calm(modem)
    modem.send(b'"' + end_line(dialect))  # close a quote, or open one
    modem.send(end_line(dialect))
    modem.send(b'"' + end_line(dialect))
    calm(modem)
    modem.send(end_line(dialect))
    modem.take()
    modem.channel.echo = False
    answers = b""
    for _ in range(2):  # one of the two is inside a quote
        modem.send(TRAITS[dialect.name].ping + end_line(dialect))
        answers += modem.take()
        modem.send(b'"' + end_line(dialect))
        answers += modem.take()
    assert b"OK" in answers


@every_dialect
@given(data=st.data(), cut=sizes, side=follow)
def test_every_command_line_has_exactly_one_final_result(dialect, data, cut, side):
    lines = data.draw(st.lists(command_lines(dialect), max_size=12))
    modem = fresh(dialect, side)
    tell(modem, lines, cut)
    modem.wait(100_000)
    modem.channel.echo = False
    assert len(results(modem)) == len(lines)


@every_dialect
@given(data=st.data(), cut=sizes)
def test_the_answer_does_not_depend_on_how_the_bytes_are_cut(dialect, data, cut):
    lines = data.draw(st.lists(command_lines(dialect), max_size=8))
    whole, pieces = fresh(dialect), fresh(dialect)
    tell(whole, lines)
    tell(pieces, lines, cut)
    whole.wait(100_000)
    pieces.wait(100_000)
    assert results(whole) == results(pieces)


@with_data_mode
@given(
    pieces=st.lists(st.tuples(st.binary(max_size=5000), st.booleans()), max_size=8),
    cut=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    slow=st.booleans(),
    side=follow,
)
def test_what_goes_into_data_mode_comes_out_at_the_peer(dialect, pieces, cut, slow, side):
    """Byte for byte, with pauses anywhere, and however slowly the peer reads."""
    data = b"".join(piece for piece, _ in pieces)
    assume(b"+++" not in data)
    assume(not data.endswith(b"+"))
    modem = in_data_mode(dialect, 1, side)
    peer = modem.network.peers[-1]
    if slow:
        peer.stop_reading()
    got = b""
    for piece, pause in pieces:
        for chunk in chunks(piece, cut):
            modem.send(chunk)
            if pause:
                modem.wait(0.02)
                modem.wait(0.02)
        if slow:
            peer.start_reading()
            modem.pump()
            got += peer.take()
            peer.stop_reading()
    peer.start_reading()
    modem.pump()
    modem.send(b"+++")
    modem.wait(0.1)
    got += peer.take()
    assert modem.take() == TRAITS[dialect.name].left
    assert got == data


@with_data_mode
@given(datagrams=st.lists(st.binary(min_size=1, max_size=3840), max_size=6), cut=sizes)
def test_each_pause_makes_one_datagram(dialect, datagrams, cut):
    assume(not any(b"+" in datagram for datagram in datagrams))
    modem = in_data_mode(dialect, 2)
    for datagram in datagrams:
        for chunk in chunks(datagram, cut):
            modem.send(chunk)
        modem.wait(0.04)
    assert modem.network.peers[-1].take_all() == datagrams
    modem.send(b"+++")
    modem.wait(0.1)
    assert modem.take() == TRAITS[dialect.name].left


def in_data_mode(dialect, socket_type, side=Follow.MANUAL):
    """Return a modem whose host ends its lines with a bare CR or with CR LF, in data mode with a peer."""
    traits = TRAITS[dialect.name]
    modem = fresh(dialect, side)
    for line in (traits.ping, *traits.connect[socket_type]):
        modem.send(line + end_line(dialect))
        assert b"OK" in modem.take()
    modem.send(traits.sends[socket_type] + end_line(dialect))
    assert modem.take() == traits.entered
    return modem


EVENTS = ["send", "recv", "peer sends", "peer closes", "peer resets", "poll", "stop", "wait", "close", "open", "down"]


@given(events=st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 3)), max_size=30), side=follow)
def test_any_order_of_network_events(events, side):
    """Nothing raises, nothing hangs, each command is answered once, and no URC stands inside a response."""
    modem = fresh(dialects.find("sm"), side)
    asked = 0
    for event, number in events:
        line = {
            "send": f'AT#XSEND={number},0,0,"hello"',
            "recv": f"AT#XRECV={number},0,0,1",
            "poll": f"AT#XAPOLL=1,{(0, 1, 4, 5)[number]}",
            "stop": "AT#XAPOLL=0",
            "close": f"AT#XCLOSE={number}",
            "open": f"AT#XSOCKET=1,{1 + number % 2},0",
            "down": f"AT+CFUN={(4, 1, 1, 1)[number]}",
        }.get(event)
        if line is not None:
            modem.send(line.encode() + b"\r")
            asked += 1
            if event == "open":
                handle = re.findall(rb"#XSOCKET: (\d+)", bytes(modem.channel.output))[-1:]
                for opened in handle:
                    modem.send(b'AT#XCONNECT=%s,"192.0.2.1",7\r' % opened)
                    asked += 1
        elif event == "wait":
            modem.wait(number)
        elif number < len(modem.network.peers):
            peer = modem.network.peers[number]
            if not peer.closed and not peer.gone:
                {"peer sends": lambda p: p.send(b"data"), "peer closes": lambda p: p.close()}.get(
                    event, lambda p: p.reset()
                )(peer)
                modem.pump()
    modem.wait(1000)
    output = modem.take()
    assert len(TRAITS["sm-1.0"].result.findall(output)) == asked
    assert not re.search(rb"#X(SEND|CLOSE|SOCKET|CONNECT): [^\r]*\r\n\r\n#XAPOLL", output)


@every_dialect
@given(data=st.data(), side=follow)
def test_closing_leaves_nothing(dialect, data, side):
    lines = data.draw(st.lists(command_lines(dialect), max_size=12))
    modem = fresh(dialect, side)
    end = end_line(dialect)
    modem.send(end.join([*lines, b""]))
    modem.modem.close()
    assert not modem.network.sockets
    assert modem.modem.deadline is None
    modem.pump()
    modem.channel.output.clear()
    modem.send(TRAITS[dialect.name].ping + end)
    assert not modem.take()
