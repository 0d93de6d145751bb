"""player.py -- Plays steps on one server and writes down what it said.

    transcript = a list of lines for each step: what came on the step's connection since it was last looked at, in order

A connection's order is compared exactly. Between connections nothing is ordered but by cause: a step is over when its replies are there.
What other connections are told meanwhile is read when their turn comes, or at the end. The znodes of a closed session are deleted in the order
of a hash table, so after a closeSession all connections are read up to a ping, and the events between are sorted."""

import socket
import struct
import time

import generator
import wire
from generator import Connect, Drop, Raw, Request, Send, Word, Zxid
from normalise import OUTSIDE, Normaliser
from regimes import SHORT_MS, Alone, Crowd, Expire, Gone, Together
from wire import Reader, boolean, frame, int32, int64, octets, text

CONFIGURATION_CHANGED = "event data-changed '/zookeeper/config'"  # Apache says it to persistent watches twice: see README.md
PATIENCE = 6.0  # seconds; nothing right ever takes so long
SWEEPS_SECONDS = 0.7  # some sweeps
PING = Request(wire.OPCODES["ping"], [b""], "ping", xid=wire.PING)


class Closed(Exception):
    pass


class Connection:
    """A TCP connection with whole messages in and out."""

    def __init__(self, port, server=0):
        self.server = server
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.xid = 0
        self.session = 0
        self.password = b""
        self.zxid = 0       # of the last reply
        self.asked = []     # (xid, request) without an answer
        self.open = True

    def write(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # what was said before is still to be read

    def fill(self):
        try:
            more = self.socket.recv(1 << 18)
        except socket.timeout:
            raise
        except OSError:
            more = b""
        if not more:
            raise Closed
        self.buffer += more

    def message(self):
        while len(self.buffer) < 4:
            self.fill()
        length = struct.unpack("!i", self.buffer[:4])[0]
        while len(self.buffer) < 4 + length:
            self.fill()
        payload, self.buffer = self.buffer[4:4 + length], self.buffer[4 + length:]
        return payload

    def all(self):
        """Everything until the end."""
        try:
            while True:
                self.fill()
        except Closed:
            return self.buffer
        except socket.timeout:
            return self.buffer + b" and still open"

    def close(self):
        self.open = False
        self.socket.close()


class Player:
    def __init__(self, service, forgets_to_close=False):
        self.service = service
        self.forgets_to_close = forgets_to_close  # Apache does, once in some ten thousand times, until something else happens
        self.pause = service.kind.pause
        self.pilots = {}     # server -> a Connection that waits for what the others have done
        self.slots = {}      # slot -> Connection, its latest
        self.sessions = []   # Connections that got one
        self.normaliser = None
        self.transcript = []
        self.latest = 0      # zxid that anybody was told

    # ---- speaking

    def encode(self, connection, request):
        xid = request.xid
        if xid is None:
            connection.xid += 1
            xid = connection.xid
        connection.asked.append((wire.PING if request.opcode == wire.OPCODES["ping"] else xid, request))
        body = b"".join(int64(self.normaliser.base + part.relative) if isinstance(part, Zxid) else part for part in request.body)
        return frame(int32(xid) + int32(request.opcode) + body)

    def send(self, connection, requests):
        connection.write(b"".join(self.encode(connection, request) for request in requests))

    def answered(self, connection, payload):
        """The request that this answers."""
        if len(payload) < 16:
            return None
        xid, zxid = struct.unpack("!iq", payload[:12])
        if xid == wire.NOTIFICATION:
            return None
        if zxid > 0:
            connection.zxid = zxid
            self.latest = max(self.latest, zxid)
        for at, (asked, request) in enumerate(connection.asked):
            if asked == xid:
                del connection.asked[at]
                return request
        return None

    # ---- listening

    def hear(self, connection):
        payload = connection.message()
        request = self.answered(connection, payload)
        return self.normaliser.message(payload, request), payload[:4] == int32(wire.NOTIFICATION)

    def dial(self, server):
        return Connection(self.service.port(server), server)

    def hang_up(self, connection):
        connection.close()
        time.sleep(self.pause)

    def listen(self, connection, count, last=True):
        """Until that many replies are there, or the end. After a silence nothing more is expected, if that was the last try."""
        lines = []
        try:
            while count > 0:
                line, is_event = self.hear(connection)
                if not (lines and line == lines[-1] and is_event and line.startswith(CONFIGURATION_CHANGED)):
                    lines.append(line)
                count -= not is_event
        except Closed:
            lines.append("closed")
            self.normaliser.saw("connection", "closed")
            connection.close()
        except socket.timeout:
            lines.append("silence")
            if last:
                connection.close()
        return lines

    def listen_to_end(self, connection):
        """A server that forgets to close does so as soon as it is spoken to; if it answers, the connection is open for good."""
        if not connection.open:
            return []
        connection.socket.settimeout(PATIENCE / 3 if self.forgets_to_close else PATIENCE)
        lines = self.listen(connection, 1 << 30, last=False)
        if lines[-1] == "silence" and self.forgets_to_close:
            connection.write(self.encode(connection, PING))
            connection.socket.settimeout(PATIENCE)
            lines = lines[:-1] + self.listen(connection, 1)
            self.service.forgotten += lines[-1] == "closed"
        connection.close()
        return lines

    def catch_up(self, server):
        """What was done anywhere is known there. Where only one server is asked, it always is."""
        end = time.monotonic() + PATIENCE
        while server in self.pilots and self.call(self.pilots[server], "sync", text("/"))[0] < self.latest:
            if time.monotonic() > end:  # else it is a leader, which may apply a transaction later than a follower
                raise RuntimeError("server %d stays behind %x" % (server, self.latest))

    @staticmethod
    def in_no_order(lines):
        """The events before the reply to a closeSession."""
        end = max(0, len(lines) - 2)
        start = end
        while start > 0 and lines[start - 1].startswith("event"):
            start -= 1
        return lines[:start] + sorted(lines[start:end]) + lines[end:]

    def settle(self, but):
        """What the end of a session told the others, in no order."""
        lines = []
        for slot in sorted(self.slots):
            connection = self.slots[slot]
            if connection is not but and connection.open:
                self.catch_up(connection.server)
                self.send(connection, [PING])
                heard = self.listen(connection, 1)
                lines += ["  slot %d: %s" % (slot, line) for line in sorted(heard[:-1]) + heard[-1:]]
        return lines

    # ---- steps

    def play_connect(self, step):
        before = self.slots.get(step.slot)
        held = self.slots.get(step.session) if step.session is not None else None
        if before is not None and before is not held:
            self.hang_up(before)
        self.catch_up(step.server)
        connection = self.dial(step.server)
        session = held.session if held else 0x1234 if step.session is not None else 0
        password = {"right": held.password if held else bytes(16), "wrong": b"wrong" + bytes(11), "null": None, "short": b"abc",
                    "long": (held.password if held else bytes(16)) + b"x"}[step.password]
        zxid = {"none": 0, "seen": held.zxid if held else 0, "ahead": self.normaliser.base + 10 ** 6}[step.zxid]
        connection.write(frame(int32(0) + int64(zxid) + int32(step.timeout) + int64(session) + octets(password) +
                               (b"" if step.read_only is None else boolean(step.read_only))))
        lines = []
        try:
            line, got = self.normaliser.connected(connection.message())
            lines.append(line)
            connection.session, connection.password, connection.zxid = got, wire.session_password(got), zxid
            if got:
                self.sessions.append(connection)
            else:
                lines += self.listen_to_end(connection)
            if held is not None and held.open:
                lines += ["  before: " + line for line in self.leave(held, step)]
        except Closed:
            lines.append("closed")
            self.normaliser.saw("connection", "closed")
            connection.close()
            if held is not None and held.open and held.server != step.server:
                lines += ["  before: " + line for line in self.leave(held, step)]
            elif held is not None and held.open:
                self.send(held, [PING])
                lines += ["  before: " + line for line in self.listen(held, 1)]
                if held is self.slots.get(step.slot):
                    held.close()
        except socket.timeout:
            lines.append("silence")
            connection.close()
        if step.once:
            self.send(connection, [PING, Request(wire.OPCODES["closeSession"], [b""], "closeSession")])
            return lines + self.listen_to_end(connection)
        if not connection.session and held is not None:
            connection.session, connection.password = held.session, held.password
        self.slots[step.slot] = connection
        return lines

    def leave(self, connection, step):
        """Where a session was before somebody asked for it: on the same server that ends at once, on another when it writes."""
        if connection.server == step.server:
            return self.listen_to_end(connection)
        lines = []
        if step.left != "closed":
            self.catch_up(connection.server)
            name, body = ("exists", boolean(0)) if step.left == "read" else ("setData", octets(b"") + int32(77))
            self.send(connection, [Request(wire.OPCODES[name], [text(generator.ROOT) + body], name, generator.ROOT)])
            lines = self.listen(connection, 1)
        connection.close()
        return lines

    def play_send(self, step):
        connection = self.slots.get(step.slot)
        if connection is None or not connection.open:
            return self.absent()
        self.catch_up(connection.server)
        self.send(connection, step.requests)
        lines = self.listen(connection, len(step.requests))
        if step.ends:
            lines += self.listen_to_end(connection)
        if any(request.opcode == wire.OPCODES["closeSession"] for request in step.requests):
            lines = self.in_no_order(lines) + self.settle(connection)
        return lines

    def play_raw(self, step):
        connection = self.dial(step.server) if step.slot is None else self.slots.get(step.slot)
        if connection is None or not connection.open:
            return self.absent()
        self.catch_up(connection.server)
        connection.write(step.data)
        if step.slot is None:
            answer = connection.all()
            self.hang_up(connection)
            return ["%r and closed" % answer]
        return self.listen_to_end(connection)

    def absent(self):
        self.normaliser.saw("connection", "none")
        return ["not connected"]

    def play_drop(self, step):
        connection = self.slots.get(step.slot)
        if connection is None or not connection.open:
            return self.absent()
        self.catch_up(connection.server)
        self.send(connection, [PING])
        lines = self.listen(connection, 1)
        self.hang_up(connection)
        return lines

    def live(self, server):
        """Names of the sessions that are connected there."""
        return {self.normaliser.session(connection.session) for connection in self.slots.values() if connection.open and connection.server == server}

    def play_word(self, step):
        time.sleep(0.1)  # connections that were closed are gone then
        self.catch_up(step.server)
        connection = self.dial(step.server)
        connection.write(step.word.encode())
        answer = connection.all()
        self.hang_up(connection)
        return self.normaliser.word(step.word, answer, self.live(step.server))

    # ---- what happens by itself

    def await_none(self, paths):
        """Until all of them are gone, in seconds; None: they are not."""
        start = time.monotonic()
        for path in paths:
            while self.call(self.pilots[0], "exists", text(path) + boolean(0))[1] == 0:
                if time.monotonic() > start + 2 * PATIENCE:
                    return None
                time.sleep(0.05)
        return time.monotonic() - start

    def play_expire(self, step):
        """A mark of the session's shows when it is over: not before its time."""
        connection = self.slots.get(step.slot)
        if connection is None or not connection.open:
            return self.absent()
        mark = "%s/mark%d" % (generator.ROOT, len(self.transcript))
        self.catch_up(connection.server)
        self.send(connection, [Request(wire.OPCODES["create"], [text(mark) + octets(b"") + wire.acl(wire.OPEN) + int32(1)], "mark", mark)])
        lines = self.listen(connection, 1)
        if not step.silent:
            self.hang_up(connection)
        took = self.await_none([mark])
        lines.append("expires %s" % ("never" if took is None else "in time" if took * 1000 > SHORT_MS - 100 else "after %f s" % took))
        if step.silent:  # whether the last events come before the end is a matter of time
            lines += self.listen_to_end(connection)[-1:]
        return lines + self.settle(connection)

    def play_gone(self, step):
        if step.paths:
            lines = ["gone" if self.await_none(step.paths) is not None else "still there"]
        else:
            time.sleep(SWEEPS_SECONDS)
            lines = []
        return lines + self.settle(None)

    def play_alone(self, step):
        for server in sorted(self.pilots):
            self.catch_up(server)
        lines = self.settle(None)
        others = [role for role in range(self.service.kind.servers) if role != step.server]
        self.service.take_away(others)
        self.away = others
        self.pilots = {}
        for slot in sorted(self.slots):
            lines += ["  slot %d: %s" % (slot, line) for line in self.listen_to_end(self.slots[slot])]
        end = time.monotonic() + 10 * PATIENCE
        while self.service.word(step.server, "isro") != "ro" and time.monotonic() < end:
            time.sleep(0.05)
        return lines + ["isro: " + self.service.word(step.server, "isro")]

    def play_together(self, _):
        lines = []
        self.service.bring_back(self.away)
        for slot in sorted(self.slots):
            lines += ["  slot %d: %s" % (slot, line) for line in self.listen_to_end(self.slots[slot])]
        self.open_pilots()
        # Local sessions are no transactions, and without one a follower does not say the zxid of its new leader.
        self.call(self.pilots[0], "multi", wire.multi([(wire.OPCODES["check"], text("/") + int32(-1))]))
        return lines + ["isro: " + self.service.word(server, "isro") for server in range(self.service.kind.servers)]

    def play_crowd(self, step):
        lines, crowd = [], []
        for _ in range(step.count):
            try:
                connection = self.dial(0)
                connection.write(frame(int32(0) + int64(0) + int32(20000) + int64(0) + octets(bytes(16)) + boolean(0)))
                lines.append(self.normaliser.connected(connection.message())[0])
                crowd.append(connection)
            except (Closed, ConnectionError):
                self.normaliser.saw("connect", "refused")
                lines.append("refused")
        for connection in crowd:
            self.call(connection, "closeSession")
            self.hang_up(connection)
        return lines

    def step(self, step):
        return {Connect: self.play_connect, Send: self.play_send, Raw: self.play_raw, Drop: self.play_drop, Word: self.play_word,
                Expire: self.play_expire, Gone: self.play_gone, Alone: self.play_alone, Together: self.play_together,
                Crowd: self.play_crowd}[type(step)](step)

    def play(self, steps):
        self.prepare()
        for step in steps:
            self.transcript.append(self.step(step))
        self.transcript.append(self.settle(None))
        self.end_sessions()
        return self.transcript

    def covered(self):
        """(operation, outcome) -> how often."""
        return self.normaliser.seen

    # ---- before and after

    def call(self, connection, name, body=b"", xid=None):
        self.send(connection, [Request(wire.OPCODES[name], [body], name, xid=xid)])
        return self.reply(connection)

    @staticmethod
    def reply(connection):
        reader = Reader(connection.message())
        xid, zxid, error = reader.int32(), reader.int64(), reader.int32()
        return zxid, error, reader

    def remove_below(self, connection, path):
        """All that is below it, level by level."""
        levels = [[path]]
        while levels[-1]:
            self.send(connection, [Request(wire.OPCODES["getChildren"], [text(parent) + boolean(0)], "") for parent in levels[-1]])
            below = []
            for parent in levels[-1]:
                zxid, error, reader = self.reply(connection)
                names = reader.vector(reader.octets) if error == 0 else []
                parent = parent if isinstance(parent, bytes) else parent.encode()
                below += [parent.rstrip(b"/") + b"/" + name for name in names]
            levels.append([child for child in below if child.decode("utf-8", "replace") not in OUTSIDE or child == b"/zookeeper"])
            levels[-1] = [child for child in levels[-1] if path != "/" or not child.startswith(b"/zookeeper")]
        for level in reversed(levels[1:]):
            self.send(connection, [Request(wire.OPCODES["delete"], [text(child) + int32(-1)], "") for child in level])
            for _ in level:
                self.reply(connection)

    def open_session(self, server):
        connection = self.dial(server)
        connection.write(frame(int32(0) + int64(0) + int32(20000) + int64(0) + octets(bytes(16)) + boolean(0)))
        connection.message()
        return connection

    def open_pilots(self):
        if self.service.kind.pilots:
            self.pilots = {server: self.open_session(server) for server in range(self.service.kind.servers)}

    def prepare(self):
        """An empty tree with ROOT in it, whatever was there before."""
        self.normaliser = Normaliser(0, {}, self.service.kind.counts)
        self.open_pilots()
        connection = self.open_session(0)
        self.call(connection, "auth", int32(0) + text("digest") + octets(b"super:test"), wire.AUTH)
        self.call(connection, "reconfig", text(None) + text("5,6,7,8") + text(None) + int64(-1))
        for path in ("/", "/zookeeper/quota"):
            self.remove_below(connection, path)
        self.call(connection, "setData", text("/") + octets(b"") + int32(-1))
        self.call(connection, "setACL", text("/") + wire.acl(wire.OPEN) + int32(-1))
        error = self.call(connection, "create", text(generator.ROOT) + octets(b"root") + wire.acl(wire.OPEN) + int32(0))[1]
        if error != 0:
            raise RuntimeError("cannot make %s: %d" % (generator.ROOT, error))
        outside = {}
        for path in OUTSIDE:
            zxid, error, reader = self.call(connection, "exists", text(path) + boolean(0))
            if error == 0:
                outside[path] = reader.stat()
        base = self.call(connection, "closeSession")[0]
        self.hang_up(connection)
        self.normaliser = Normaliser(base, outside, self.service.kind.counts)

    def end_sessions(self):
        for connection in self.slots.values():
            connection.close()
        for pilot in self.pilots.values():
            self.call(pilot, "closeSession")
            pilot.close()
        time.sleep(self.pause)
        for session in {connection.session: connection.password for connection in self.sessions}.items():
            connection = self.dial(0)
            connection.write(frame(int32(0) + int64(0) + int32(20000) + int64(session[0]) + octets(session[1]) + boolean(0)))
            try:
                if Reader(connection.message()[4:]).int32() > 0:
                    self.send(connection, [Request(wire.OPCODES["closeSession"], [b""], "")])
                    connection.message()
            except Closed:
                pass
            self.hang_up(connection)
