#!/usr/bin/python3
"""Disks change hands between zksim and Apache ZooKeeper, and the tree stays the same.

    tests/apache/disks.py build/zksim

1. A simulated run leaves its disks (--dump-disks); an Apache ensemble opens them.
2. An Apache ensemble is written to and stopped; `zksim serve --load-disks` opens its data directories.

Each time both are asked for every znode: data, ACL and the whole Stat have to be equal.  /zookeeper/config, which each server makes
from its own configuration, is left out.  Needs the Debian packages zookeeper and python3-kazoo.
"""
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from kazoo.client import KazooClient
from kazoo.security import make_acl, make_digest_acl_credential

logging.getLogger("kazoo").setLevel(logging.CRITICAL)

CLASS_PATH = "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar"
SCENARIOS = {
    "calm": ("scenarios/calm.scn", ["--set", "sessionTimeout=40s"]),
    "crashes": ("scenarios/deposed-leader.scn", ["--set", "sessionTimeout=40s"]),
    "snapshots": ("scenarios/calm.scn", ["--set", "sessionTimeout=40s", "--set", "snapCount=100", "--seed", "7"]),
}


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Apache:
    """An ensemble over the data directories ROOT/server-1, server-2, ..."""

    def __init__(self, root, count):
        ports = free_ports(3 * count)
        self.hosts = ",".join(f"127.0.0.1:{port}" for port in ports[:count])
        self.processes = []
        servers = "".join(
            f"server.{i + 1}=127.0.0.1:{ports[count + i]}:{ports[2 * count + i]}\n" for i in range(count))
        for i in range(count):
            folder = os.path.join(root, f"server-{i + 1}")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "myid"), "w", encoding="ascii") as myid:
                myid.write(f"{i + 1}\n")
            config = os.path.join(folder, "zoo.cfg")
            with open(config, "w", encoding="ascii") as out:
                out.write(f"tickTime=1000\ninitLimit=20\nsyncLimit=10\ndataDir={folder}\nclientPort={ports[i]}\n"
                          f"admin.enableServer=false\n{servers}")
            with open(os.path.join(folder, "server.log"), "wb") as log:
                self.processes.append(subprocess.Popen(
                    ["java", "-Dzookeeper.extendedTypesEnabled=true", "-cp", CLASS_PATH,
                     "org.apache.zookeeper.server.quorum.QuorumPeerMain", config], stdout=log, stderr=log))

    def stop(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


class Simulated:
    """zksim serve, started from the data directories in a folder."""

    def __init__(self, zksim, folder, count):
        self.process = subprocess.Popen(
            [zksim, "serve", "--servers", str(count), "--port", "0", "--load-disks", folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("connect string "):
                self.hosts = line.split()[2]
                return
        raise SystemExit(f"zksim serve ended with status {self.process.wait()}")

    def stop(self):
        """Its verdicts count, too."""
        self.process.send_signal(signal.SIGINT)
        report = self.process.stdout.read()
        if self.process.wait() != 0:
            print(report)
            raise SystemExit("zksim serve: a guarantee is violated")


def tree_of(hosts):
    """path -> (data, ACL, Stat) of all that can be read."""
    client = KazooClient(hosts, timeout=30)
    deadline = time.monotonic() + 60
    while True:
        try:
            client.start(timeout=5)
            break
        except client.handler.timeout_exception:
            if time.monotonic() > deadline:
                raise
    client.add_auth("digest", "reader:secret")
    tree = {}
    left = ["/"]
    while left:
        path = left.pop()
        data, stat = client.get(path)
        tree[path] = (data, client.get_acls(path)[0], tuple(stat))
        left += [f"{path.rstrip('/')}/{name}" for name in client.get_children(path)]
    client.stop()
    client.close()
    del tree["/zookeeper/config"]
    return tree


def compare(name, ours, theirs):
    different = [path for path in sorted(set(ours) | set(theirs)) if ours.get(path) != theirs.get(path)]
    for path in different[:5]:
        print(f"{name}: {path}\n  zksim:  {ours.get(path)}\n  Apache: {theirs.get(path)}")
    if different:
        raise SystemExit(f"{name}: {len(different)} of {len(theirs)} znodes differ")
    print(f"{name}: {len(theirs)} znodes, all equal", flush=True)


def from_zksim(zksim, scratch, name):
    scenario, options = SCENARIOS[name]
    disks = os.path.join(scratch, name)
    subprocess.run([zksim, "run", scenario, "--dump-disks", disks, *options], check=True, stdout=subprocess.DEVNULL)
    count = len(os.listdir(disks))
    copy = disks + "-apache"
    shutil.copytree(disks, copy)
    simulated = Simulated(zksim, disks, count)
    apache = Apache(copy, count)
    ours = tree_of(simulated.hosts)
    theirs = tree_of(apache.hosts)
    apache.stop()
    simulated.stop()
    compare(f"{name}: Apache opens the disks of zksim", ours, theirs)


def write_all_kinds(hosts):
    client = KazooClient(hosts, timeout=40)
    client.start(timeout=60)
    client.add_auth("digest", "reader:secret")
    acl = make_acl("digest", make_digest_acl_credential("reader", "secret"), all=True)
    client.create("/plain", b"data")
    client.create("/null", None)
    client.create("/closed", b"secret", acl=[acl])
    client.create("/closed/child", b"", acl=[acl, make_acl("ip", "127.0.0.1", read=True)])
    client.set_acls("/plain", [make_acl("world", "anyone", all=True), acl])
    for number in range(300):
        client.create("/plain/s-", str(number).encode(), sequence=True)
    for name in client.get_children("/plain")[::3]:
        client.delete(f"/plain/{name}")
    for number in range(50):
        client.set("/plain", b"x" * number)
    client.create("/plain/ephemeral", b"", ephemeral=True)
    multi = client.transaction()
    multi.create("/multi", b"1")
    multi.set_data("/multi", b"2")
    multi.create("/multi/\u00fcnicode", b"\x00\xff")
    multi.commit()
    return client


def from_apache(zksim, scratch):
    root = os.path.join(scratch, "apache")
    apache = Apache(root, 3)
    writer = write_all_kinds(apache.hosts)
    theirs = tree_of(apache.hosts)
    apache.stop()
    writer.stop()
    simulated = Simulated(zksim, root, 3)
    ours = tree_of(simulated.hosts)
    simulated.stop()
    compare("zksim opens the data directories of Apache", ours, theirs)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    scratch = tempfile.mkdtemp()
    try:
        for name in SCENARIOS:
            from_zksim(sys.argv[1], scratch, name)
        from_apache(sys.argv[1], scratch)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
