#!/usr/bin/python3
"""The disks of a reconfigured ensemble change hands: the membership and the tree stay the same.

    tests/apache/reconfig_disks.py build/zksim

Three servers vote at first, two more run beside them; all are taken into the configuration at addresses on loopback, one leaves, one becomes an
observer.  Then a reconfig is left half-way: the servers that it needs are stopped, the others have it in their logs and in
zoo.cfg.dynamic.next.  In either state the ensemble is killed, and the other one opens its disks:

1. zksim's (--dump-disks) by Apache ZooKeeper, which needs a zoo.cfg beside them, with the dynamicConfigFile
2. Apache's by zksim (--load-disks)

Each time both are asked: /zookeeper/config with its version, who leads, follows and observes, every znode with its Stat.  A reconfig of the
opened ensemble shows that it is alive.  Needs the Debian packages zookeeper and python3-kazoo.
"""
import glob
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from apache import SUPER_DIGEST, mode
from clients import connect
from disks import compare, tree_of, write_all_kinds
from ensembles import CLASS_PATH, Simulated, free_ports

logging.getLogger("kazoo").setLevel(logging.CRITICAL)

SERVERS = (1, 2, 3, 4, 5)
FIRST = (1, 2, 3)
PATIENCE = 60
SETTINGS = [word for setting in ("reconfigEnabled=1", "spares=2", "tickTime=1s", "initLimit=30", "syncLimit=30") for word in ("--set", setting)]


def await_that(what, holds):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"reconfig_disks: {what}: not in {PATIENCE} s")
        time.sleep(0.2)


class Places:
    """Where Apache's servers are."""

    def __init__(self):
        ports = free_ports(3 * len(SERVERS))
        self.client = dict(zip(SERVERS, ports))
        self.peer = dict(zip(SERVERS, zip(ports[5:10], ports[10:15])))

    def spec(self, server, role="participant"):
        quorum, election = self.peer[server]
        return f"server.{server}=127.0.0.1:{quorum}:{election}:{role};127.0.0.1:{self.client[server]}"


class Apaches:
    """Servers over ROOT/server-1, ..., each with its zoo.cfg beside its files."""

    def __init__(self, root, places, servers):
        self.hosts = {server: f"127.0.0.1:{places.client[server]}" for server in servers}
        self.processes = {}
        for server in servers:
            folder = os.path.join(root, f"server-{server}")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "myid"), "w", encoding="ascii") as myid:
                myid.write(f"{server}\n")
            path = os.path.join(folder, "zoo.cfg")
            with open(path, "w", encoding="ascii") as out:
                out.write(f"tickTime=1000\ninitLimit=30\nsyncLimit=30\ndataDir={folder}\nreconfigEnabled=true\nmaxClientCnxns=0\n"
                          "admin.enableServer=false\n4lw.commands.whitelist=*\n" + self.members(folder, server, places))
            with open(os.path.join(folder, "server.log"), "wb") as log:
                self.processes[server] = subprocess.Popen(
                    ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.extendedTypesEnabled=true",
                     f"-Dzookeeper.DigestAuthenticationProvider.superDigest={SUPER_DIGEST}",
                     "-cp", CLASS_PATH, "org.apache.zookeeper.server.quorum.QuorumPeerMain", path], stdout=log, stderr=log)

    @staticmethod
    def members(folder, server, places):
        """The file of the latest configuration, or the first servers and itself."""
        files = [path for path in glob.glob(os.path.join(folder, "zoo.cfg.dynamic.*")) if not path.endswith(".next")]
        if files:
            return f"dynamicConfigFile={max(files, key=lambda path: int(path.rpartition('.')[2], 16))}\n"
        return "".join(places.spec(other) + "\n" for other in sorted({*FIRST, server}))

    def pause(self, servers):
        for server in servers:
            self.processes[server].send_signal(signal.SIGSTOP)

    def stop(self):
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()


class Simulation:
    """The same of `zksim serve`."""

    def __init__(self, zksim, scratch, *arguments):
        self.zksim = zksim
        self.socket = os.path.join(scratch, "control")
        self.simulated = Simulated(zksim, *SETTINGS, "--super", SUPER_DIGEST, "--socket", self.socket, *arguments)
        self.hosts = dict(zip(SERVERS, self.simulated.hosts))

    def pause(self, servers):
        for server in servers:
            subprocess.run([self.zksim, "ctl", "--socket", self.socket, f"pause server {server}"], check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.simulated.stop()


def client_of(host):
    return connect(host, "super:test", PATIENCE)


def modes_of(hosts):
    return {server: mode(int(host.rpartition(":")[2])) for server, host in hosts.items()}


def leader_of(hosts):
    """Waits for it and for all others."""
    await_that("a leader", lambda: all(modes_of(hosts).values()) and "leader" in modes_of(hosts).values())
    return [server for server, does in modes_of(hosts).items() if does == "leader"][0]


def reconfigure(hosts, **change):
    leader = leader_of(hosts)
    client = client_of(hosts[leader])
    try:
        client.reconfig(**{"joining": None, "leaving": None, "new_members": None, **change})
    finally:
        client.stop()
        client.close()


def config_of(host):
    client = client_of(host)
    client.sync("/zookeeper/config")
    data = client.get("/zookeeper/config")[0].decode()
    client.stop()
    client.close()
    return data


def ids_of(config):
    return {int(number): role for number, role in re.findall(r"server\.(\d+)=[^;]*:(\w+)", config)}


def move_in(ensemble, places):
    """All servers at addresses on loopback: who is in the configuration leaves first.  In the end 1, 2, 4 and 5 vote and 3 observes."""
    hosts = ensemble.hosts
    leader_of(hosts)
    reconfigure(hosts, joining=",".join(places.spec(server) for server in (4, 5)))
    reconfigure(hosts, leaving="1,2")
    reconfigure(hosts, joining=",".join(places.spec(server) for server in (1, 2)))
    reconfigure(hosts, leaving="3")
    reconfigure(hosts, joining=places.spec(3, "observer"))
    leader_of(hosts)


def stop_half_way(ensemble, places):
    """A reconfig that makes the leader and two paused servers the only voters: the old ones have a quorum, the new ones not."""
    hosts = ensemble.hosts
    reconfigure(hosts, joining=places.spec(3))
    leader = leader_of(hosts)
    others = [server for server in SERVERS if server != leader]
    client = client_of(hosts[leader])
    ensemble.pause(others[:2])
    pending = client.reconfig_async(None, ",".join(map(str, others[2:])), None, -1)
    time.sleep(2)
    if pending.ready():
        raise SystemExit(f"reconfig_disks: a reconfig without a quorum: {pending.get()}")
    return client, [leader] + others[:2]


def written(ensemble):
    writer = write_all_kinds(list(ensemble.hosts.values()))
    writer.stop()
    writer.close()


def check_files(root, half_way):
    """The test would prove nothing without them."""
    saved = glob.glob(os.path.join(root, "server-*", "zoo.cfg.dynamic.*"))
    following = [path for path in saved if path.endswith(".next")]
    if len(saved) == len(following) or bool(following) != half_way:
        raise SystemExit(f"reconfig_disks: configurations on the disks: {saved}")


def leave(ensemble, places, half_way):
    """Its configuration before it is stopped, and who should be in it when it is opened."""
    move_in(ensemble, places)
    written(ensemble)
    if not half_way:
        config = config_of(ensemble.hosts[leader_of(ensemble.hosts)])
        ensemble.stop()
        return config, ids_of(config)
    client, members = stop_half_way(ensemble, places)
    ensemble.stop()
    client.stop()
    client.close()
    return None, {server: "participant" for server in members}


def seen(ensemble):
    """What an opened ensemble shows."""
    hosts = ensemble.hosts
    leader = leader_of(hosts)
    configs = {config_of(host) for host in hosts.values()}
    if len(configs) != 1:
        raise SystemExit(f"reconfig_disks: the servers do not agree: {configs}")
    tree = tree_of([hosts[leader]])
    roles = {server: "observer" if does == "observer" else "participant" for server, does in modes_of(hosts).items()}
    return configs.pop(), roles, tree


def change_once_more(ensemble, members):
    """The last voter goes and comes back."""
    hosts = ensemble.hosts
    voter = max(server for server, role in members.items() if role == "participant")
    before = ids_of(config_of(hosts[voter]))
    spec = [line for line in config_of(hosts[voter]).splitlines() if line.startswith(f"server.{voter}=")][0]
    reconfigure(hosts, leaving=str(voter))
    await_that("the reconfig is known", lambda: voter not in ids_of(config_of(hosts[leader_of(hosts)])))
    reconfigure(hosts, joining=spec)
    if ids_of(config_of(hosts[leader_of(hosts)])) != before:
        raise SystemExit("reconfig_disks: not the same after a server went and came")


def expect(name, what, ours, theirs):
    if ours != theirs:
        raise SystemExit(f"reconfig_disks: {name}: {what}\n  zksim:  {ours}\n  Apache: {theirs}")


def exchange(zksim, scratch, from_zksim, half_way):
    name = f"{'Apache opens the disks of zksim' if from_zksim else 'zksim opens the data directories of Apache'}, " \
           f"{'half-way' if half_way else 'reconfigured'}"
    places, root = Places(), os.path.join(scratch, "disks")
    if from_zksim:
        source = Simulation(zksim, scratch, "--dump-disks", root)
    else:
        source = Apaches(root, places, SERVERS)
    before, members = leave(source, places, half_way)
    check_files(root, half_way)
    simulated = Simulation(zksim, scratch, "--load-disks", root)
    copy = root + "-apache"
    shutil.copytree(root, copy)
    apache = Apaches(copy, places, SERVERS if half_way else sorted(members))
    try:
        ours, theirs = seen(simulated), seen(apache)
        expect(name, "configuration", ours[0], theirs[0])
        expect(name, "members", ids_of(ours[0]), members)
        expect(name, "roles", {server: ours[1][server] for server in theirs[1]}, theirs[1])
        if before is not None:
            expect(name, "configuration before", ours[0], before)
        compare(f"{name}: {len(members)} members", ours[2], theirs[2])
        if from_zksim:
            change_once_more(apache, members)
        else:
            change_once_more(simulated, members)
    finally:
        apache.stop()
    simulated.stop()


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for from_zksim in (True, False):
        for half_way in (False, True):
            scratch = tempfile.mkdtemp()
            try:
                exchange(sys.argv[1], scratch, from_zksim, half_way)
            finally:
                shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
