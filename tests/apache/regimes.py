"""regimes.py -- Sequences for other services than a single server: see kinds.py. More steps:

    Expire     a session is not heard of any more, and the others are told what becomes of it
    Gone       what the sweep of containers and of old znodes with a TTL has to take, and nothing else
    Alone      a server loses the others, and serves readers only; Together: they are back
    Crowd      many connections at once, until the server has enough

What happens by itself happens at some time. Such a step waits for it, and the next begins when it is over."""

from dataclasses import dataclass
from typing import List

import generator
import wire
from generator import ROOT, Connect, Generator, Send, Word
from wire import boolean, int32, int64, octets, text

SHORT_MS = 1500  # a session's time-out


@dataclass
class Expire:
    slot: int
    silent: bool  # the connection stays, but nothing comes any more


@dataclass
class Gone:
    paths: List[str]


@dataclass
class Alone:
    server: int


@dataclass
class Together:
    pass


@dataclass
class Crowd:
    count: int


class Three(Generator):
    """Sessions on any of three servers, moving between them."""

    servers = 3


class Expiring(Three):
    """Sessions with ephemerals and watches come to their end."""

    def sequence(self, operations):
        for slot in range(3):
            self.connect(slot)
        self.grow()
        done = 0
        while done < operations:
            self.connect(3, timeout=SHORT_MS)
            for _ in range(self.random.randrange(4, 12)):
                self.add(Send(3, [self.pick([self.ephemeral, self.ephemeral, self.watched, self.create, self.set_data, self.multi])(3)]))
            for _ in range(self.random.randrange(4, 12)):
                slot = self.random.randrange(3)
                self.add(Send(slot, [self.pick([self.watched, self.watched, self.watch_request, self.ephemeral, self.delete])(slot)]))
            self.add(Expire(3, silent=self.chance(0.5)))
            self.connect(3, session=3)
            for slot in range(3):
                self.add(Send(slot, [self.path_only(slot), self.watched(slot)]))
            done += 40
        return self.steps

    def ephemeral(self, slot):
        path = self.pick([ROOT, "/r/a", "/r/b"]) + "/" + self.pick("efg") + self.pick(["", "-"])
        flags = 3 if path.endswith("-") else 1
        return self.request("create", text(path) + octets(b"e") + wire.acl(wire.OPEN) + int32(flags), "%r flags %d" % (path, flags), path)

    def watched(self, slot):
        name = self.pick(["exists", "getData", "getChildren", "getChildren2"])
        path = self.pick([ROOT, "/r/a", "/r/b"]) + self.pick(["", "", "/e", "/f", "/g", "/e-0000000000"])
        return self.request(name, text(path) + boolean(1), "%r watch 1" % path, path)


class Sweeping(Generator):
    """Containers and znodes with a TTL; one thing at a time is due, so that their order does not matter."""

    def sequence(self, operations):
        for slot in range(2):
            self.connect(slot)
        for at in range(max(1, operations // 20)):
            self.look("/r/n%d" % at)
            self.pick([self.container, self.container, self.nest, self.age, self.renew, self.keep])("/r/n%d" % at)
        everything = ["/r"] + ["/r/n%d%s" % (at, more) for at in range(operations // 20) for more in ("", "/c", "/c/d")]
        for path in everything:
            self.add(Send(0, [self.request("exists", text(path) + boolean(0), "%r watch 0" % path, path)]))
        return self.steps

    def ask(self, *requests):
        self.add(Send(self.random.randrange(2), list(requests)))

    def look(self, path):
        """Somebody wants to know what happens."""
        for below in self.random.sample(["", "/c", "/c/d"], 2):
            self.ask(self.request("exists", text(path + below) + boolean(1), "%r watch 1" % (path + below), path + below))
        mode = self.pick([0, 1])
        self.ask(self.request("addWatch", text(self.pick([ROOT, path])) + int32(mode), "%r %d" % (path, mode), path))

    def gone(self, path):
        return self.request("delete", text(path) + int32(-1), "%r version -1" % path, path)

    def container(self, path):
        self.ask(self.open("createContainer", path, 4))
        kids = [path + "/c" + number for number in "12"[:self.random.randrange(1, 3)]]
        for kid in kids:
            self.ask(self.open("create", kid, self.pick([0, 1])))
        for kid in kids:
            self.ask(self.gone(kid))
        self.add(Gone([path]))

    def open(self, name, path, flags=0, ttl=None):
        body = text(path) + octets(b"") + wire.acl(wire.OPEN) + int32(flags) + (int64(ttl) if ttl is not None else b"")
        return self.request(name, body, "%r flags %d ttl %s" % (path, flags, ttl), path)

    def nest(self, path):
        """A container whose last child is one."""
        self.ask(self.open("createContainer", path, 4))
        self.ask(self.open("createContainer", path + "/c", 4))
        self.ask(self.open("create", path + "/c/d"))
        self.ask(self.gone(path + "/c/d"))
        self.add(Gone([path + "/c", path]))

    def age(self, path):
        """A TTL that is soon over, with children or without."""
        ttl = self.pick([1, 50, 300])
        if self.chance(0.5):
            self.ask(self.open("createTTL", path, 5, ttl))
        else:
            parts = [self.open("createTTL", path, 5, ttl), self.open("create", path + "/c")]
            request = self.many("multi", parts)
            self.ask(request)
            self.add(Gone([]))
            self.ask(self.gone(path + "/c"))
        self.add(Gone([path]))

    def renew(self, path):
        """What is written to begins anew."""
        self.ask(self.open("createTTL", path, 5, 400), self.request("setData", text(path) + octets(b"new") + int32(-1), "%r" % path, path))
        self.add(Gone([path]))

    def keep(self, path):
        """Neither is a reason to go: never used, long to live, an ordinary znode."""
        name, flags, ttl = self.pick([("createContainer", 4, None), ("createTTL", 5, 3600000), ("createTTL", 5, 1 << 39), ("create", 0, None)])
        self.ask(self.open(name, path, flags, ttl))
        if self.chance(0.5) and name != "createContainer":
            self.ask(self.open("create", path + "/c"), self.gone(path + "/c"))
        self.add(Gone([]))


class Lonely(Three):
    """A server that has lost the others. Apache opens sessions there only with localSessionsEnabled, and those are no transactions.
    Of a local session's multi that cannot be decoded 3.8.0 executes what it had not looked at (checkUpgradeSession)."""

    alien_parts = 0

    def set_watches(self, slot):
        while True:
            request = super().set_watches(slot)
            if request.body[0].relative in (0, 10 ** 6):
                return request

    def sequence(self, operations):
        for slot in range(3):
            self.connect(slot)
        self.grow()
        for _ in range(operations // 5):
            self.one()
        last = 1
        self.connect(3)
        self.add(Send(3, [self.request("create", text("/r/global") + octets(b"") + wire.acl(wire.OPEN) + int32(1), "'/r/global' flags 1", "/r/global")]))
        self.add(Alone(last))
        self.live.clear()
        self.super.clear()
        self.had = set()
        self.has_quota = True  # Apache's refusals overtake what was asked before
        self.some_server = lambda: last
        for slot in range(3):  # not all of them know what it is
            self.connect(slot, read_only=self.pick([1, 1, 1, 0, None]))
        self.connect(3, session=3, read_only=1, password=self.pick(["right", "wrong"]))
        self.connect(3, read_only=1)
        for _ in range(operations // 2):
            if self.chance(0.1):
                slot = self.random.randrange(4)
                self.connect(slot, read_only=self.pick([1, 1, 1, 0, None, 5]), session=self.pick([None, slot] + sorted(self.had)),
                             zxid=self.pick(["none", "seen", "ahead"]), password=self.pick(["right", "right", "wrong", "short"]))
            elif self.chance(0.1):
                self.add(Word(self.pick(["ruok", "isro", "srvr", "stat", "wchs", "dump", "conf"]), last))
            else:
                self.one()
        self.add(Together())
        self.live.clear()
        del self.some_server
        self.has_quota = False
        for slot in range(4):
            self.connect(slot, session=self.pick([None, slot if slot in self.had else None]), zxid=self.pick(["none", "seen"]))
        for _ in range(operations // 5):
            self.one()
        return self.steps


class Crowded(Generator):
    """Limits: one request under way, few connections."""

    def sequence(self, operations):
        for slot in range(3):
            self.connect(slot)
        self.grow()
        for _ in range(operations // 25):
            for _ in range(self.random.randrange(20)):
                self.one()
            self.pick([lambda: self.add(Crowd(self.random.randrange(3, 12))), self.drop, self.reconnect, self.unknown])()
        return self.steps


OBSERVERS = ["server.5=127.0.0.1:1001:1002:observer;1003", "server.6=127.0.0.1:1004:1005:observer;127.0.0.1:1006",
             "server.5=127.0.0.1:1007:1008:observer;0.0.0.0:1009", "7=127.0.0.1:1010:1011:observer;1012"]
JOINERS = OBSERVERS + [OBSERVERS[0] + "," + OBSERVERS[1], "server.8=127.0.0.1:1001:1012:observer;1013", "server.8=127.0.0.1:1012:1002:observer;1013"] + [
    "", "x", ",", "=", "server.5", "server.5=", "server.5=x", "server.5=127.0.0.1", "server.5=127.0.0.1:1", "server.5=127.0.0.1:1:2:observer",
    "server.5=127.0.0.1:1:2:leader;3", "server.5=127.0.0.1:1:2:OBSERVER;3", "server.x=127.0.0.1:1:2:observer;3", "server.=127.0.0.1:1:2:observer;3",
    "server.5=127.0.0.1:x:2:observer;3", "server.5=127.0.0.1:1:x:observer;3", "server.5=127.0.0.1:1:2:observer;x", "server.5=a=b",
    "server.5=127.0.0.1:70000:2:observer;3", "server.5=127.0.0.1:1:2:observer;70000", "server.5=127.0.0.1:1:2:observer;", " server.5 = 127.0.0.1:1:2:observer;3",
    "server.5=127.0.0.1:1:2:observer:x;3", "server.5=127.0.0.1:1:1:observer;1", OBSERVERS[0] + ",x", "server.5=127.0.0.1:-1:2:observer;3"]
LEAVERS = ["5", "6", "5,6", "7", "9", "x", "5,x", "-1", " 5", "5 ", ",", "", "5,5", "+5", "99999999999999999999", "5.0"]
MEMBERS = ["x", "server.7=127.0.0.1:1:2:participant;3", "server.7=127.0.0.1:1:2:participant;3\nserver.8=127.0.0.1:4:5:participant;6",
           "server.7=127.0.0.1:1:2:observer;3,server.8=127.0.0.1:4:5:observer;6", "server.x=127.0.0.1:1:2:participant;3", "server.7=x", "", "a=b",
           "server.7=127.0.0.1:1:2:participant;3,server.8=127.0.0.1:1:2:participant;3"]


class Reconfiguring(Three):
    """Observers come and go, and what is no configuration. The voters stay who they are."""

    def sequence(self, operations):
        for slot in range(3):
            self.connect(slot)
        self.grow()
        super_ = int32(0) + text("digest") + octets(b"super:test")
        self.add(Send(0, [self.request("auth", super_, "super", xid=wire.AUTH)]))
        for _ in range(operations):
            slot = self.pick([0, 0, 0, 1, 2])
            kind = self.random.random()
            if kind < 0.5:
                self.add(Send(slot, [self.change()]))
            elif kind < 0.8:
                name = self.pick(["getData", "getData", "exists", "getACL", "addWatch"])
                more = b"" if name == "getACL" else int32(self.pick([0, 1])) if name == "addWatch" else boolean(self.pick([0, 1]))
                path = "/zookeeper/config"
                self.add(Send(slot, [self.request(name, text(path) + more, repr(path), path)]))
            else:
                self.add(Send(slot, [self.pick([self.read, self.create, self.set_data, self.multi])(slot)]))
        return self.steps

    def change(self):
        kind = self.random.random()
        joining = leaving = members = None
        if kind < 0.5:
            joining = self.pick(OBSERVERS) if self.chance(0.4) else self.pick(JOINERS)
        elif kind < 0.75:
            leaving = self.pick(LEAVERS)
        elif kind < 0.85:
            joining, leaving = self.pick(JOINERS), self.pick(LEAVERS)
        else:
            members = self.pick(MEMBERS)
        since = self.pick([-1, -1, -1, -1, -1, 0, 5, -2])
        note = "joining %r leaving %r members %r since %d" % (joining, leaving, members, since)
        return self.request("reconfig", text(joining) + text(leaving) + text(members) + int64(since), note, "/zookeeper/config")


def generate_reconfiguring(seed, operations):
    return Reconfiguring(seed).sequence(operations)


def generate_three(seed, operations):
    return Three(seed).sequence(operations)


def generate_expiring(seed, operations):
    return Expiring(seed).sequence(operations)


def generate_sweeping(seed, operations):
    return Sweeping(seed).sequence(operations)


def generate_lonely(seed, operations):
    return Lonely(seed).sequence(operations)


def generate_crowded(seed, operations):
    return Crowded(seed).sequence(operations)
