"""The command line as contract and users see it: exit statuses, one-line errors, the ready file, signals."""

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from tests.hosts import Host, PtyHost, open_host
from tests.patience import eventually
from tests.peers import accept, port_of, receive, tcp_server
from tests.process import Process

OK = b"\r\nOK\r\n"


def vmodem(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "vmodem", *arguments], capture_output=True, text=True, timeout=20, check=False, **options
    )


class TestServe:
    def test_a_pseudo_terminal_is_the_default_and_its_path_is_printed(self):
        with Process() as served:
            assert Path(served.where[0]).is_char_device()
            served.host().ask("AT")
            assert served.stop() == (0, "")

    def test_link(self, tmp_path):
        link = tmp_path / "modem"
        with Process("--pty", str(link)) as served:
            assert link.is_symlink()
            assert served.where == [str(link)]
            served.host().ask("AT")
        assert not link.is_symlink()

    def test_a_stale_link_is_replaced(self, tmp_path):
        link = tmp_path / "modem"
        link.symlink_to("/nowhere")
        with Process("--pty", str(link)) as served:
            served.host().ask("AT")

    def test_several_endpoints_and_the_ready_file(self, tmp_path):
        ready, link = tmp_path / "ready.json", tmp_path / "modem"
        options = ["--tcp", "0", "--pty", str(link), "--tcp", "[::1]:0", "--ready-file", str(ready)]
        with Process(*options, endpoints=3) as served:
            document = json.loads(ready.read_text())
            kinds = [endpoint["kind"] for endpoint in document["endpoints"]]
            assert (document["dialect"], document["pid"], kinds) == (
                "sm-1.0",
                served.running.pid,
                ["tcp", "pty", "tcp"],
            )
            first, second, third = document["endpoints"]
            assert (first["host"], second["path"], third["host"]) == ("127.0.0.1", str(link), "::1")
            for number in range(3):
                served.host(number).ask("AT")
            with socket.create_connection((first["host"], first["port"])) as host:
                assert host.recv(7) == b"Ready\r\n"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_the_ready_file_goes_with_the_program(self, tmp_path, number):
        ready = tmp_path / "ready.json"
        with Process("--tcp", "0", "--ready-file", str(ready)) as served:
            assert ready.exists()
            assert served.stop(number) == (0, "")
            assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            (["--serial", "/dev/null"], 1),
            (["--address", "192.0.2.1"], 1),
            (["--config", "/does/not/exist"], 2),
            (["--stdio", "--stdio"], 2),
        ],
    )
    def test_the_ready_file_of_a_run_that_was_killed_goes_whatever_becomes_of_the_next(self, tmp_path, options, status):
        ready = tmp_path / "ready.json"
        with Process("--tcp", "0", "--ready-file", str(ready)) as served:
            served.running.kill()
            served.running.wait()
        assert ready.exists()
        assert vmodem("serve", "--ready-file", str(ready), *options, stdin=subprocess.DEVNULL).returncode == status
        assert os.listdir(tmp_path) == []

    def test_each_connection_is_a_modem_of_its_own(self):
        with Process("--tcp", "0") as served:
            one, other = served.host(), served.host()
            for host in (one, other):
                host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
            one.close()
            other.ask("AT#XSOCKET?", b"\r\n#XSOCKET: 0,1,0,1,0\r\n\r\nOK\r\n")

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_signals_end_it_with_status_0_and_close_every_socket(self, number):
        with Process("--tcp", "0") as served, socket.create_server(("127.0.0.1", 0)) as listener:
            host = served.host()
            host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
            port = listener.getsockname()[1]
            host.ask(f'AT#XCONNECT=0,"127.0.0.1",{port}', b"\r\n#XCONNECT: 0,1\r\n\r\nOK\r\n")
            host.send(b"AT#XRECV=0,0,0,0\r")
            assert served.stop(number) == (0, "")
            assert listener.accept()[0].recv(1) == b""

    def test_terminator(self):
        with Process("--tcp", "0", "--terminator", "crlf") as served:
            host = served.host()
            host.send(b"AT\r")
            host.silent()
            host.send(b"\n")
            host.expect(OK)

    def test_follow_firmware(self):
        with Process("--tcp", "0", "--follow", "firmware") as served:
            host = served.host()
            for handle in range(7):
                host.ask("AT#XSOCKET=1,2,0", f"\r\n#XSOCKET: {handle},2,17\r\n\r\nOK\r\n")
            host.ask("AT#XSOCKET=1,2,0", b"\r\nERROR\r\n")

    def test_offline(self):
        with Process("--tcp", "0", "--offline") as served, socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            host = served.host()
            host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
            host.ask(f'AT#XCONNECT=0,"127.0.0.1",{port}', b"\r\nERROR\r\n")
            host.ask("AT+CFUN=1")
            host.ask(f'AT#XCONNECT=0,"127.0.0.1",{port}', b"\r\n#XCONNECT: 0,1\r\n\r\nOK\r\n")

    def test_address(self):
        with Process("--tcp", "0", "--address", "127.0.0.9") as served:
            host = served.host()
            host.ask("AT#XSOCKET=1,1,1", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
            with socket.create_server(("127.0.0.9", 0)) as free:
                port = free.getsockname()[1]
            host.ask(f"AT#XBIND=0,{port}")
            host.ask("AT#XLISTEN=0")
            socket.create_connection(("127.0.0.9", port)).close()
            with socket.create_server(("127.0.0.1", 0)) as listener:
                port = listener.getsockname()[1]
                host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 1,1,6\r\n\r\nOK\r\n")
                host.ask(f'AT#XCONNECT=1,"127.0.0.1",{port}', b"\r\n#XCONNECT: 1,1\r\n\r\nOK\r\n")
                assert listener.accept()[1][0] == "127.0.0.9"

    def test_config(self, tmp_path):
        config = tmp_path / "modem.toml"
        config.write_text('[identity]\nimei = "123456789012345"\n')
        with Process("--tcp", "0", "--config", str(config)) as served:
            served.host().ask("AT+CGSN", b"\r\n123456789012345\r\n\r\nOK\r\n")

    def test_the_next_host_hears_nothing_that_was_meant_for_the_last_one(self):
        with Process("--dialect", "slm-2.7") as served, tcp_server() as listener:
            for _ in range(10):
                host = served.host()
                host.ask(f'AT#XTCPCLI=1,"127.0.0.1",{port_of(listener)}', b'\r\n#XTCPCLI: 1,"connected"\r\n\r\nOK\r\n')
                with accept(listener):
                    host.close()
                served.host().close()  # its first bytes are the banner

    def test_hangup_keep(self):
        with Process("--hangup", "keep") as served:
            host = served.host()
            host.ask("AT#XSOCKET=1,1,0", b"\r\n#XSOCKET: 0,1,6\r\n\r\nOK\r\n")
            host.close()
            again = PtyHost(served.where[0])
            again.ask("AT#XSOCKET?", b"\r\n#XSOCKET: 0,1,0,1,0\r\n\r\nOK\r\n")

    def test_serial(self):
        master, slave = os.openpty()
        with Process("--serial", f"{os.ttyname(slave)}@9600", stdin=subprocess.DEVNULL):
            assert os.read(master, 100) == b"Ready\r\n"
            os.write(master, b"AT#XDATACTRL?\r")
            expected = b"\r\n#XDATACTRL: 0,276\r\n" + OK
            got = b""
            while len(got) < len(expected):
                got += os.read(master, 100)
            assert got == expected

    def test_the_host_changes_the_speed_of_a_serial_port(self):
        master, slave = os.openpty()
        options = ["--dialect", "slm-2.0", "--serial", f"{os.ttyname(slave)}@9600"]
        with Process(*options, stdin=subprocess.DEVNULL):
            host = Host(master, b"\r\n")
            host.expect(b"Ready\r\n")
            host.ask("AT#XSLMUART=57600,1")
            eventually(lambda: termios.tcgetattr(slave)[5] == termios.B57600)
            assert termios.tcgetattr(slave)[2] & termios.CRTSCTS
            host.ask("AT#XSLMUART?", b"\r\n#XSLMUART: 57600,1\r\n\r\nOK\r\n")

    def test_a_serial_port_that_goes_away_ends_it_with_status_1(self):
        master, slave = os.openpty()
        name = os.ttyname(slave)
        served = Process("--serial", name)
        os.close(slave)
        os.close(master)
        eventually(lambda: served.running.poll() is not None)
        status, log = served.stop()
        assert status == 1
        assert log.endswith(f"the serial port {name} has gone\n")


class TestStdio:
    def test_a_conversation(self):
        done = vmodem("serve", "--stdio", input="AT\rAT#XSOCKET=1,1,0\rgarbage\r")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "Ready\n\nOK\n\n#XSOCKET: 0,1,6\n\nOK\n\nERROR\n".replace("\n", "\n")

    def test_commands_that_wait_are_finished(self):
        done = vmodem("serve", "--stdio", input='AT#XGETADDRINFO="localhost",1\rAT\r')
        assert done.stdout.split() == ["Ready", "#XGETADDRINFO:", '"127.0.0.1"', "OK", "OK"]

    def test_a_file_is_read_too(self, tmp_path):
        script = tmp_path / "script"
        script.write_bytes(b"AT\r" * 5000)
        with script.open() as commands:
            done = vmodem("serve", "--stdio", stdin=commands)
        assert done.stdout.split() == ["Ready"] + ["OK"] * 5000

    def test_a_command_that_would_wait_for_ever_does_not(self):
        done = vmodem("serve", "--stdio", input="AT#XSOCKET=1,2,0\rAT#XRECVFROM=0,0,0,0\rAT\r")
        assert (done.returncode, done.stdout.split()[-1]) == (0, "OK")

    def test_binary(self):
        done = subprocess.run(
            [sys.executable, "-m", "vmodem", "serve", "--stdio"],
            input=bytes(range(256)) + b'"\rAT\r',
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0
        assert done.stdout.endswith(OK)

    def test_a_slow_peer_gets_everything_after_the_end_of_input(self):
        data = random.Random(3).randbytes(1_500_000).replace(b"+", b"-")
        with tcp_server() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            process = subprocess.Popen(
                [sys.executable, "-m", "vmodem", "serve", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            threading.Thread(target=self.feed, args=(process, port_of(listener), data), daemon=True).start()
            peer = accept(listener)
            begin = time.monotonic()
            got = bytearray()
            while len(got) < len(data):
                got += receive(peer, min(20_000, len(data) - len(got)))
                if time.monotonic() - begin < 2.5:  # for longer than the grace
                    select.select([], [], [], 0.05)
            assert got == data
            assert process.stdout.read().endswith(b"\r\n#XDATAMODE: 0\r\n\r\n#XCLOSE: 0,0\r\n\r\nOK\r\n")
            assert process.wait(20) == 0

    def feed(self, process, port, data):
        process.stdin.write(b'AT#XSOCKET=1,1,0\rAT#XCONNECT=0,"127.0.0.1",%d\rAT#XSEND=0,2,0\r' % port)
        process.stdin.write(data + b"+++AT#XCLOSE\r")
        process.stdin.close()

    @pytest.mark.parametrize("redirection", ["<&-", ">&-"])
    def test_closed_descriptors(self, redirection):
        done = self.shell(f"serve --stdio {redirection}")
        assert (done.returncode, done.stderr) == (1, "vmodem serve: standard input and output are not both open\n")

    def test_output_that_cannot_be_written(self):
        done = self.shell("serve --stdio > /dev/full")
        assert done.returncode == 1
        assert done.stderr.endswith("standard output: No space left on device\n")
        done = self.shell("serve --tcp 0 > /dev/full")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)

    def test_a_reader_that_has_seen_enough(self):
        done = self.shell("commands sm --errata | head -1")
        assert (done.stdout, done.stderr) == ("Socket AT commands\n", "")

    def shell(self, command):
        return subprocess.run(
            ["bash", "-c", f"printf 'AT\\r' | {sys.executable} -m vmodem {command}"],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip


def test_version():
    done = vmodem("--version")
    assert re.fullmatch(r"vmodem \d+\.\d+\.\d+\n", done.stdout)


def test_dialects():
    lines = vmodem("dialects").stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["sm-1.0", "slm-1.9", "slm-2.0", "slm-2.7", "ameba-2.4"]
    assert all(re.fullmatch(r"\S+  \S.+  \d+ commands", line) for line in lines)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sm", "AT#XSOCKET  set,read,test  Open a socket"),
        ("slm-1.9", "AT#XSOCKET  set,read,test  Open or close a socket"),
        ("slm-2.0", "AT#XPOLL  set  Poll sockets"),
        ("slm", "AT#XTCPSVR  set,read,test  Start or stop the TCP server"),
        ("ameba", "AT+SKTQUERY  set  "),
    ],
)
def test_commands(name, shown):
    lines = vmodem("commands", name).stdout.splitlines()
    assert any(line.startswith(shown) for line in lines)
    assert all(re.fullmatch(r"AT\S*  (set|read|test)(,(read|test))*  \S.*", line) for line in lines)


@pytest.mark.parametrize(
    ("name", "word", "shown"),
    [
        ("sm", "XSOCKET", ["AT#XSOCKET=<op>,<type>,<role>[,<cid>]", "    2: IPv6", "    #XSOCKET: <handle>,<type>,"]),
        ("sm", "at#xclose", ["AT#XCLOSE[=<handle>]", "    #XCLOSE: <handle>,<result>  for each socket"]),
        ("sm", "AT", ["AT"]),
        ("sm", "E", ["ATE<value>"]),
        ("slm-1.9", "+CFUN", ["AT+CFUN=<fun>", "    41: switch the SIM on, and no more"]),
        ("slm-2.0", "XPOLL", ["AT#XPOLL=<timeout>[,<handles>,...]"]),
        (
            "slm",
            "XTCPSVR",
            ["AT#XTCPSVR=<op>[,<port>[,<sec_tag>]]", "  answer:   ERROR for another one; with --follow"],
        ),
        ("ameba", "AT+SKTDEL", ["AT+SKTDEL=<link_id>"]),
    ],
)
def test_one_command(name, word, shown):
    done = vmodem("commands", name, word)
    assert (done.returncode, done.stderr) == (0, "")
    for line in shown:
        assert any(one.startswith(line) for one in done.stdout.splitlines()), line


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("XSOCKT", "did you mean AT#XSOCKET"),
        ("+CFN", "did you mean AT+CFUN"),
        ("zebra", "'vmodem commands sm-1.0' lists them"),
        ("a\nb", "'vmodem commands sm-1.0' lists them"),
    ],
)
def test_a_command_that_there_is_not(word, says):
    done = vmodem("commands", "sm", word)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr


def test_the_errata_of_one_command():
    lines = vmodem("commands", "sm", "XAPOLL", "--errata").stdout.splitlines()
    assert {line for line in lines if not line.startswith("  ")} == {"#XAPOLL"}


@pytest.mark.parametrize("name", ["sm", "slm-1.9", "slm-2.0", "slm", "ameba"])
def test_errata(name):
    assert "with --follow firmware" in vmodem("commands", name, "--errata").stdout


class TestPlay:
    """`vmodem play` as a process: what it prints where, and its status."""

    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "good.at").write_text("> AT\n< OK\n")
        (tmp_path / "bad.at").write_text("> AT#XSOCKET=9,1,0\n< #XSOCKET: 0,1,6\n")
        return tmp_path

    def test_a_folder_and_a_report(self, folder):
        report = folder / "report.xml"
        done = vmodem("play", str(folder), "--junit", str(report))
        assert (done.returncode, done.stderr) == (1, "")
        assert "reason:   <op> 9 is none of 1, 2\n" in done.stdout
        assert done.stdout.endswith("2 files: 1 block passed, 1 failed\n")
        assert b'<testsuite name="%b/bad.at"' % str(folder).encode() in report.read_bytes()

    def test_an_interrupt_is_no_traceback(self, tmp_path):
        os.mkfifo(tmp_path / "slow.at")
        command = [sys.executable, "-m", "vmodem", "play", str(tmp_path / "slow.at")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            with (tmp_path / "slow.at").open("w"):  # it reads, and waits for more
                process.send_signal(signal.SIGINT)
                assert process.communicate(timeout=20) == ("", "")
            assert process.returncode == 130

    def test_words_and_the_log(self, folder):
        done = vmodem("play", str(folder), "-k", "xsocket", "--log-level", "info")
        told = f"INFO {folder}/bad.at:1: AT#XSOCKET=9,1,0: <op> 9 is none of 1, 2\n"
        assert (done.returncode, done.stderr) == (1, told)
        assert vmodem("play", str(folder), "-k", "GOOD").returncode == 0

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (
                ["--port", "/dev/null"],
                "cannot use /dev/null as a serial port: Inappropriate ioctl for device; a serial",
            ),
            (["--port", "/does/not/exist"], "cannot open /does/not/exist: No such file or directory; a path"),
            (["--port", "/"], "cannot open /: Is a directory; a file would be right"),
            (["--junit", "/dev/full"], "/dev/full: No space left on device"),
            (["--junit", "/does/not/exist"], "/does/not/exist: No such file or directory; a path"),
        ],
    )
    def test_one_line(self, folder, arguments, says):
        done = vmodem("play", str(folder / "good.at"), *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.startswith(f"vmodem play: {says}")

    def test_the_port_goes_away(self, folder):
        master, slave = os.openpty()
        name = os.ttyname(slave)
        play = [sys.executable, "-m", "vmodem", "play", str(folder), "--port", name]
        process = subprocess.Popen(play, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.read(master, 100)
        os.close(slave)
        os.close(master)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (1, "", f"vmodem play: {name} has gone: Input/output error\n")

    def test_a_line_that_makes_no_sense(self, folder):
        done = vmodem("play", str(folder), "--update", "--junit", "report.xml")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("vmodem play: --update goes with neither --port nor --junit; see")

    def test_update_of_a_folder(self, folder):
        done = vmodem("play", "--update", str(folder))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert (folder / "bad.at").read_text() == "> AT#XSOCKET=9,1,0\n< ERROR\n"
        assert vmodem("play", str(folder)).returncode == 0

    @pytest.mark.parametrize(
        ("redirection", "says"),
        [
            ("| head -1 >&2", "{}/bad.at:2:\n"),
            ("> /dev/full", "vmodem play: cannot write to standard output: No space left on device\n"),
        ],
    )
    def test_an_output_that_takes_nothing(self, folder, redirection, says):
        (folder / "bad.at").write_text("> AT\n< NO\n\n" * 1000)
        done = subprocess.run(
            f"{sys.executable} -m vmodem play {folder} {redirection}",
            shell=True, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.stderr == says.format(folder)

    def test_names_and_texts_that_the_terminal_does_not_know(self, folder):
        (folder / "\udcff\u0100.at").write_text("> AT\n< \u0101\n")
        done = vmodem("play", str(folder), env={**os.environ, "PYTHONIOENCODING": "ascii"})
        assert (done.returncode, done.stderr) == (1, "")
        assert r"\udcff\u0100.at: 0 blocks passed, 1 failed" in done.stdout


class TestPower:
    """``--boot`` and ``--start``, at every kind of endpoint."""

    @pytest.mark.parametrize("boot", ["with-host", "at-start"])
    @pytest.mark.parametrize("dialect", ["sm-1.0", "slm-2.7", "ameba-2.4"])
    def test_boot_on_standard_input(self, dialect, boot):
        probe = {"sm-1.0": "AT\r\n", "slm-2.7": "AT\r\n", "ameba-2.4": "AT+TEST\r\n"}[dialect]
        done = vmodem("serve", "--stdio", "--dialect", dialect, "--boot", boot, input=probe)
        banner = "ATCMD READY" if dialect == "ameba-2.4" else "Ready"
        assert done.stdout.split("\n")[0] == (banner if boot == "with-host" else "")
        assert done.stdout.split()[-1] == "OK"

    @pytest.mark.parametrize("endpoint", [["--tcp", "0"], ["--pty"], ["--pty", "--hangup", "keep"]])
    def test_who_is_on_already_greets_nobody(self, endpoint):
        with Process(*endpoint, "--boot", "at-start") as served:
            for _ in range(3):
                host = open_host(served.where[0])
                host.silent()
                host.ask("AT")
                host.ask("AT#XRESET")
                host.expect(b"Ready\r\n")
                host.close()

    def test_on_a_serial_port(self):
        master, slave = os.openpty()
        with Process("--serial", os.ttyname(slave), "--boot", "at-start", stdin=subprocess.DEVNULL):
            host = Host(master)
            host.silent()
            host.ask("AT")

    def test_start_device(self):
        with Process("--tcp", "0", "--start", "device") as served:
            host = served.host()
            host.ask("AT%XSYSTEMMODE=1,1,0,0")
            host.ask("AT+CEREG=1")
            host.ask("AT+CGEREP=1")
            begun = time.monotonic()
            host.ask("AT+CFUN=1")
            for line in ("+CGEV: EXCE STATUS 0", "+CEREG: 2", "+CGEV: ME PDN ACT 0", "+CEREG: 1"):
                host.expect(f"\r\n{line}\r\n".encode())
            assert time.monotonic() - begun > 2.8

    @pytest.mark.parametrize(
        ("options", "fun"),
        [
            ([], 1),
            (["--start", "attached"], 1),
            (["--offline"], 0),
            (["--start", "offline"], 0),
            (["--start", "device"], 0),
            (["--offline", "--start", "attached"], 1),
        ],
    )
    def test_start(self, options, fun):
        done = vmodem("serve", "--stdio", *options, input="AT+CFUN?\r")
        assert f"+CFUN: {fun}" in done.stdout

    @pytest.mark.parametrize(
        ("options", "text", "fun", "greeted"),
        [
            ([], 'start = "device"', 0, True),
            ([], 'boot = "at-start"', 1, False),
            (["--start", "device", "--boot", "at-start"], "", 0, False),
            (["--start", "device"], "offline = false", 1, True),
            (["--boot", "at-start"], 'boot = "with-host"', 1, True),
        ],
    )
    def test_a_modem_of_the_file(self, tmp_path, options, text, fun, greeted):
        config = tmp_path / "modem.toml"
        config.write_text(f'[[modem]]\nendpoint = "stdio"\n{text}\n')
        done = vmodem("serve", "--config", str(config), *options, input="AT+CFUN?\r")
        assert (f"+CFUN: {fun}" in done.stdout, done.stdout.startswith("Ready")) == (True, greeted)
