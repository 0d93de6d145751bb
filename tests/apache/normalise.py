"""normalise.py -- What a server said as lines of text that have to be the same for every server.

    session ids    by the order in which they were given: session-1
    passwords      whether they are those of their session
    zxids          transactions since the sequence began: +7; 0 and -1 as they are; `old` for those before; later epochs by their order: 2:+7
    clock values   mtime: as ctime, later or earlier, where a znode was never written to they must be the same
    bad UTF-8      and what lies beyond U+FFFF is one U+FFFD, however long: Apache answers with several of them, or with surrogates; zksim with
                   what it was sent (wire.readable)
    lists          children, ephemerals, ids and the servers of a configuration are sorted: Apache's order is that of a hash table
    checkWatches   Apache 3.8.0 finds a watch where anybody has one on that path, connections that have just been closed included
    outside        znodes that outlive a sequence: their versions count from its beginning; /zookeeper/config holds addresses,
                   and the time at which the server wrote it there

Everything else is compared octet for octet, order included."""

import collections
import re

import wire
from wire import Malformed, Reader

WORD_LINES = ("Zxid", "Mode", "Node count", "Outstanding", "Connections", "zk_znode_count", "zk_watch_count", "zk_num_alive_connections", "zk_ephemerals_count", "zk_server_state",
              "zk_outstanding_requests", "zk_global_sessions", "This")
CONF_ELSEWHERE = ("clientPort", "data", "server", "quorum", "election", "members", "membership", "secure", "peerType")
OUTSIDE = ("", "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config")


class Normaliser:
    def __init__(self, base, outside, counts=True):
        self.base = base        # the last transaction before the sequence
        self.outside = outside  # path -> Stat then
        self.counts = counts    # False: there are as many zxids and outstanding requests as there are
        self.sessions = {}
        self.epochs = {base >> 32: 1}
        self.seen = collections.Counter()  # (operation, outcome)

    def saw(self, operation, outcome):
        self.seen[operation, outcome] += 1

    # ---- values

    def session(self, session):
        return self.sessions.get(session, "0x%x" % session if session else "0")

    def name_session(self, session):
        return self.sessions.setdefault(session, "session-%d" % (len(self.sessions) + 1))

    def zxid(self, zxid):
        if zxid <= 0 or not self.counts:
            return str(zxid) if zxid <= 0 else "some"
        if zxid <= self.base:
            return "old"
        if zxid >> 32 == self.base >> 32:
            return "+%d" % (zxid - self.base)
        return "%d:+%d" % (self.epochs.setdefault(zxid >> 32, len(self.epochs) + 1), zxid & 0xFFFFFFFF)

    def stat(self, stat, path):
        before = self.outside.get("/" if path == "" else path, {}) if path in OUTSIDE else {}
        if path == "/zookeeper/config":
            stat["length"], stat["mtime"] = "-", 0
        clock = "never" if stat["ctime"] == 0 and stat["mtime"] == 0 else "written"
        if stat["version"] == 0 and stat["mtime"] != stat["ctime"] or stat["mtime"] < stat["ctime"]:
            clock = "ctime %d mtime %d" % (stat["ctime"], stat["mtime"])
        versions = ["%d" % ((stat[name] - before.get(name, 0) + 2 ** 31) % 2 ** 32 - 2 ** 31) for name in ("version", "cversion", "aversion")]
        return "stat(c%s m%s p%s, versions %s, owner %s, length %s, children %d, %s)" % (
            self.zxid(stat["czxid"]), self.zxid(stat["mzxid"]), self.zxid(stat["pzxid"]), " ".join(versions), self.session(stat["owner"]),
            stat["length"], stat["children"], clock)

    def data(self, data, path):
        if path == "/zookeeper/config" and data is not None:
            data = b"\n".join(sorted(re.sub(rb"=[^=\n]*:participant[^\n]*", b"=address", data).split(b"\n")))
            return re.sub(rb"version=([0-9a-f]+)", lambda match: b"version=" + self.zxid(int(match.group(1), 16)).encode(), data)
        if data is not None and len(data) > 200:
            return "%d octets %r..%r" % (len(data), data[:10], data[-10:])
        return data

    # ---- messages

    def connected(self, payload):
        try:
            reader = Reader(payload)
            version, timeout, session, password = reader.int32(), reader.int32(), reader.int64(), reader.octets()
            right = password == (wire.session_password(session) if session else bytes(16))
            name = self.name_session(session) if session else "nobody"
            self.saw("connect", "session" if session else "nobody")
            return "connected version %d timeout %d %s password %s rest %s" % (
                version, timeout, name, "right" if right else repr(password), reader.rest().hex()), session
        except Malformed as error:
            return "connected? %s %s" % (error, payload.hex()), 0

    def event(self, reader, zxid, error):
        kind, state, path = reader.int32(), reader.int32(), reader.text()
        self.saw("event", wire.EVENTS.get(kind, kind))
        return "event %s %r state %d zxid %s error %d rest %r" % (
            wire.EVENTS.get(kind, kind), path, state, self.zxid(zxid), error, reader.rest())

    def message(self, payload, request):
        """`request` is what it answers, if that is known."""
        try:
            reader = Reader(payload)
            xid, zxid, error = reader.int32(), reader.int64(), reader.int32()
            if xid == wire.NOTIFICATION:
                return self.event(reader, zxid, error)
            outcome = wire.ERRORS.get(error, error)
            if request is not None and request.opcode == wire.OPCODES["checkWatches"] and error in (0, -121):
                outcome = "watched or not"
            head = "reply xid %d zxid %s %s" % (xid, self.zxid(zxid), outcome)
            body = ""
            if request is not None:
                self.saw(wire.NAMES.get(request.opcode, request.opcode), "ok" if error == 0 else outcome)
            if reader.at < len(payload):
                body = self.body(reader, request) if request is not None else ""
                rest = reader.rest()
                body += " rest %s" % rest.hex() if rest else ""
            return (head + " " + body).rstrip()
        except Malformed as failure:
            return "malformed: %s %s" % (failure, payload.hex())

    def body(self, reader, request):
        if request.opcode in (wire.OPCODES["multi"], wire.OPCODES["multiRead"]):
            return self.results(reader, request)
        return self.result(reader, request.opcode, request.path)

    def result(self, reader, opcode, path):
        name = wire.NAMES.get(opcode)
        if name in ("exists", "setData", "setACL"):
            return self.stat(reader.stat(), path)
        if name == "getData":
            data = self.data(reader.octets(), path)
            return "%r %s" % (data, self.stat(reader.stat(), path))
        if name == "reconfig":
            return "%r %s" % (self.data(reader.octets(), path), self.stat(reader.stat(), path))
        if name in ("create", "sync"):
            return repr(reader.text())
        if name in ("create2", "createContainer", "createTTL"):
            made = reader.text()
            return "%r %s" % (made, self.stat(reader.stat(), made))
        if name == "getACL":
            return "%r %s" % (reader.acl(), self.stat(reader.stat(), path))
        if name in ("getChildren", "getEphemerals"):
            return self.names(reader)
        if name == "getChildren2":
            return "%s %s" % (self.names(reader), self.stat(reader.stat(), path))
        if name == "getAllChildrenNumber" or name == "addWatch":
            return str(reader.int32())
        if name == "whoAmI":
            return repr(sorted(reader.vector(lambda: (reader.text(), reader.text()))))
        return ""

    @staticmethod
    def names(reader):
        names = reader.vector(reader.text)
        return repr(names if names is None else sorted(names))

    def results(self, reader, request):
        lines, paths = [], request.parts
        while True:
            path = paths[len(lines)] if len(lines) < len(paths) else None
            opcode, done, error = reader.int32(), reader.boolean(), reader.int32()
            if done or opcode == -1 and error == -1:
                lines.append("end(%d %d %d)" % (opcode, done, error))
                return "{%s}" % "; ".join(lines)
            if opcode == -1:
                code = reader.int32()
                self.saw("multi" if request.opcode == wire.OPCODES["multi"] else "multiRead", "undone")
                lines.append("%s%s" % (wire.ERRORS.get(error, error), "" if code == error else " but %d" % code))
            else:
                lines.append(("%s %s" % (wire.NAMES.get(opcode, opcode), self.result(reader, opcode, path))).rstrip())

    # ---- four-letter words

    def word(self, command, answer, live):
        """What is comparable, in no order: of sessions only those that are connected, as Apache does not notice every connection's end."""
        lines = re.sub("0x[0-9a-f]+", lambda match: self.hexadecimal(match.group(0)), wire.readable(answer)).split("\n")
        if command in ("srvr", "stat", "mntr"):
            lines = [line for line in lines if line.startswith(WORD_LINES) and (self.counts or not line.startswith("Outstanding"))]
        elif command == "conf":
            lines = [line for line in lines if not line.startswith(CONF_ELSEWHERE)]
        elif command == "dump":
            start = lines.index("ephemeral nodes dump:") if "ephemeral nodes dump:" in lines else 0
            end = lines.index("Connections dump:") if "Connections dump:" in lines else len(lines)
            lines = self.watches(lines[start + 2:end], set(self.sessions.values()))
        elif command == "cons":
            lines = [re.sub(r"/127.0.0.1:\d+|est=\d+|l?(resp|lat|minlat|avglat|maxlat)=[0-9.]+", "-", line)
                     for line in lines if any("sid=%s," % session in line for session in live)]
        elif command == "wchs":
            lines = [re.sub("^[0-9]+ connections", "connections", line) for line in lines]  # Apache's also have had some
        elif command in ("wchc", "wchp"):
            lines = self.watches(lines, live)
        return ["%s: %s" % (command, line) for line in sorted(lines)]

    @staticmethod
    def watches(lines, live):
        """A line for each session and path, whichever comes first."""
        head, found = None, []
        for line in lines:
            if not line.startswith("\t"):
                head = line.rstrip(":")
            elif {head, line[1:]} & live:
                found.append(" ".join(sorted((head, line[1:]))))
        return found

    def hexadecimal(self, number):
        value = int(number, 16)
        if value >= 2 ** 63:
            value -= 2 ** 64
        if value in self.sessions:
            return self.sessions[value]
        return self.zxid(value) if 0 < value - self.base < 10 ** 6 else "0x-" if value > 10 ** 6 else number
