#!/usr/bin/python3
"""The same reconfigurations of Apache's ensemble and of zksim's have the same results.

    tests/apache/reconfig.py build/zksim

Three servers vote at first, two more run beside them.  A kazoo client asks both ensembles for the same: voters that come and go, an observer that
becomes a voter, the leader's removal, whole lists, and what is refused.  After each step are compared: the result, what every server says of the
configuration (/zookeeper/config and its Stat), and who leads, follows and observes.  Made even: addresses, and versions, which become their
place in the order in which they appeared.  Needs the Debian packages zookeeper and python3-kazoo.
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
        ports = free_ports(3 * len(SERVERS))
        self.client = dict(zip(SERVERS, ports))
        self.peer = dict(zip(SERVERS, zip(ports[5:10], ports[10:15])))
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

    def address(self, server):
        quorum, election = self.peer.get(server, (20000 + server, 30000 + server))
        return f"127.0.0.1:{quorum}:{election}"

    def spec(self, server, role):
        return f"server.{server}={self.address(server)}:{role};{self.client.get(server, 40000 + server)}"

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
    def spec(server, role):
        return f"server.{server}=10.0.0.{server}:2888:3888:{role};2181"

    def stop(self):
        self.simulated.stop()


class Normal:
    """Addresses go, versions become V0, V1, ..."""

    def __init__(self):
        self.versions = []

    def version(self, number):
        if number not in self.versions:
            self.versions.append(number)
        return f"V{self.versions.index(number)}"

    def text(self, text):
        lines = []
        for line in text.splitlines():
            if line.startswith("version="):
                lines.append("version=" + self.version(int(line[8:], 16)))
            else:
                server, rest = line.split("=")
                role = re.sub(r"^[^;]*:", "", rest.split(";")[0])
                lines.append(f"{server}={role}" + (";client" if ";" in rest else ""))
        return " ".join(sorted(lines))

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
        self.normal = Normal()
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

    def step(self, name, join=(), leave=None, members=None, version=-1, auth=True, at=None):
        """`join`: (server, role)s or a text."""
        servers = self.servers
        at = at or [server for server, does in self.modes().items() if does == "leader"][0]
        client = connect(servers.hosts[at], auth)
        spell = lambda them: them if isinstance(them, str) else ",".join(servers.spec(*each) for each in them)
        try:
            data, stat = client.reconfig(joining=spell(join) or None, leaving=leave,
                                         new_members=spell(members) if members else None, from_config=version)
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
    game.step("the leader goes", leave=str(leader))
    game.step("as a list", members=voters(1, 2, 4) + with_role("observer", 3))
    game.step("a list of too few", members=voters(1) + with_role("observer", 3))
    game.step("a list of one", members=voters(1))
    game.step("a list of observers", members=with_role("observer", 1, 2))
    game.write()
    return game.said


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
