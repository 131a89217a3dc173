"""The TLS of one modem: what it shares with others, what ends with it, and what replays."""

from __future__ import annotations

import gc
import weakref

import pytest
from tests import cid
from tests.certificates import CERTIFICATES, shared_key
from tests.secured import ask, connected

from vmodem import dialects
from vmodem.core.power import Start
from vmodem.credentials.store import Area, Kind, Slot, Store
from vmodem.net.fake import FakeNetwork
from vmodem.net.interface import Family, SocketType
from vmodem.net.layer import NetworkLayer
from vmodem.tls import contexts
from vmodem.tls.contexts import context_for
from vmodem.tls.security import Bundle, CredentialError, PeerVerify, Security
from vmodem.tls.stack import Tls
from vmodem.virtual import Virtual

STREAM, DGRAM = SocketType.STREAM, SocketType.DGRAM
OK = b"\r\nOK\r\n"
TRUSTING = Security(bundle=CERTIFICATES.trusting())
HAVING = Security(bundle=CERTIFICATES.having(CERTIFICATES.server), server=True, peer_verify=PeerVerify.NONE)
KEYED = Security(bundle=shared_key(), server=True)


class TestContexts:
    """They hold private keys."""

    @pytest.fixture(autouse=True)
    def nothing_of_others(self):
        gc.collect()
        self.before = len(contexts._shared)
        yield
        gc.collect()
        assert len(contexts._shared) == self.before

    @pytest.mark.parametrize("security", [TRUSTING, HAVING, KEYED], ids=["CA", "certificate", "pre-shared key"])
    @pytest.mark.parametrize("kind", [STREAM, DGRAM])
    def test_one_for_all_modems_until_the_last_one_is_closed(self, security, kind):
        first, second = Tls(bytes), Tls(bytes)
        first.check(security, kind)
        second.check(security, kind)
        context = weakref.ref(context_for(security, datagrams=kind is DGRAM))
        assert len(contexts._shared) == self.before + 1
        first.close()
        assert context() is not None
        second.close()
        assert context() is None

    def test_one_ends_with_a_modem_that_nobody_has_any_more(self):
        tls = Tls(bytes)
        tls.check(HAVING, STREAM)
        context = weakref.ref(context_for(HAVING, datagrams=False))
        del tls
        assert context() is None

    @pytest.mark.parametrize("layers", [(), (NetworkLayer,)], ids=["plain", "layered"])
    @pytest.mark.parametrize("end", ["close", "power_off", "restart"])
    def test_a_modem_that_is_switched_off_has_none_although_it_was_connected(self, end, layers):
        modem, server = connected(layers=layers)
        server.socket.close()
        server.socket.abort(0)
        context = weakref.ref(next(iter(modem.modem.tls._memory._contexts)))
        getattr(modem.modem, end)()
        assert context() is None
        assert not modem.modem.tls.busy
        assert not modem.network.sockets

    def test_the_peer_of_a_modem_that_is_closed_hears_a_goodbye(self):
        modem, server = connected()
        modem.modem.close()
        server.carry()
        assert server.socket.recv(10, 0) == b""
        server.socket.close()

    def test_a_modem_keeps_those_that_it_used_last(self):
        tls = Tls(bytes)
        for number in range(20):
            tls.check(Security(bundle=Bundle(psk=b"%d" % number)), STREAM)
        assert len(tls._memory._contexts) == len(contexts._shared) - self.before == 16
        tls.close()

    def test_a_bundle_that_cannot_be_used_leaves_nothing(self):
        with pytest.raises(CredentialError):
            Tls(bytes).check(Security(bundle=Bundle(ca=b"nonsense")), STREAM)

    def test_a_thousand_modems_have_one(self):
        modems = [Tls(bytes) for _ in range(1000)]
        for tls in modems:
            tls.check(HAVING, STREAM)
        assert len(contexts._shared) == self.before + 1


class TestStack:
    def test_a_closed_one_can_be_used_again(self):
        network = FakeNetwork()
        network.driver = Virtual(dialects.find("sm-1.0"))
        tls = Tls(bytes)
        for _ in range(2):
            plain = network.open(Family.IPV4, DGRAM)
            plain.connect(("192.0.2.1", 7))
            tls.secure(plain, TRUSTING)
            assert tls.busy
            tls.close()
            assert (tls.busy, network.sockets) == (False, [])

    def test_purging_what_was_never_used(self):
        tls = Tls(bytes)
        tls.purge()
        tls.close()


class TestReplay:
    """The same calls give the same bytes for the host, although OpenSSL draws other numbers each time."""

    def test_tls(self):
        assert self.run_tls() == self.run_tls()

    def run_tls(self):
        modem, server = connected()
        heard = [modem.take(), ask(modem, "AT#XAPOLL=1,1")]
        for size in (1, 100, 1400):
            heard.append(ask(modem, 'AT#XSEND=0,0,0,"' + "x" * size + '"'))
            server.socket.send(b"y" * size)
            server.carry()
            heard += [server.socket.recv(10000, 0), modem.take(), ask(modem, "AT#XRECV=0,0,0,5")]
        server.socket.close()
        server.carry()
        modem.wait(1)
        heard += [modem.take(), ask(modem, "AT#XRECV=0,0,0,5"), ask(modem, "AT#XCLOSE=0")]
        assert b"#XAPOLL: 0," in b"".join(heard)
        return heard

    def test_a_connection_identifier(self):
        first, own = self.run_cid(), self.sent_cid
        assert first == self.run_cid()
        assert own == self.sent_cid != b""

    def run_cid(self):
        store = Store()
        store.write(Slot(Area.MODEM, 1, Kind.PSK), cid.PSK.hex().encode())
        store.write(Slot(Area.MODEM, 1, Kind.PSK_IDENTITY), cid.IDENTITY)
        modem = Virtual(dialects.find("sm-1.0"), store=store)
        modem.take()
        heard = [ask(modem, "AT#XSSOCKET=1,2,0,1,0"), ask(modem, "AT#XSSOCKETOPT=0,1,14,2")]
        modem.send(b'AT#XCONNECT=0,"192.0.2.1",7\r')
        peer = modem.network.peers[-1]
        server = cid.Server(b"server", "PSK-AES128-GCM-SHA256")
        hellos = []

        def carry():
            for datagram in peer.take_all():
                hellos.append(datagram)
                server.feed(datagram)
            for datagram in server.take():
                peer.send(datagram)
            modem.pump()

        for _ in range(10):
            carry()
        heard += [modem.take(), ask(modem, "AT#XSSOCKETOPT=0,0,15"), ask(modem, 'AT#XSEND=0,0,0,"up"')]
        carry()
        server.send(b"down")
        carry()
        heard += [server.received, ask(modem, "AT#XRECV=0,0,0,100")]
        self.sent_cid = hellos[0][hellos[0].index(b"\x00\x36\x00\x09\x08") + 5 :][:8]
        return heard

    def test_a_key(self):
        def generated():
            modem = Virtual(dialects.find("sm-1.0"), start=Start.OFFLINE)
            ask(modem, "AT+CFUN=4")
            answer = ask(modem, "AT%KEYGEN=7,2,1")
            return answer[:-150], modem.modem.store.read(Slot(Area.MODEM, 7, Kind.KEY)).content

        assert generated() == generated()
