"""generator.py -- Seeded random steps: what several clients do to one server.

A step is plain data and means the same to every server, so a sequence can be played anywhere, and any part of it left out:

    Connect  opens a connection in a slot, for a new session or one that a slot had
    Send     requests in one write, and then their replies
    Raw      octets on a slot's connection, or on one of their own, that end it
    Drop     the client closes the connection, not the session
    Word     a four-letter word

The generator knows nothing of the outcome: few names, few versions and few ids make things meet. What differs from server to server (zxids, session
ids) is named, not written: see Zxid, and Connect.session.

Never sent, because Apache ZooKeeper 3.8.0 does not survive it: `check` outside a multi, `createTTL` with flags of another mode, deleteContainer. Nor
a reconfig that cannot be decoded, a multi with a path that is null: a leader of 3.8.0 answers nothing to that session any more, and after the
latter commits nothing. Nor a persistent watch on a path that is null: 3.8.0 cannot clean up behind a connection that has one."""

import random
from dataclasses import dataclass
from typing import Any, List, Optional

import wire
from wire import boolean, int32, int64, octets, text

SLOTS = 4
ROOT = "/r"


@dataclass
class Zxid:
    """In a body: that many transactions after the sequence began."""
    relative: int


@dataclass
class Request:
    opcode: int
    body: List[Any]            # octets and Zxids
    note: str                  # for people
    path: Optional[str] = None
    xid: Optional[int] = None  # None: the connection's next
    parts: Any = ()            # paths of a multi's parts


@dataclass
class Connect:
    slot: int
    session: Optional[int] = None  # that of this slot's latest connection; -1: one that never was
    timeout: int = 20000
    password: str = "right"        # wrong, null, short, long
    zxid: str = "none"             # seen, ahead
    read_only: Optional[int] = 0   # None: without that octet
    once: bool = False             # closed again at once
    server: int = 0                # by role
    left: str = "closed"           # what a connection to another server is used for that loses its session: read, write, closed


@dataclass
class Send:
    slot: int
    requests: List[Request]
    ends: bool = False  # the server closes the connection


@dataclass
class Raw:
    slot: Optional[int]
    data: bytes
    note: str
    server: int = 0  # without a slot


@dataclass
class Drop:
    slot: int


@dataclass
class Word:
    word: str
    server: int = 0


def describe(step):
    if isinstance(step, Send):
        return "slot %d: %s" % (step.slot, "; ".join(request.note for request in step.requests))
    if isinstance(step, Raw):
        return "slot %s: %s" % (step.slot, step.note)
    return repr(step)


# ---- arguments

GOOD_ACLS = [
    (8, wire.OPEN), (1, ((31, "auth", ""),)), (1, ((31, "digest", wire.digest_id("alice", "a")),)),
    (1, ((1, "world", "anyone"), (31, "digest", wire.digest_id("bob", "b")))), (1, ((31, "ip", "127.0.0.1"),)),
    (1, ((31, "ip", "127.0.0.0/8"), (1, "ip", "10.1.2.3"))), (1, ((30, "world", "anyone"),)), (1, ((1, "world", "anyone"),)),
    (1, ((27, "world", "anyone"),)), (1, ((15, "world", "anyone"),)), (1, ((16, "world", "anyone"), (1, "auth", "x"))),
    (1, ((31, "world", "anyone"), (31, "world", "anyone"), (1, "world", "anyone"))), (1, ((0, "world", "anyone"),)),
    (1, ((-1, "world", "anyone"),)), (1, ((33, "world", "anyone"),)), (1, ((31, "ip", "10.0.0.0/8"),)),
]
BAD_ACLS = [
    (), None, ((31, "nosuch", "x"),), ((31, "world", "someone"),), ((31, "world", ""),), ((31, "world", None),),
    ((31, None, "anyone"),), ((31, "digest", "alice"),), ((31, "digest", "a:b:c"),), ((31, "digest", ""),), ((31, "digest", ":"),),
    ((31, "digest", None),), ((31, "ip", "127.0.0.1/33"),), ((31, "ip", "300.0.0.1"),), ((31, "ip", "1.2.3"),), ((31, "ip", ""),),
    ((31, "ip", "1.2.3.4/x"),), ((31, "ip", "::1"),), ((31, "ip", "1.2.3.4/-1"),), ((31, "ip", "/8"),), ((31, "ip", "1.2.3.4/"),),
    ((31, "ip", "01.2.3.4"),), ((31, "ip", "1.2.3.4/0"),), ((31, "", ""),), ((31, "super", ""),), ((31, "sasl", "x"),),
    ((31, "x509", "CN=x"),), ((31, "world", "anyone"), (31, "nosuch", "")), ((31, "WORLD", "anyone"),), ((31, "auth", None),),
    ((31, "ip", "1.2.3.4/8/8"),), ((31, "ip", None),), ((31, "ip", "localhost"),), ((31, "ip", " 1.2.3.4"),), ((31, "ip", "+1.2.3.4"),),
]
BAD_PATHS = [
    "", "r", "r/a", "//", "/r/", "/r/a/", "/r//a", "/r/./a", "/r/..", "/r/../a", "/r/.", "/.", "/..", "/r/...", "/r/a\0", "/r/\x01", "/r/\x7f",
    "/r/\x85", "/r/\ud800", "/r/\ue000", "/r/\uf8ff", "/r/\ufff0", "/r/\uffff", "/r/\U0001f600", b"/r/\xff", b"/r/\xc3", b"/r/\xc0\x80",
    b"/r/\xed\xa0\xbd\xed\xb8\x80", b"\xff", None, "/r/a/\0/b", "/\0", "/r/ ", "/r/\t", "/r/\u00a0", "/r/a\x1f", "/none", "/none/a", "a/", ".",
]
GOOD_PATHS = ["/r/\u00e9", "/r/\u4e2d\u6587", "/r/.x", "/r/..x", "/r/a b", "/r/-", "/r/" + "n" * 200, "/r/\uf900", "/r/\uffef", "/r/\u00a1"]
SPECIAL_PATHS = ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota", ROOT, ROOT, ROOT]
AUTHS = [("digest", b"alice:a"), ("digest", b"bob:b"), ("digest", b"alice:wrong"), ("ip", b""), ("ip", b"10.1.2.3"), ("digest", b"super:wrong"),
         ("digest", b":"), ("digest", b"a:"), ("digest", b"a:b:c"), ("digest", b""), ("digest", b"nocolon"), ("digest", b"\xc3\xa9:\xc3\xa9")]
BAD_AUTHS = [("nosuch", b"x"), ("world", b"anyone"), ("super", b""), ("", b""), (None, b"x"), ("auth", b""), ("x509", b"x"), ("sasl", b"x"),
             ("DIGEST", b"a:b"), ("digest", None)]
WORDS = ["ruok", "isro", "srvr", "stat", "cons", "wchs", "wchc", "wchp", "dump", "mntr", "conf", "crst", "abcd", "RUOK"]
UNFLIPPED = {wire.OPCODES["multi"], wire.OPCODES["multiRead"], wire.OPCODES["checkWatches"]}
UNSPOILT = {wire.OPCODES["createTTL"], wire.OPCODES["reconfig"]}


def weighted(random_, choices):
    return random_.choices([choice for _, choice in choices], [weight for weight, _ in choices])[0]


# What a test of many seeds has to have seen, or it has tested nothing.
COVERS = tuple([(name, "ok") for name in wire.OPCODES if name not in ("check", "deleteContainer", "createSession", "sasl", "reconfig")] + [
    ("create", "NODEEXISTS"), ("create", "NONODE"), ("create", "NOAUTH"), ("create", "INVALIDACL"), ("create", "BADARGUMENTS"),
    ("create", "NOCHILDRENFOREPHEMERALS"), ("create", "QUOTAEXCEEDED"), ("create", "MARSHALLINGERROR"), ("delete", "NOTEMPTY"),
    ("delete", "BADVERSION"), ("setData", "BADVERSION"), ("setData", "NOAUTH"), ("setACL", "BADVERSION"), ("setACL", "INVALIDACL"),
    ("getData", "NOAUTH"), ("getACL", "NOAUTH"), ("removeWatches", "NOWATCHER"), ("addWatch", "MARSHALLINGERROR"),
    ("event", "created"), ("event", "deleted"), ("event", "data-changed"), ("event", "children-changed"), ("multi", "undone"),
    ("multiRead", "undone"), ("connect", "session"), ("connect", "nobody"), ("connection", "closed"), ("reconfig", "RECONFIGDISABLED"),
])


class Generator:
    servers = 1
    alien_parts = 0.04  # of multis have one that is none

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.live = set()     # slots that have a connection, as far as one can tell
        self.had = set()      # slots that ever had one
        self.session_of = {}  # slot -> a name
        self.super = set()    # slots that may do anything
        self.made = []        # paths that may well exist
        self.has_quota = False  # then whether requests meet in the pipeline is decided by what is already counted: no bursts
        self.steps = []

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, choices):
        return self.random.choice(choices)

    # ---- arguments

    def name(self):
        if self.chance(0.12):
            return "%s%010d" % (self.pick("qs"), self.random.randrange(6))
        return self.pick("aaabbc")

    def path(self, depth=None):
        """One of some fifty that may well exist; now and then a strange one."""
        if depth is None:
            kind = self.random.random()
            if kind < 0.04:
                return self.pick(BAD_PATHS)
            if kind < 0.06:
                return self.pick(GOOD_PATHS)
            if kind < 0.09:
                return self.pick(SPECIAL_PATHS)
            if kind < 0.45 and self.made:
                return self.pick(self.made)
        depth = depth or self.pick([1, 1, 1, 2, 2, 2, 3])
        return "/".join([ROOT] + [self.name() for _ in range(depth)])

    def written_path(self, slot):
        """Nothing that outlives a sequence is written to, but as cleaning up can put it right again."""
        while True:
            path = self.path()
            if path not in ("", ROOT, "/zookeeper", "/zookeeper/quota") and not (path == "/zookeeper/config" and slot in self.super):
                return path

    def sequence_path(self):
        if self.chance(0.05):
            return self.pick([ROOT + "/", ROOT + "/a/", ROOT + "//", "r", ROOT + "/./q", ROOT + "/\x01"])
        return "/".join([ROOT] + [self.pick("aab") for _ in range(self.pick([0, 0, 1, 2]))] + [self.pick("qs")])

    def data(self):
        kind = self.random.random()
        if kind < 0.08:
            return None
        if kind < 0.16:
            return b""
        if kind < 0.17:
            return b"x" * self.pick([1000, 20000, 200000])
        return b"d%d" % self.random.randrange(1000)

    def version(self, path=ROOT):
        if path in ("/", ""):
            return -1
        return self.pick([-1, -1, -1, -1, 0, 0, 1, 2, 3, -2, 7, 2 ** 31 - 1, -2 ** 31])

    def acl(self):
        return self.pick(BAD_ACLS) if self.chance(0.08) else weighted(self.random, GOOD_ACLS)

    def watch(self):
        return self.pick([0, 0, 1, 1, 1, 2, 255])

    # ---- requests

    def request(self, name, body, note, path=None, xid=None):
        body = body if isinstance(body, list) else [body]
        return Request(wire.OPCODES[name], body, "%s %s" % (name, note), path, xid)

    def create(self, slot, name=None):
        name = name or self.pick(["create"] * 5 + ["create2"] * 3 + ["createContainer", "createTTL", "createTTL"])
        flags = self.pick([0, 0, 0, 0, 1, 1, 2, 3])
        if name == "createContainer":
            flags = self.pick([4, 4, 4, 0, 2])
        elif name == "createTTL":
            flags = self.pick([5, 5, 6])
        elif self.chance(0.05):
            flags = self.pick([4, 5, 6, 7, -1, 8, 100, 2 ** 31 - 1, -2 ** 31])
        path = self.sequence_path() if flags in (2, 3, 6) else self.written_path(slot)
        if path == "/zookeeper/config":
            path = "/r/config"
        data, entries = self.data(), self.acl()
        if isinstance(path, str) and path.startswith(ROOT) and flags in (0, 1, 4, 5):
            self.made = self.made[-15:] + [path]
        body = text(path) + octets(data) + wire.acl(entries) + int32(flags)
        note = "%r %s flags %d acl %r" % (path, data if data is None or len(data) < 100 else len(data), flags, entries)
        if name == "createTTL":
            ttl = self.pick([600000, 600000, 3600000, 0, -1, -2, 1 << 40, (1 << 40) - 1, 2 ** 63 - 1])
            body += int64(ttl)
            note += " ttl %d" % ttl
        return self.request(name, body, note, path)

    def delete(self, slot):
        path = self.path()
        version = self.version()
        return self.request("delete", text(path) + int32(version), "%r version %d" % (path, version), path)

    def set_data(self, slot):
        path = self.written_path(slot)
        version, data = self.version(path), self.data()
        shown = data if data is None or len(data) < 100 else len(data)
        return self.request("setData", text(path) + octets(data) + int32(version), "%r %s version %d" % (path, shown, version), path)

    def set_acl(self, slot):
        path = self.written_path(slot)
        version, entries = self.version(path), self.acl()
        return self.request("setACL", text(path) + wire.acl(entries) + int32(version), "%r %r version %d" % (path, entries, version), path)

    def check(self, slot):
        path, version = self.path(), self.version()
        return self.request("check", text(path) + int32(version), "%r version %d" % (path, version), path)

    def read(self, slot, name=None):
        name = name or self.pick(["exists"] * 3 + ["getData"] * 3 + ["getChildren"] * 2 + ["getChildren2"] * 2)
        path, watch = self.path(), self.watch()
        return self.request(name, text(path) + boolean(watch), "%r watch %d" % (path, watch), path)

    def path_only(self, slot):
        name = self.pick(["getACL", "getACL", "sync", "getEphemerals", "getAllChildrenNumber"])
        path = self.path() if self.chance(0.8) else self.pick(["/", None, "", " ", "/r/a", "/nowhere"])
        return self.request(name, text(path), "%r" % (path,), path)

    def plain(self, slot):
        if self.chance(0.5):
            return self.request("whoAmI", b"", "")
        return self.request("ping", b"", "", xid=wire.PING)

    def auth(self, slot):
        scheme, proof = self.pick(AUTHS) if self.chance(0.9) else ("digest", b"super:test")
        if proof == b"super:test":
            self.super.add(slot)
        kind = self.pick([0, 0, 0, 0, 1, -1])
        return self.request("auth", int32(kind) + text(scheme) + octets(proof), "%s %r" % (scheme, proof), xid=wire.AUTH)

    def multi(self, slot):
        parts = [self.pick([self.create, self.create, self.set_data, self.set_data, self.delete, self.check])(slot)
                 for _ in range(self.pick([0, 1, 1, 2, 2, 3, 3, 4, 6]))]
        if self.chance(self.alien_parts):
            parts.insert(self.random.randrange(len(parts) + 1), self.pick([self.read, self.set_acl, self.path_only])(slot))
        parts = [part for part in parts if part.path is not None]
        return self.many("multi", parts)

    def multi_read(self, slot):
        parts = [self.read(slot, self.pick(["getData", "getChildren"])) for _ in range(self.pick([0, 1, 2, 3, 4]))]
        if self.chance(0.08):
            parts.insert(self.random.randrange(len(parts) + 1), self.pick([self.read, self.create, self.check])(slot))
        return self.many("multiRead", parts)

    def many(self, name, parts):
        request = self.request(name, wire.multi([(part.opcode, part.body[0]) for part in parts]),
                               "{%s}" % "; ".join(part.note for part in parts))
        request.parts = [part.path for part in parts]
        return request

    def watch_request(self, slot):
        name = self.pick(["addWatch", "addWatch", "addWatch", "removeWatches", "checkWatches"])
        path = self.path() if self.chance(0.9) else self.pick(SPECIAL_PATHS)
        if name == "addWatch":
            number = self.pick([0, 0, 0, 1, 1, 1, 2, -1])
        else:
            number = self.pick([1, 2, 3, 3, 3, 4, 5, 0, -1, 9])
        while name == "addWatch" and path is None or name == "checkWatches" and (path is None or isinstance(path, bytes) or path[:1] != "/"):
            path = self.path()
        return self.request(name, text(path) + int32(number), "%r %d" % (path, number), path)

    def set_watches(self, slot):
        name = self.pick(["setWatches", "setWatches2"])
        lists = [[self.path() for _ in range(self.pick([0, 0, 1, 2, 3]))] for _ in range(3 if name == "setWatches" else 5)]
        lists[3:] = [[path for path in paths if path is not None] for paths in lists[3:]]
        zxid = self.pick([0, self.random.randrange(400), self.random.randrange(400), 10 ** 6])
        body = [Zxid(zxid), b"".join(wire.vector(paths, text) for paths in lists)]
        return self.request(name, body, "since %d %r" % (zxid, lists), xid=self.pick([None, wire.SET_WATCHES]))

    def reconfig(self, slot):
        values = [self.pick([None, "", "server.2=127.0.0.1:1:2:participant;3", "2", "x"]) for _ in range(3)]
        config = self.pick([-1, 0, 5])
        return self.request("reconfig", b"".join(text(value) for value in values) + int64(config), "%r %d" % (values, config))

    def spoilt(self, slot):
        """A body that is not what it should be."""
        request = self.ordinary(slot)
        while request.opcode in UNSPOILT or len(request.body) != 1:
            request = self.ordinary(slot)
        body = request.body[0]
        how = self.random.random()
        if how < 0.55 or not body:
            at = self.random.randrange(len(body) + 1)
            request.body, request.note = [body[:at]], "%s cut at %d of %d" % (request.note, at, len(body))
        elif how < 0.7 and request.opcode not in UNFLIPPED:
            at = self.random.randrange(len(body))
            value = self.pick([body[at] ^ 1 << self.random.randrange(8), 0, 255, 127])
            request.body = [body[:at] + bytes([value]) + body[at + 1:]]
            request.note += " with octet %d as %d" % (at, value)
            request.path = None
        elif how < 0.8:
            request.body, request.note = [body + b"\0more"[:self.random.randrange(6)]], request.note + " and more"
        elif request.opcode in (wire.OPCODES["multi"], wire.OPCODES["multiRead"]):
            return request
        else:
            # The length of the path, which all others begin with.
            length = self.pick([-1, -2, 0, 1, 2 ** 31 - 1, -2 ** 31, 0xFFFFF, 0x200000])
            request.body, request.note = [int32(length) + body[4:]], "%s with length %d" % (request.note, length)
        return request

    def business(self, slot):
        """What is none of a client's, or nobody set up. Replies to sasl may overtake others."""
        if self.chance(0.5):
            return Send(slot, [self.request("createSession", b"\0\0\0"[:self.random.randrange(4)], "")])
        return Send(slot, [self.request("sasl", octets(self.pick([None, b"", b"token"])), "")])

    def odd_xid(self, slot):
        request = self.ordinary(slot)
        request.xid = self.pick([0, -3, -5, -8, -2, -4, 2 ** 31 - 1, -2 ** 31, 7, 7])
        request.note += " xid %d" % request.xid
        return request

    def ordinary(self, slot):
        return weighted(self.random, [
            (24, self.create), (10, self.delete), (14, self.set_data), (5, self.set_acl), (24, self.read), (6, self.path_only),
            (2, self.plain), (9, self.multi), (3, self.multi_read), (8, self.watch_request), (2, self.set_watches), (0.3, self.reconfig),
        ])(slot)

    def any_request(self, slot):
        return weighted(self.random, [(93, self.ordinary), (5, self.spoilt), (2, self.odd_xid)])(slot)

    # ---- steps

    def add(self, step):
        self.steps.append(step)

    def some_server(self):
        return self.random.randrange(self.servers) if self.servers > 1 else 0

    def connect(self, slot, **options):
        options.setdefault("server", self.some_server())
        if self.servers > 1:
            options["left"] = self.pick(["read", "write", "closed"])
        self.super.discard(slot)
        self.take_session(slot, options.get("session"))
        self.live.add(slot)
        self.had.add(slot)
        self.add(Connect(slot, **options))

    def take_session(self, slot, of):
        """A session is used in one place at a time: what goes on where it was before is a matter of time."""
        self.session_of[slot] = len(self.steps) if of is None else self.session_of.get(of, -1)
        self.live -= {other for other in self.live if self.session_of.get(other) == self.session_of[slot]}

    def close(self, slot):
        self.live.discard(slot)
        requests = [self.request("closeSession", b"", "")]
        if self.chance(0.3):
            requests.insert(0, self.create(slot, "create"))
        self.add(Send(slot, requests, ends=True))

    def reconnect(self):
        slot = self.random.randrange(SLOTS)
        options = {"timeout": self.pick([20000, 20000, 15000, 30000]), "read_only": self.pick([0, 0, None, 1, 5])}
        if not self.had or self.chance(0.35):
            if slot in self.live:
                self.close(slot)
            self.connect(slot, password=self.pick(["right", "null", "wrong", "short", "long"]), **options)
            return
        of = self.pick(sorted(self.had))
        options["password"] = self.pick(["right"] * 5 + ["wrong", "null", "short", "long"])
        options["zxid"] = self.pick(["none", "none", "seen", "seen", "ahead"])
        if self.chance(0.04):
            of = -1
        if of != slot and slot in self.live:
            self.close(slot)
        self.live.discard(of)
        self.connect(slot, session=of, **options)
        if options["zxid"] == "ahead" or options["password"] != "right" or of == -1:
            self.live.discard(slot)
            self.connect(slot)

    def once(self):
        self.add(Connect(-1, timeout=self.pick([0, -5, 1, 1999, 2000, 2001, 20000, 20001, 2 ** 31 - 1, -2 ** 31]),
                         read_only=self.pick([0, 1, None, 7]), once=True, server=self.some_server()))

    def raw(self):
        connect = int32(0) + int64(0) + int32(20000) + int64(0) + octets(bytes(16))
        if self.chance(0.5):
            data, note = self.pick([
                (int32(-1), "length -1"), (int32(0x100000), "length 0x100000"), (int32(0), "length 0"), (int32(-2 ** 31), "length -2^31"),
                (int32(4) + b"abcd", "a short ConnectRequest"),
                (wire.frame(int32(1) + int32(1) + text("/r/x") + octets(b"") + wire.acl(wire.OPEN) + int32(0)), "create instead of a ConnectRequest"),
                (wire.frame(int32(wire.AUTH) + int32(100) + int32(0) + text("digest") + octets(b"super:test")), "auth instead of a ConnectRequest"),
                (wire.frame(int32(wire.PING) + int32(11)), "ping instead of a ConnectRequest"), (wire.frame(connect[:20]), "ConnectRequest cut at 20"),
                (wire.frame(connect[:27]), "ConnectRequest cut at 27"), (wire.frame(connect[:24] + int32(99) + bytes(16)), "password too short"),
                (wire.frame(connect[:24] + int32(-2) + bytes(16)), "password of length -2"), (b"GET / HTTP/1.0\r\n\r\n", "HTTP"),
                (b"\x16\x03\x01\x02\0\1\0\1", "TLS"), (int32(0xFFFFF + 1) + bytes(100), "a byte too long"),
            ])
            self.add(Raw(None, data, note, self.some_server()))
            return
        slot = self.pick(sorted(self.live) or [0])
        data, note = self.pick([
            (int32(-5), "length -5"), (int32(0x7FFFFFFF), "length 2^31-1"), (int32(0), "length 0"), (wire.frame(int32(1)), "a short header"),
            (wire.frame(b"\0\0\0\1\0\0\0"), "a header of 7 octets"), (b"ruok", "ruok in a session"), (int32(0x100000), "length 0x100000"),
        ])
        self.live.discard(slot)
        self.add(Raw(slot, data, note))
        if self.chance(0.5):
            self.connect(slot, session=slot)
        else:
            self.connect(slot)

    def unknown(self):
        slot = self.pick(sorted(self.live) or [0])
        opcode = self.pick([0, 10, 23, 24, 99, 108, 1000, -1, -2, -12, 2 ** 31 - 1, -2 ** 31])
        self.live.discard(slot)
        self.add(Send(slot, [Request(opcode, [b""], "opcode %d" % opcode)], ends=True))
        self.connect(slot, session=self.pick([slot, None]))

    def bad_auth(self):
        slot = self.pick(sorted(self.live) or [0])
        scheme, proof = self.pick(BAD_AUTHS)
        self.live.discard(slot)
        self.add(Send(slot, [self.request("auth", int32(0) + text(scheme) + octets(proof), "%s %r" % (scheme, proof), xid=wire.AUTH)], ends=False))
        self.connect(slot, session=slot)

    def drop(self):
        slot = self.pick(sorted(self.live) or [0])
        self.add(Drop(slot))
        self.live.discard(slot)
        self.connect(slot, session=slot, zxid=self.pick(["none", "seen"]))
        if self.chance(0.6):
            self.add(Send(slot, [self.set_watches(slot)]))

    def grow(self):
        """A tree in which there is something to find."""
        slot = self.pick(sorted(self.live) or [0])
        self.made = [path for top in "abc" for path in ["/r/" + top] + ["/r/%s/%s" % (top, self.pick("aab")) for _ in range(2)]]
        requests = [self.request("create", text(path) + octets(b"grown") + wire.acl(wire.OPEN) + int32(0), "%r" % path, path)
                    for path in sorted(set(self.made), key=len)]
        for request in [[request] for request in requests] if self.has_quota else [requests]:
            self.add(Send(slot, request))

    def quota(self):
        """As a client library does it: the limit, and where the count is kept."""
        slot = self.pick(sorted(self.live) or [0])
        self.has_quota = True
        path = self.pick(["/r", "/r/a", "/r/b"])
        limit = self.pick([b"count=3,bytes=20", b"count=-1,bytes=-1", b"count=1,bytes=-1=;byteHardLimit=30;countHardLimit=-1",
                           b"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=4", b"count=-1,bytes=40"])
        made, requests = "/zookeeper/quota", []
        for name, data in [(name, None) for name in path[1:].split("/")] + [("zookeeper_limits", limit)]:
            made += "/" + name
            requests.append(self.request("create", text(made) + octets(data) + wire.acl(wire.OPEN) + int32(0), "%r %r" % (made, data), made))
        stats = made.replace("limits", "stats")
        requests.append(self.request("create", text(stats) + octets(b"count=0,bytes=0") + wire.acl(wire.OPEN) + int32(0), "%r" % stats, stats))
        self.add(Send(slot, requests))
        for _ in range(self.random.randrange(8)):
            self.add(Send(slot, [self.pick([self.create, self.set_data, self.delete])(slot)]))
        self.add(Send(slot, [self.request("getData", text(stats) + boolean(0), "%r watch 0" % stats, stats)]))

    def large(self):
        """As large as a request may be, and an octet more."""
        slot = self.pick(sorted(self.live) or [0])
        path, more = "/r/large", self.pick([0, 0, 1])
        body = text(path) + octets(b"x" * (0xFFFFF - 8 - 4 - len(path) - 4 - 4 + more)) + int32(-1)
        create = self.request("create", text(path) + octets(b"") + wire.acl(wire.OPEN) + int32(0), "%r" % path, path)
        self.add(Send(slot, [create]))
        self.add(Send(slot, [self.request("setData", body, "%r, a frame of %d octets" % (path, len(body) + 8), path)]))
        self.add(Send(slot, [self.request("getData", text(path) + boolean(0), "%r watch 0" % path, path)]))
        if more:
            self.connect(slot, session=slot)
        self.add(Send(slot, [self.request("delete", text(path) + int32(-1), "%r" % path, path)]))

    def one(self):
        """Requests, mostly one."""
        if not self.live:
            self.connect(self.random.randrange(SLOTS))
        slot = self.pick(sorted(self.live))
        count = 1 if self.has_quota or self.chance(0.85) else self.random.randrange(2, 12)
        requests = [self.any_request(slot) for _ in range(count)]
        if count > 1:
            # Requests behind a setACL are checked with either ACL, depending on whether it was applied in time.
            requests = [request for request in requests if request.opcode != wire.OPCODES["setACL"]]
        self.add(Send(slot, requests))
        return count

    def sequence(self, operations):
        for slot in range(3):
            self.connect(slot)
        self.grow()
        done = 3 + len(self.made)
        while done < operations:
            kind = self.random.random()
            if kind < 0.955:
                done += self.one()
                continue
            weighted(self.random, [
                (10, self.reconnect), (8, self.grow), (1, self.once), (3, self.raw), (3, self.unknown), (2, self.bad_auth), (6, self.drop), (2, self.quota), (0.3, self.large),
                (0.5, lambda: self.live and self.add(self.business(self.pick(sorted(self.live))))),
                (5, lambda: self.live and self.add(Send(*self.authentic()))), (2, lambda: self.add(Word(self.pick(WORDS), self.some_server()))),
            ])()
            done += 1
        return self.steps

    def authentic(self):
        slot = self.pick(sorted(self.live))
        return slot, [self.auth(slot)]


def generate(seed, operations):
    return Generator(seed).sequence(operations)
