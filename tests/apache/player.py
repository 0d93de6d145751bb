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
from wire import Reader, boolean, frame, int32, int64, octets, text

PATIENCE = 6.0  # seconds; nothing right ever takes so long
PING = Request(wire.OPCODES["ping"], [b""], "ping", xid=wire.PING)


class Closed(Exception):
    pass


class Connection:
    """A TCP connection with whole messages in and out."""

    def __init__(self, port):
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
    def __init__(self, port, forgets_to_close=False):
        self.port = port
        self.forgets_to_close = forgets_to_close  # Apache does, once in some ten thousand times, until something else happens
        self.slots = {}      # slot -> Connection, its latest
        self.sessions = []   # Connections that got one
        self.normaliser = None

    # ---- speaking

    def encode(self, connection, request):
        xid = request.xid
        if xid is None:
            connection.xid += 1
            xid = connection.xid
        connection.asked.append((xid, request))
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

    def listen(self, connection, count):
        """Until that many replies are there, or the end."""
        lines = []
        try:
            while count > 0:
                line, is_event = self.hear(connection)
                lines.append(line)
                count -= not is_event
        except Closed:
            lines.append("closed")
            connection.close()
        except socket.timeout:
            lines.append("silence")
            connection.close()
        return lines

    def listen_to_end(self, connection):
        if not connection.open:
            return []
        if self.forgets_to_close:
            connection.socket.settimeout(PATIENCE / 3)
        lines = self.listen(connection, 1 << 30)
        return ["closed" if self.forgets_to_close and line == "silence" else line for line in lines]

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
                self.send(connection, [PING])
                heard = self.listen(connection, 1)
                lines += ["  slot %d: %s" % (slot, line) for line in sorted(heard[:-1]) + heard[-1:]]
        return lines

    # ---- steps

    def play_connect(self, step):
        before = self.slots.get(step.slot)
        held = self.slots.get(step.session) if step.session is not None else None
        if before is not None and before is not held:
            before.close()
        connection = Connection(self.port)
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
                lines += ["  before: " + line for line in self.listen_to_end(held)]
        except Closed:
            lines.append("closed")
            connection.close()
            if held is not None and held.open:
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

    def play_send(self, step):
        connection = self.slots.get(step.slot)
        if connection is None or not connection.open:
            return ["not connected"]
        self.send(connection, step.requests)
        lines = self.listen(connection, len(step.requests))
        if step.ends:
            lines += self.listen_to_end(connection)
        if any(request.opcode == wire.OPCODES["closeSession"] for request in step.requests):
            lines = self.in_no_order(lines) + self.settle(connection)
        return lines

    def play_raw(self, step):
        connection = Connection(self.port) if step.slot is None else self.slots.get(step.slot)
        if connection is None or not connection.open:
            return ["not connected"]
        connection.write(step.data)
        if step.slot is None:
            answer = connection.all()
            connection.close()
            return ["%r and closed" % answer]
        return self.listen_to_end(connection)

    def play_drop(self, step):
        connection = self.slots.get(step.slot)
        if connection is None or not connection.open:
            return ["not connected"]
        self.send(connection, [PING])
        lines = self.listen(connection, 1)
        connection.close()
        return lines

    def live(self):
        """Names of the sessions that are connected."""
        return {self.normaliser.session(connection.session) for connection in self.slots.values() if connection.open}

    def play_word(self, step):
        time.sleep(0.1)  # connections that were closed are gone then
        connection = Connection(self.port)
        connection.write(step.word.encode())
        answer = connection.all()
        connection.close()
        return self.normaliser.word(step.word, answer, self.live())

    def step(self, step):
        return {Connect: self.play_connect, Send: self.play_send, Raw: self.play_raw, Drop: self.play_drop,
                Word: self.play_word}[type(step)](step)

    def play(self, steps):
        self.prepare()
        transcript = [self.step(step) for step in steps]
        transcript.append(self.settle(None))
        self.end_sessions()
        return transcript

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

    def prepare(self):
        """An empty tree with ROOT in it, whatever was there before."""
        self.normaliser = Normaliser(0, {})
        connection = Connection(self.port)
        connection.write(frame(int32(0) + int64(0) + int32(20000) + int64(0) + octets(bytes(16)) + boolean(0)))
        connection.message()
        self.call(connection, "auth", int32(0) + text("digest") + octets(b"super:test"), wire.AUTH)
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
        connection.close()
        self.normaliser = Normaliser(base, outside)

    def end_sessions(self):
        for connection in self.slots.values():
            connection.close()
        for session in {connection.session: connection.password for connection in self.sessions}.items():
            connection = Connection(self.port)
            connection.write(frame(int32(0) + int64(0) + int32(20000) + int64(session[0]) + octets(session[1]) + boolean(0)))
            try:
                if Reader(connection.message()[4:]).int32() > 0:
                    self.send(connection, [Request(wire.OPCODES["closeSession"], [b""], "")])
                    connection.message()
            except Closed:
                pass
            connection.close()
