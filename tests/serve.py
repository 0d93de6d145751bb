#!/usr/bin/env python3
"""tests/serve.py ZKSIM [NAME...]: the live host from outside: clients of the protocol's own octets, faults, and clients that misbehave.

Nothing here waits for a time to pass: each step waits for a line, an answer or the end of a connection.
"""
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile

ZKSIM = os.path.abspath(sys.argv[1])
PATIENCE = 60  # seconds, for an answer that has to come
TEST_SECONDS = 300  # for a test, whatever it waits for

CREATE, DELETE, EXISTS, GET, SET, CHILDREN, SYNC, PING, CLOSE = 1, 2, 3, 4, 5, 8, 9, 11, -11
EPHEMERAL = 1
NONODE = -101


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def text(value):
    octets = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">i", len(octets)) + octets


def frame(octets):
    return struct.pack(">i", len(octets)) + octets


OPEN_ACL = struct.pack(">ii", 1, 31) + text("world") + text("anyone")


class Gone(Exception):
    """The connection ended."""


class Client:
    """A session, as a client library would have it, but without its threads."""

    def __init__(self, address, timeout=10000, session=0, password=bytes(16), last_zxid=0):
        self.socket = dial(address)
        self.xid = 0
        self.events = []
        self.send(struct.pack(">iqiq", 0, last_zxid, timeout, session) + text(password) + b"\0")
        answer = self.receive()
        _, self.timeout, self.session = struct.unpack(">iiq", answer[:16])
        self.password = answer[20:36]

    def send(self, octets):
        self.socket.sendall(frame(octets))

    def read(self, length):
        octets = b""
        while len(octets) < length:
            try:
                more = self.socket.recv(length - len(octets))
            except ConnectionError:
                more = b""
            if not more:
                raise Gone()
            octets += more
        return octets

    def receive(self):
        return self.read(struct.unpack(">i", self.read(4))[0])

    def ask(self, opcode, body=b"", xid=None):
        self.xid += 1
        self.send(struct.pack(">ii", self.xid if xid is None else xid, opcode) + body)
        return self.xid

    def answer(self):
        """(xid, error, body) of the next reply; watch events go to self.events."""
        while True:
            octets = self.receive()
            xid, self.zxid, error = struct.unpack(">iqi", octets[:16])
            if xid != -1:
                return xid, error, octets[16:]
            kind, _, length = struct.unpack(">iii", octets[16:28])
            self.events.append((kind, octets[28:28 + length].decode()))

    def do(self, opcode, body=b""):
        xid = self.ask(opcode, body)
        got, error, body = self.answer()
        check(got == xid, "answers in order: %d for %d" % (got, xid))
        return error, body

    def create(self, path, data=b"", flags=0):
        error, _ = self.do(CREATE, text(path) + text(data) + OPEN_ACL + struct.pack(">i", flags))
        return error

    def set(self, path, data):
        return self.do(SET, text(path) + text(data) + struct.pack(">i", -1))[0]

    def get(self, path, watch=False):
        error, body = self.do(GET, text(path) + (b"\1" if watch else b"\0"))
        return body[4:4 + struct.unpack(">i", body[:4])[0]] if error == 0 else error

    def is_gone(self):
        """Waits for the end of the connection."""
        try:
            while True:
                self.receive()
        except Gone:
            return True

    def close(self):
        error, _ = self.do(CLOSE)
        check(error == 0 and self.is_gone(), "a closed session ends its connection")


def dial(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


class Ensemble:
    running = []

    def __init__(self, *arguments, settle=True):
        self.folder = tempfile.TemporaryDirectory()
        self.socket = os.path.join(self.folder.name, "ctl")
        self.process = subprocess.Popen(
            [ZKSIM, "serve", "--port", "0", "--socket", self.socket, *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        Ensemble.running.append(self.process)
        self.addresses = self.await_line("connect string ").split(",")
        self.leader = int(self.await_line("server-").split()[0]) if settle else None

    def await_line(self, beginning):
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line[len(beginning):].rstrip("\n")
        raise AssertionError("it ended before it said '%s': %s" % (beginning, self.process.stderr.read()))

    def await_log(self, part):
        for line in self.process.stderr:
            if part in line:
                return line
        raise AssertionError("it ended before it logged '%s'" % part)

    def ctl(self, command, status=0):
        done = subprocess.run([ZKSIM, "ctl", "--socket", self.socket, command], capture_output=True, text=True,
                              timeout=PATIENCE)
        check(done.returncode == status, "ctl '%s' ended with %d: %s" % (command, done.returncode, done.stderr))
        return done.stdout + done.stderr

    def cpu(self):
        """Seconds of CPU time so far."""
        with open("/proc/%d/stat" % self.process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def follower(self):
        """The address of a server that does not lead, and its number."""
        number = 1 if self.leader != 1 else 2
        return self.addresses[number - 1], number

    def end(self, status=0):
        self.process.terminate()
        out, err = self.process.communicate(timeout=PATIENCE)
        check(self.process.returncode == status, "ended with %d, not %d:\n%s%s" % (self.process.returncode, status, out, err))
        check(not os.path.exists(self.socket), "the control socket is gone")
        return out, err


# ---- what clients do is recorded and judged ---------------------------------------------------------------------

def test_sessions_operations_and_watches():
    with tempfile.TemporaryDirectory() as folder:
        history = os.path.join(folder, "h.db")
        ensemble = Ensemble("--history", history)
        one, two = Client(ensemble.addresses[0]), Client(ensemble.addresses[1])
        check(one.create("/a", b"1") == 0, "create")
        check(two.do(SYNC, text("/"))[0] == 0 and two.get("/a", watch=True) == b"1", "read it elsewhere")
        check(one.set("/a", b"2") == 0, "set")
        check(two.do(SYNC, text("/"))[0] == 0 and two.events == [(3, "/a")], "the watch fired: %s" % two.events)
        check(two.get("/a", watch=True) == b"2" and two.set("/a", b"3") == 0 and two.events[1:] == [(3, "/a")],
              "the event comes before the reply: %s" % two.events)
        check(two.get("/b") == NONODE, "no such znode")
        check(one.create("/e", flags=EPHEMERAL) == 0, "ephemeral")
        one.close()
        check(two.do(SYNC, text("/"))[0] == 0 and two.get("/e") == NONODE, "the ephemeral went with its session")
        check("nothing is violated" in ensemble.ctl("check"), "check in the middle")
        out, _ = ensemble.end()
        check("as expected" in out and re.search(r"linearizable-writes +holds +[1-9]", out), out)
        check(re.search(r"watch-exactly-once +holds +2\b", out), out)
        again = subprocess.run([ZKSIM, "check", history], capture_output=True, text=True)
        table = [line for line in out.splitlines() if " holds " in line]
        check([line for line in again.stdout.splitlines() if " holds " in line] == table, "the same from the file")


def test_odd_numbers_of_requests():
    ensemble = Ensemble()
    client = Client(ensemble.addresses[0])
    for number, xid in enumerate((0, -1, 7, 7, -3, 0)):
        client.ask(CREATE, text("/n%d" % number) + text("") + OPEN_ACL + struct.pack(">i", 0), xid=xid)
        octets = client.receive()
        check(struct.unpack(">iqi", octets[:16])[0::2] == (xid, 0), "create %d" % number)
    client.ask(SET, text("/n0") + text("1") + struct.pack(">i", 5), xid=0)
    client.receive()
    ensemble.end()


def test_a_broken_promise_is_found():
    ensemble = Ensemble("--flaw", "keep-ephemerals")
    one, two = Client(ensemble.addresses[0]), Client(ensemble.addresses[0])
    check(one.create("/e", flags=EPHEMERAL) == 0, "ephemeral")
    one.close()
    check(two.get("/e") == b"", "the ephemeral stays")
    out, _ = ensemble.end(status=1)
    check("ephemeral-lifetime is violated" in out, out)


# ---- faults -----------------------------------------------------------------------------------------------------

def come_back(client, address):
    return Client(address, session=client.session, password=client.password, last_zxid=client.zxid)


def test_a_crash_resets_and_refuses():
    for fault in "crash", "kill":
        ensemble = Ensemble()
        address, number = ensemble.follower()
        client = Client(address)
        check(client.create("/e", flags=EPHEMERAL) == 0, "ephemeral")
        check("server-%d" % number in ensemble.ctl("%s server %d" % (fault, number)), "it says whom it hit")
        check(client.is_gone(), "the connection ended")
        try:
            dial(address)
            raise AssertionError("a server that is down refuses")
        except ConnectionRefusedError:
            pass
        client = come_back(client, ensemble.addresses[ensemble.leader - 1])
        check(client.timeout > 0 and client.get("/e") == b"", "the session goes on elsewhere")
        ensemble.ctl("restart server %d" % number)
        ensemble.end()


def test_the_leader_is_cut_off():
    ensemble = Ensemble("--speed", "10")
    old = ensemble.leader
    client = Client(ensemble.follower()[0])
    check(client.create("/a") == 0, "create")
    ensemble.ctl("partition leader | rest")
    new = int(ensemble.await_line("server-").split()[0])
    check(new != old, "another one leads")
    check(client.is_gone(), "who lost its leader closes")
    client = come_back(client, ensemble.addresses[new - 1])
    check(client.set("/a", b"2") == 0, "set")
    check("nothing gets from server-%d" % old in ensemble.ctl("state"), "the state tells of the cut")
    ensemble.ctl("heal")
    ensemble.end()


def test_the_ensemble_is_reconfigured():
    ensemble = Ensemble("--set", "reconfigEnabled=1", "--set", "skipACL=1", "--set", "spares=1", "--set", "tickTime=500ms")
    said = ensemble.ctl("reconfig add 4")
    check(said.startswith("done, at 0x") and "server.4=10.0.0.4:2888:3888:participant" in said, said)
    said = ensemble.ctl("reconfig add %d@2900" % ensemble.leader)  # which leaves, and takes the answer along
    check("server.%d=10.0.0.%d:2900:3900" % (ensemble.leader, ensemble.leader) in said, said)
    check("done" in said or "before the answer" in said, said)
    check(int(ensemble.await_line("server-").split()[0]) != ensemble.leader, "a leader that moves names another")
    said = ensemble.ctl("reconfig to 1,2,3,4 groups 1,2/3,4 weights 4=2")
    check("group.1=1:2\ngroup.2=3:4\nweight.1=1\n" in said and "weight.4=2\n" in said, said)
    check("BADARGUMENTS" in ensemble.ctl("reconfig remove 4", status=1), "not one by one where there are groups")
    check("expected 'add" in ensemble.ctl("reconfig add four", status=2), "four is no number")
    check("done" in ensemble.ctl("reconfig to 1,2,3"), "a majority again")
    ensemble.end()
    ensemble = Ensemble()
    check("RECONFIGDISABLED" in ensemble.ctl("reconfig add 4", status=1), "it has to be allowed")
    ensemble.end()


def test_a_paused_server_reads_nothing():
    ensemble = Ensemble()
    address, number = ensemble.follower()
    client = Client(address)
    ensemble.ctl("pause server %d" % number)
    xid = client.ask(GET, text("/") + b"\0")
    check("paused" in ensemble.ctl("state"), "the state tells of the pause")
    client.socket.setblocking(False)
    try:
        client.socket.recv(1)
        raise AssertionError("a paused server answered")
    except BlockingIOError:
        client.socket.setblocking(True)
    ensemble.ctl("resume server %d" % number)
    check(client.answer()[:2] == (xid, 0), "then it answers")
    ensemble.end()


def test_the_network_between_clients_and_a_server():
    ensemble = Ensemble()
    address, number = ensemble.follower()
    client, other = Client(address), Client(ensemble.addresses[ensemble.leader - 1])
    ensemble.ctl("partition clients | server %d" % number)
    xid = client.ask(GET, text("/") + b"\0")
    check("nothing gets from outside to server-%d" % number in ensemble.ctl("state"), "the cut")
    check(other.get("/") == b"", "others are reached")
    ensemble.ctl("heal")
    check(client.answer()[:2] == (xid, 0), "it arrives when the cut heals")
    ensemble.ctl("reset clients | server %d" % number)
    check(client.is_gone(), "a reset ends the connection")
    ensemble.ctl("pause clients")
    xid = other.ask(GET, text("/") + b"\0")
    ensemble.ctl("resume clients")
    check(other.answer()[:2] == (xid, 0), "a pause of the outside passes")
    lost = Client(address).socket
    ensemble.ctl("pause clients")
    lost.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    lost.close()
    before = ensemble.cpu()
    for _ in range(20):
        ensemble.ctl("state")
    check(ensemble.cpu() - before < 0.25, "a connection that breaks meanwhile waits quietly")
    ensemble.ctl("resume clients")
    ensemble.ctl("crash clients")
    check(other.is_gone(), "without the outside there are no connections")
    try:
        Client(address)
        raise AssertionError("without the outside nobody is let in")
    except (Gone, ConnectionError):
        pass
    ensemble.ctl("restart clients")
    while True:  # it boots for a while
        try:
            check(Client(address).get("/") == b"", "and there are again")
            break
        except (Gone, ConnectionError):
            pass
    ensemble.end()


def test_four_letter_words():
    ensemble = Ensemble()
    asking = dial(ensemble.addresses[0])
    asking.sendall(b"ruok")
    asking.shutdown(socket.SHUT_WR)  # as some netcats do
    check(asking.recv(100) == b"imok" and asking.recv(100) == b"", "an answer although its half is closed")
    asking = dial(ensemble.addresses[0])
    asking.sendall(b"srvr")
    check(b"Mode: " in asking.recv(4096), "srvr")
    ensemble.end()


def test_a_session_is_expired():
    ensemble = Ensemble()
    client, other = Client(ensemble.addresses[0]), Client(ensemble.addresses[0])
    check(Client(ensemble.addresses[1], session=client.session, password=b"x" * 16).timeout == 0, "not by somebody else")
    check(client.create("/e", flags=EPHEMERAL) == 0, "ephemeral")
    check(other.get("/e", watch=True) == b"", "another client sees it")
    check("expires" in ensemble.ctl("expire session 0x%x" % client.session), "it says so")
    check(client.is_gone(), "its connection ends")
    check(come_back(client, ensemble.addresses[0]).timeout == 0, "and it cannot be resumed")
    check(other.get("/e") == NONODE and other.events == [(2, "/e")], "its ephemeral went with it: %s" % other.events)
    check("no open session" in ensemble.ctl("expire session 0x%x" % client.session, status=2), "it is gone")
    ensemble.end()


def test_what_applications_believe_is_judged():
    ensemble = Ensemble()
    one, two = Client(ensemble.addresses[0]), Client(ensemble.addresses[1])
    for number, client in enumerate((one, two)):
        check("noted" in ensemble.ctl("observe acquired 7 %d 1 by session 0x%x" % (number + 1, client.session)), "noted")
    check("expected what" in ensemble.ctl("observe acquired by session 0x%x" % one.session, status=2), "no numbers")
    check("no client" in ensemble.ctl("observe acquired 7 3 1 by session 0x1", status=2), "nobody's session")
    out, _ = ensemble.end(status=1)
    check("More holders of a lock than it allows at once (group 7)" in out, out)


def test_commands_that_make_no_sense():
    ensemble = Ensemble()
    check("did you mean 'leader'?" in ensemble.ctl("kill ledaer", status=2), "a misspelt target")
    check("unknown fault" in ensemble.ctl("murder leader", status=2), "no such fault")
    check("means nobody" in ensemble.ctl("kill observers", status=2), "nobody is meant")
    check("expected which" in ensemble.ctl("expire session x", status=2), "no session")
    check("noted" in ensemble.ctl("when looking by server 1 restart all"), "a trigger")
    ensemble.process.stdin.write("state\nkill ledaer\n")
    ensemble.process.stdin.flush()
    check("port" in ensemble.await_line("server-"), "stdin too")
    check("did you mean" in ensemble.await_log("unknown target"), "with its errors on stderr")
    ensemble.end()


def test_a_scenario_and_its_timeline():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s.scn")
        with open(path, "w") as file:
            file.write("servers 3\nclients 2\nworkload register rate=50/s\nat 3s crash leader\nwhen looking since 4s "
                       "restart all\nrun for 1s\n")
        ensemble = Ensemble(path, "--speed", "10")
        ensemble.await_log("crash leader: server-")
        leader = int(ensemble.await_line("server-").split()[0])
        client = Client(ensemble.addresses[leader - 1])
        check(client.get("/") == b"", "served beside the scenario's own clients")
        ensemble.end()


# ---- clients that misbehave -------------------------------------------------------------------------------------

def test_garbage():
    ensemble = Ensemble("--speed", "20")
    good = Client(ensemble.addresses[0], timeout=40000)
    for octets in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\xff" * 100, b"\0\0\0\0", frame(b"\0" * 3),
                   b"\0\0\0\x2d" + bytes(5), frame(bytes(range(200, 244))), b"\x7f\xff\xff\xff" + bytes(1000)):
        bad = dial(ensemble.addresses[0])
        bad.sendall(octets)
        try:
            while bad.recv(4096):
                pass
        except ConnectionError:
            pass
    bad = Client(ensemble.addresses[0])
    bad.ask(4711, b"what?")
    check(bad.is_gone(), "an unknown request ends the connection")
    bad = Client(ensemble.addresses[0])
    bad.ask(CREATE, b"\0\0\xff\xff/a")
    bad.socket.close()
    check(good.get("/") == b"", "others do not notice")
    ensemble.end()


def test_half_open_connections_are_ended():
    ensemble = Ensemble("--speed", "100")
    silent, partial = dial(ensemble.addresses[0]), dial(ensemble.addresses[0])
    partial.sendall(b"\0\0\0\x2d\0\0")
    for connection in silent, partial:
        check(connection.recv(1) == b"", "the server gives up waiting for a handshake")
    client = Client(ensemble.addresses[0])  # and never a ping
    check(client.is_gone(), "a session without a sign of life loses its connection")
    ensemble.end()


def test_more_connections_than_are_served():
    ensemble = Ensemble("--connections", "20")
    served = [Client(ensemble.addresses[i % 3]) for i in range(20)]
    refused = 0
    for i in range(50):
        try:
            Client(ensemble.addresses[i % 3])
        except (Gone, ConnectionError):
            refused += 1
    check(refused == 50, "%d refused" % refused)
    ensemble.await_log("connections refused")
    check(all(client.get("/") == b"" for client in served), "those in are served")
    served.pop().close()
    check(Client(ensemble.addresses[0]).get("/") == b"", "there is room again")
    ensemble.end()


def test_a_flood_of_requests_starves_nobody():
    ensemble = Ensemble()
    flood, other = Client(ensemble.addresses[0]), Client(ensemble.addresses[0])
    count = 20000
    request = frame(struct.pack(">ii", 1, EXISTS) + text("/") + b"\0")
    rest = memoryview(request * count)
    flood.socket.setblocking(False)
    answered = 0
    while rest:
        try:
            rest = rest[flood.socket.send(rest):]
        except BlockingIOError:  # it is not read any faster than it is answered
            flood.socket.setblocking(True)
            flood.answer()
            answered += 1
            check(answered % 100 != 0 or other.get("/") == b"", "others are answered meanwhile")
            flood.socket.setblocking(False)
    flood.socket.setblocking(True)
    for _ in range(count - answered):
        flood.answer()
    check(other.get("/") == b"", "and afterwards")
    ensemble.end()


def test_a_slow_reader_is_cut_off():
    ensemble = Ensemble()
    slow, other = Client(ensemble.addresses[0]), Client(ensemble.addresses[0])
    check(slow.create("/big", bytes(1000000)) == 0, "a large znode")
    for _ in range(200):
        slow.ask(GET, text("/big") + b"\0")
    check("reads too slowly" in ensemble.await_log("cut off"), "it is told")
    check(slow.is_gone(), "its connection is reset")
    check(other.get("/nothing") == NONODE, "others are served")
    ensemble.end()


def test_an_endless_command():
    ensemble = Ensemble()
    with socket.socket(socket.AF_UNIX) as bad:
        bad.settimeout(PATIENCE)
        bad.connect(ensemble.socket)
        try:
            bad.sendall(b"x" * 100000)
        except ConnectionError:
            pass
    check("leads" in ensemble.ctl("state"), "the next one is answered")
    ensemble.end()


# ---- limits and mistakes ----------------------------------------------------------------------------------------

def test_a_full_record_is_never_a_silent_hole():
    ensemble = Ensemble("--record-limit", "1")
    client = Client(ensemble.addresses[0])
    check(client.create("/a") == 0, "create")
    for number in range(20):
        client.set("/a", bytes([number]) * 100000)  # the same again would take no room
    ensemble.await_log("the record has reached its limit")
    out, _ = ensemble.end()
    check(re.search(r"linearizable-writes +unknown", out), out)


def test_a_port_in_use():
    ensemble = Ensemble()
    port = ensemble.addresses[0].rsplit(":", 1)[1]
    done = subprocess.run([ZKSIM, "serve", "--port", port], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(done.returncode == 2 and "port %s" % port in done.stderr, done.stderr)
    ensemble.end()


def give_up(*_):
    raise TimeoutError("not over after %d seconds" % TEST_SECONDS)


def main():
    wanted = sys.argv[2:]
    tests = [(name[5:], call) for name, call in globals().items() if name.startswith("test_")]
    failed = 0
    for name in set(wanted) - {name for name, _ in tests}:
        sys.exit("tests/serve.py: no test is called %s" % name)
    signal.signal(signal.SIGALRM, give_up)
    for name, call in tests:
        if wanted and name not in wanted:
            continue
        signal.alarm(TEST_SECONDS)
        try:
            call()
        except Exception as problem:  # whatever it was, the others are run
            failed += 1
            print("tests/serve.py: %s: %s: %s" % (name, type(problem).__name__, problem), file=sys.stderr)
        signal.alarm(0)
        for process in Ensemble.running:
            process.kill()
        Ensemble.running.clear()
    print("serve: %d tests, %d failed" % (len(wanted) or len(tests), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
