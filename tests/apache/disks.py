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
import subprocess
import sys
import tempfile

from kazoo.security import make_acl, make_digest_acl_credential

from clients import connect
from ensembles import Apache, Simulated

logging.getLogger("kazoo").setLevel(logging.CRITICAL)

SCENARIOS = {
    "calm": ("scenarios/calm.scn", ["--set", "sessionTimeout=40s"]),
    "crashes": ("scenarios/deposed-leader.scn", ["--set", "sessionTimeout=40s"]),
    "snapshots": ("scenarios/calm.scn", ["--set", "sessionTimeout=40s", "--set", "snapCount=100", "--seed", "7"]),
}


def tree_of(hosts):
    """path -> (data, ACL, Stat) of all that can be read."""
    client = connect(",".join(hosts), "reader:secret")
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
    simulated = Simulated(zksim, "--servers", str(count), "--load-disks", disks)
    apache = Apache(copy, count)
    ours = tree_of(simulated.hosts)
    theirs = tree_of(apache.hosts)
    apache.stop()
    simulated.stop()
    compare(f"{name}: Apache opens the disks of zksim", ours, theirs)


def write_all_kinds(hosts):
    client = connect(",".join(hosts), "reader:secret")
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
    simulated = Simulated(zksim, "--servers", "3", "--load-disks", root)
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
