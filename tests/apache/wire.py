"""wire.py -- ZooKeeper's client protocol in octets: jute values, requests, replies.

Encoders return octets; a Reader decodes and raises Malformed. Nothing here knows what is right: whatever can be written, a
test may want to send."""

import base64
import hashlib
import re
import struct

OPCODES = {
    "create": 1, "delete": 2, "exists": 3, "getData": 4, "setData": 5, "getACL": 6, "setACL": 7, "getChildren": 8,
    "sync": 9, "ping": 11, "getChildren2": 12, "check": 13, "multi": 14, "create2": 15, "reconfig": 16,
    "checkWatches": 17, "removeWatches": 18, "createContainer": 19, "deleteContainer": 20, "createTTL": 21,
    "multiRead": 22, "auth": 100, "setWatches": 101, "sasl": 102, "getEphemerals": 103, "getAllChildrenNumber": 104,
    "setWatches2": 105, "addWatch": 106, "whoAmI": 107, "createSession": -10, "closeSession": -11,
}
NAMES = {number: name for name, number in OPCODES.items()}

ERRORS = {
    0: "ok", -1: "SYSTEMERROR", -2: "RUNTIMEINCONSISTENCY", -5: "MARSHALLINGERROR", -6: "UNIMPLEMENTED", -8: "BADARGUMENTS",
    -13: "NEWCONFIGNOQUORUM", -14: "RECONFIGINPROGRESS", -101: "NONODE", -102: "NOAUTH", -103: "BADVERSION",
    -108: "NOCHILDRENFOREPHEMERALS", -110: "NODEEXISTS", -111: "NOTEMPTY", -112: "SESSIONEXPIRED", -114: "INVALIDACL",
    -115: "AUTHFAILED", -118: "SESSIONMOVED", -119: "NOTREADONLY", -121: "NOWATCHER", -123: "RECONFIGDISABLED",
    -125: "QUOTAEXCEEDED", -127: "THROTTLEDOP",
}
EVENTS = {1: "created", 2: "deleted", 3: "data-changed", 4: "children-changed"}

NOTIFICATION, PING, AUTH, SET_WATCHES = -1, -2, -4, -8
OPEN = ((31, "world", "anyone"),)


# ---- writing


def int32(value):
    return struct.pack("!i", value)


def int64(value):
    return struct.pack("!q", value)


def boolean(value):
    return struct.pack("!B", value)


def octets(value):
    return int32(-1) if value is None else int32(len(value)) + value


def text(value):
    return octets(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)


def vector(values, write):
    return int32(-1) if values is None else int32(len(values)) + b"".join(write(value) for value in values)


def acl(entries):
    return vector(entries, lambda entry: int32(entry[0]) + text(entry[1]) + text(entry[2]))


def frame(payload):
    return int32(len(payload)) + payload


def multi(parts):
    """Of (opcode, body); a part may have its own `done` and `error` as third and fourth."""
    written = b"".join(int32(part[0]) + boolean(0) + int32(-1) + part[1] for part in parts)
    return written + int32(-1) + boolean(1) + int32(-1)


def digest_id(user, password):
    """What `user:password` proves, as an id of scheme digest."""
    hashed = hashlib.sha1(("%s:%s" % (user, password)).encode()).digest()
    return "%s:%s" % (user, base64.b64encode(hashed).decode())


def session_password(session):
    """What every server derives from a session's id (java.util.Random)."""
    mask = (1 << 48) - 1
    state = ((session ^ 0xB3415C00) ^ 0x5DEECE66D) & mask
    password = b""
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) & mask
        password += struct.pack("<I", state >> 16 & 0xFFFFFFFF)
    return password


# ---- reading


def readable(value):
    """As text; what is not UTF-8, or beyond U+FFFF, is one U+FFFD, however long."""
    return re.sub("[\ufffd\U00010000-\U0010ffff]+", "\ufffd", value.decode("utf-8", "replace"))


class Malformed(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise Malformed("%d octets wanted at %d of %d" % (count, self.at, len(self.data)))
        self.at += count
        return self.data[self.at - count:self.at]

    def int32(self):
        return struct.unpack("!i", self.take(4))[0]

    def int64(self):
        return struct.unpack("!q", self.take(8))[0]

    def boolean(self):
        return self.take(1)[0]

    def octets(self):
        length = self.int32()
        return None if length == -1 else self.take(length)

    def text(self):
        value = self.octets()
        return None if value is None else readable(value)

    def vector(self, read):
        count = self.int32()
        return None if count == -1 else [read() for _ in range(count)]

    def acl(self):
        return self.vector(lambda: (self.int32(), self.text(), self.text()))

    def stat(self):
        names = ("czxid", "mzxid", "ctime", "mtime", "version", "cversion", "aversion", "owner", "length", "children", "pzxid")
        return dict(zip(names, struct.unpack("!qqqqiiiqiiq", self.take(68))))

    def rest(self):
        return self.take(len(self.data) - self.at)
