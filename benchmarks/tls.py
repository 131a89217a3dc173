"""The same over TLS 1.2: handshakes, a short send, an echo, a lot of data; beside plain TCP and OpenSSL's client."""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from functools import partial

from benchmarks.measure import MIB, in_turns, medians, round_trip, stream
from benchmarks.peers import PLAIN, SUITE, Sink, connect, pinned, run, s_client, tls_context, vmodem

TAG = 1
DATA = b"x" * 32
SECURE = b"AT#XSSOCKET=1,1,0,%d,2\r" % TAG


def secured(folder):
    """Return the options of a modem that trusts the CA in ``folder``."""
    store = os.path.join(folder, "store")
    run("credentials", "add", "--credentials", store, str(TAG), "ca", os.path.join(folder, "ca.pem"))
    return "--credentials", store


def handshakes(short):
    """TLS handshakes in a second (certificate verified), beside openssl s_time -new"""
    if shutil.which("openssl") is None:
        return "-", "-", "-", "- (openssl is not installed)"
    seconds, ours, theirs = (1 if short else 3), [], []
    with tempfile.TemporaryDirectory() as folder:
        sink = Sink(tls_context(folder))
        with vmodem(*secured(folder)) as modem, modem.host() as terminal:
            for _ in range(1 if short else 5):
                count, end = 0, time.perf_counter() + seconds
                while time.perf_counter() < end:
                    connect(terminal, sink.port, SECURE)
                    terminal.ask(b"AT#XCLOSE=0\r")
                    count += 1
                ours.append(count / seconds)
                theirs.append(_s_time(sink.port, folder, seconds))
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    return f"{ours:.0f} /s", f"{theirs:.0f} /s", f"{ours / theirs:.2f}", "-"


def _s_time(port, folder, seconds):
    command = ["openssl", "s_time", "-new", "-tls1_2", "-time", str(seconds), "-verify", "2", "-cipher", SUITE]
    command += ["-CAfile", os.path.join(folder, "ca.pem"), "-connect", f"127.0.0.1:{port}"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    count, took = re.search(r"(\d+) connections in (\d+) real seconds", said).groups()
    return int(count) / max(1, int(took))


def tls_send(short):
    """AT#XSEND of 32 bytes over TLS, beside the same over TCP"""
    rounds, count = (5, 500) if short else (15, 3000)
    line = b'AT#XSEND=0,0,0,"' + DATA + b'"\r'
    with tempfile.TemporaryDirectory() as folder, pinned(min(os.sched_getaffinity(0))):
        context = tls_context(folder)
        options = secured(folder)
        sinks = [Sink(context), Sink()]
        with vmodem(*options) as one, vmodem() as other, one.host() as ours, other.host() as theirs:
            terminals = [ours, theirs]
            for terminal, sink, opening in zip(terminals, sinks, (SECURE, PLAIN), strict=True):
                connect(terminal, sink.port, opening)
            ours, theirs, ratio = medians(
                in_turns([partial(round_trip, terminal, line, count) for terminal in terminals], rounds)
            )
    return f"{ours:.1f} us", f"{theirs:.1f} us", f"{ratio:.2f}", "at most 1.6"


def tls_echo(short):
    """32 bytes there and back over TLS: AT#XTCPSEND to #XTCPDATA, beside openssl s_client"""
    rounds, count = (5, 200) if short else (15, 1000)
    line = b'AT#XTCPSEND="' + DATA + b'"\r\n'
    with tempfile.TemporaryDirectory() as folder:
        sink = Sink(tls_context(folder), echo=True)
        serving = vmodem("--dialect", "slm-2.7", *secured(folder))
        with serving as modem, modem.host() as terminal, s_client(sink.port, folder) as client:
            terminal.ask(b'AT#XTCPCLI=1,"127.0.0.1",%d,%d\r\n' % (sink.port, TAG))
            echoes = partial(_echo_modem, terminal, line, count), partial(_echo_client, client, count)
            ours, theirs, ratio = medians(in_turns(echoes, rounds))
    return f"{ours:.1f} us", f"{theirs:.1f} us", f"{ratio:.2f}", "-"


def _echo_modem(terminal, line, count):
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        os.write(terminal.fd, line)
        got = b""
        while b"\r\nOK\r\n" not in got or got.count(DATA) < 1:
            got += os.read(terminal.fd, 4096)
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1000


def _echo_client(client, count):
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        client.stdin.write(DATA)
        got = 0
        while got < len(DATA):
            got += len(os.read(client.stdout.fileno(), 4096))
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1000


def tls_throughput(short):
    """Data mode over TLS, beside plain data mode"""
    size = (8 if short else 64) * MIB
    with tempfile.TemporaryDirectory() as folder:
        context, rates = tls_context(folder), []
        options = secured(folder)
        for _ in range(2 if short else 5):
            rates.append([_data_mode(options, context if secure else None, size) for secure in (True, False)])
    ours, theirs, ratio = medians(rates)
    return f"{ours:.0f} MiB/s", f"{theirs:.0f} MiB/s", f"{ratio:.2f}", "at least 0.5"


def tls_throughput_beside(short):
    """Data mode over TLS, beside openssl s_client with a pipe"""
    size = (8 if short else 64) * MIB
    with tempfile.TemporaryDirectory() as folder:
        context, rates = tls_context(folder), []
        options = secured(folder)
        for _ in range(2 if short else 5):
            ours = _data_mode(options, context, size)
            sink = Sink(context)
            with s_client(sink.port, folder) as client:
                theirs = stream(client.stdin.fileno(), sink, size)
            rates.append((ours, theirs))
    ours, theirs, ratio = medians(rates)
    return f"{ours:.0f} MiB/s", f"{theirs:.0f} MiB/s", f"{ratio:.2f}", "-"


def _data_mode(options, context, size):
    sink = Sink(context)
    with vmodem(*options) as modem, modem.host() as terminal:
        connect(terminal, sink.port, PLAIN if context is None else SECURE)
        terminal.ask(b"AT#XSEND=0,2,0\r")
        return stream(terminal.fd, sink, size, ends_with=b"+++")


BENCHMARKS = (handshakes, tls_send, tls_echo, tls_throughput, tls_throughput_beside)
