#!/usr/bin/python3
"""The same reconfigurations of Apache's ensemble and of zksim's have the same results.

    tests/apache/reconfig.py build/zksim

Three servers vote at first, two more run beside them.  A kazoo client asks both ensembles for the same: voters that come and go, an observer that
becomes a voter, the leader's removal, whole lists, groups and weights, other ports, and what is refused.  After each step are compared: the result,
what every server says of the configuration (/zookeeper/config and its Stat), and who leads, follows and observes.  Made even: the order of servers
(Apache's is that of a hash table), addresses but for whether they are those of the beginning, and versions, which become their place in the order in
which they appeared.  Needs the Debian packages zookeeper and python3-kazoo.  Takes minutes.
"""
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from kazoo.exceptions import KazooException, ConnectionLoss, SessionExpiredError

import clients
from apache import SUPER_DIGEST, word
from ensembles import CLASS_PATH, Simulated, free_ports, require_same

logging.getLogger("kazoo").setLevel(logging.CRITICAL)

MEMBERS = (1, 2, 3)
SERVERS = (1, 2, 3, 4, 5)
PATIENCE = 40


class ApacheServers:
    """Five servers; each of the last two knows the first three and itself."""

    def __init__(self, root):
        ports = free_ports(5 * len(SERVERS))
        self.client = dict(zip(SERVERS, ports))
        self.peer = dict(zip(SERVERS, zip(ports[5:10], ports[10:15])))
        self.others = dict(zip(SERVERS, zip(ports[15:20], ports[20:25])))
        self.hosts = {server: f"127.0.0.1:{self.client[server]}" for server in SERVERS}
        self.processes = []
        for server in reversed(SERVERS):  # the third is to lead
            known = sorted({*MEMBERS, server})
            folder = os.path.join(root, f"server-{server}")
            os.makedirs(folder)
            with open(os.path.join(folder, "myid"), "w", encoding="ascii") as myid:
                myid.write(f"{server}\n")
            path = os.path.join(folder, "zoo.cfg")
            with open(path, "w", encoding="ascii") as out:
                out.write(f"tickTime=1000\ninitLimit=10\nsyncLimit=5\ndataDir={folder}\nreconfigEnabled=true\n"
                          f"clientPort={self.client[server]}\nmaxClientCnxns=0\nadmin.enableServer=false\n"
                          "4lw.commands.whitelist=*\n" +
                          "".join(f"server.{other}={self.address(other)}:participant\n" for other in known))
            with open(os.path.join(folder, "server.log"), "wb") as log:
                self.processes.append(subprocess.Popen(
                    ["java", "-Xmx256m", f"-Dzookeeper.DigestAuthenticationProvider.superDigest={SUPER_DIGEST}",
                     "-cp", CLASS_PATH, "org.apache.zookeeper.server.quorum.QuorumPeerMain", path],
                    stdout=log, stderr=log))

    def address(self, server, moves=False):
        ports = self.others if moves else self.peer
        quorum, election = ports.get(server, (20000 + server, 30000 + server))
        return f"127.0.0.1:{quorum}:{election}"

    def has_moved(self, address):
        return address in [self.address(server, True) for server in self.others]

    def spec(self, server, role, moves=False):
        return f"server.{server}={self.address(server, moves)}:{role};{self.client.get(server, 40000 + server)}"

    def stop(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


class SimulatedServers:
    def __init__(self, zksim):
        self.simulated = Simulated(zksim, "--set", "reconfigEnabled=1", "--set", "spares=2", "--set", "tickTime=1s",
                                   "--super", SUPER_DIGEST)
        self.hosts = dict(zip(SERVERS, self.simulated.hosts))

    @staticmethod
    def has_moved(address):
        return ":2900:3900" in address

    @staticmethod
    def spec(server, role, moves=False):
        ports = "2900:3900" if moves else "2888:3888"
        return f"server.{server}=10.0.0.{server}:{ports}:{role};2181"

    def stop(self):
        self.simulated.stop()


class Normal:
    """Addresses go, versions become V0, V1, ..."""

    def __init__(self, has_moved):
        self.versions = []
        self.has_moved = has_moved

    def version(self, number):
        if number not in self.versions:
            self.versions.append(number)
        return f"V{self.versions.index(number)}"

    def text(self, text):
        servers, others = [], []
        for line in text.splitlines():
            if line.startswith("version="):
                others.append("version=" + self.version(int(line[8:], 16)))
            elif line.startswith("server."):
                server, rest = line.split("=")
                address, role = rest.split(";")[0].rsplit(":", 1)
                moved = "moved:" if self.has_moved(address) else ""
                servers.append(f"{server}={moved}{role}" + (";client" if ";" in rest else ""))
            else:
                others.append(line)
        return " ".join(sorted(servers) + others)

    def stat(self, stat):
        return f"version={stat.version} mzxid={self.version(stat.mzxid)} children={stat.numChildren}"


def connect(hosts, auth=True):
    return clients.connect(hosts, "super:test" if auth else None)


def mode(host):
    answer = word(int(host.split(":")[1]), "srvr")
    found = re.search(r"Mode: (\w+)", answer)
    return found[1] if found else "none"


class Play:
    def __init__(self, servers):
        self.servers = servers
        self.normal = Normal(servers.has_moved)
        self.said = []

    def roles(self, modes):
        """A leader that leaves chooses among those who have acknowledged by then, a matter of microseconds: then any voter may lead."""
        if not any(line.startswith("the leader goes") for line in self.said):
            return modes
        return {server: "leader or follower" if does in ("leader", "follower") else does for server, does in modes.items()}

    def modes(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            modes = {server: mode(host) for server, host in self.servers.hosts.items()}
            if "none" not in modes.values() and list(modes.values()).count("leader") == 1:
                return modes
            if time.monotonic() > deadline:
                return modes
            time.sleep(0.3)

    def config_of(self, server):
        client = connect(self.servers.hosts[server], auth=False)
        client.sync("/zookeeper/config")
        data, stat = client.get("/zookeeper/config")
        client.stop()
        client.close()
        return f"{self.normal.text(data.decode())} | {self.normal.stat(stat)}"

    def settle(self):
        """Every server says the same of the configuration, and keeps its role."""
        deadline = time.monotonic() + PATIENCE
        while True:
            before = self.modes()
            try:
                configs = {self.config_of(server) for server in SERVERS}
            except (KazooException, OSError):
                configs = set()
            if len(configs) == 1 and before == self.modes():
                return before, configs.pop()
            if time.monotonic() > deadline:
                raise SystemExit(f"the servers do not agree: {before} {configs}")
            time.sleep(0.3)

    def step(self, name, join=(), leave=None, members=None, version=-1, auth=True, at=None, groups=""):
        """`join`: (server, role)s or a text.  `groups`: more lines of `members`."""
        servers = self.servers
        at = at or [server for server, does in self.modes().items() if does == "leader"][0]
        client = connect(servers.hosts[at], auth)
        spell = lambda them: them if isinstance(them, str) else ",".join(servers.spec(*each) for each in them)
        try:
            data, stat = client.reconfig(joining=spell(join) or None, leaving=leave,
                                         new_members=spell(members) + groups if members else None, from_config=version)
            result = f"{self.normal.text(data.decode())} | {self.normal.stat(stat)}"
        except (ConnectionLoss, SessionExpiredError):
            result = "lost"
        except KazooException as error:
            result = type(error).__name__
        client.stop()
        client.close()
        modes, config = self.settle()
        self.said += [f"== {name}", f"result  {result}", f"config  {config}", f"modes   {self.roles(modes)}"]
        return modes

    def write(self):
        """Every server takes a write, and all see it."""
        for server in SERVERS:
            client = connect(self.servers.hosts[server])
            client.ensure_path(f"/by-{server}")
            client.stop()
            client.close()
        for server in SERVERS:
            client = connect(self.servers.hosts[server])
            client.sync("/")
            self.said.append(f"server {server} has {sorted(client.get_children('/'))}")
            client.stop()
            client.close()


def play(servers):
    with_role = lambda role, *them: [(server, role) for server in them]
    voters = lambda *them: with_role("participant", *them)
    game = Play(servers)
    modes, config = game.settle()
    game.said += [f"config  {config}", f"modes   {modes}"]
    game.step("nobody may", leave="1", auth=False)
    game.step("from another version", leave="1", version=7)
    game.step("rubbish", join="server.4=rubbish")
    game.step("no client port", join="server.4=localhost:1:2:participant")
    game.step("an id that is no number", leave="one")
    game.step("too few voters", leave="1,2")
    game.step("nothing changes")
    game.step("a voter that does not run", join=voters(9))
    game.step("it goes again", leave="9")
    game.step("no quorum of the new ones is there", join=voters(7, 8, 9))
    game.step("a voter more", join=voters(4))
    game.step("an observer more", join=with_role("observer", 5), at=2)
    game.step("the observer becomes a voter", join=voters(5))
    game.step("a follower goes", leave="1")
    game.step("a follower becomes an observer", join=with_role("observer", 2))
    game.step("from the present version", join=voters(1, 2), version=int(config_version(servers), 16))
    game.write()
    modes = game.modes()
    leader = [server for server, does in modes.items() if does == "leader"][0]
    game.said.append(f"the leader goes: {leader}")
    others = [server for server in SERVERS if server != leader]
    game.step("three voters, so that both others have to agree before the lower one leads",
              members=sorted(voters(leader, *others[:2]) + with_role("observer", *others[2:])))
    game.step("the leader goes", leave=str(leader))
    game.step("as a list", members=voters(1, 2, 4) + with_role("observer", 3))
    game.step("a list of too few", members=voters(1) + with_role("observer", 3))
    game.step("a list of one", members=voters(1))
    game.step("a list of observers", members=with_role("observer", 1, 2))
    game.write()
    play_groups(game, voters(1, 2, 3, 4), with_role("observer", 5))
    play_ports(game)
    return game.said


def play_groups(game, four, observer):
    game.step("four voters", members=four + observer)
    for name, lines in (("a weight without groups", "weight.1=1"), ("a voter in no group", "group.1=1:2:3"),
                        ("a voter in two groups", "group.1=1:2:3:4,group.2=4"), ("a group without a number", "group=1:2:3:4"),
                        ("a group that is no number", "group.one=1:2:3:4"), ("a member that is no number", "group.1=1:2:3:x"),
                        ("a member without a weight", "group.1=1:2:3:4:9"), ("an observer without a weight", "group.1=1:2:3:4:5"),
                        ("a weight that is no number", "group.1=1:2:3:4,weight.1=much"), ("an empty group", "group.1="),
                        ("nobody weighs", "group.1=1:2:3:4,weight.1=0,weight.2=0,weight.3=0,weight.4=0"),
                        ("who does not run weighs most", "group.1=1:2:3:4:9,weight.9=4")):
        game.step(name, members=four + observer, groups="," + lines)
    game.step("two groups", members=four + observer, groups=",group.1=1:2,group.2=3:4")
    game.write()
    game.step("one goes alone", leave="4")
    game.step("one comes alone", join=observer)
    game.step("nothing changes in groups")
    game.step("a weight", members=four + observer, groups=",group.2=3:4,group.1=1:2,weight.1=2")
    game.step("who is no server weighs, and an observer", members=four + observer,
              groups=",group.1=1:2:9,group.2=3:4:5,weight.1=3,weight.5=1,weight.9=1,weight.3=2,weight.12=7")
    game.write()
    game.step("a majority again", members=four + observer)


def play_ports(game):
    """Two voters, so that it is known who follows the leader."""
    modes = game.modes()
    leader = [server for server, does in modes.items() if does == "leader"][0]
    other = [server for server in (1, 2) if server != leader][0]
    pair = [(leader, "participant"), (other, "participant")]
    rest = [(server, "observer") for server in SERVERS if server not in (leader, other)]
    game.step("two voters", members=pair + rest)
    game.step("an observer moves", join=[(*rest[0], True)])
    game.step("a follower moves", join=[(other, "participant", True)])
    game.write()
    game.step("the leader moves", join=[(leader, "participant", True)])
    game.write()


def config_version(servers):
    client = connect(servers.hosts[3])
    text = client.get("/zookeeper/config")[0].decode()
    client.stop()
    client.close()
    return text.rpartition("version=")[2]


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    scratch = tempfile.mkdtemp()
    try:
        ours_servers = SimulatedServers(sys.argv[1])
        try:
            ours = play(ours_servers)
        finally:
            ours_servers.stop()
        apache = ApacheServers(scratch)
        try:
            theirs = play(apache)
        finally:
            apache.stop()
        require_same("reconfig", theirs, ours)
        print(f"reconfig: {len([line for line in ours if line.startswith('==')])} steps, all equal")
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
