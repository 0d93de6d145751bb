#!/usr/bin/python3
"""zkCli.sh says the same of Apache ZooKeeper and of zksim.

    tests/apache/zkcli.py build/zksim

The commands below are typed into ZooKeeper's own command line client, connected to a standalone Apache server and to `zksim serve` with one
server; what it prints has to be equal.  Left out: times, the epoch in a zxid, session ids.  Needs the Debian package zookeeper.
"""
import re
import shutil
import subprocess
import sys
import tempfile
import time

from ensembles import Apache, Simulated, require_same

CLIENT = "/usr/share/zookeeper/bin/zkCli.sh"
COMMANDS = """
create /a hello
create /a again
create /no/parent x
get -s /a
create -s /a/s- x
create -s /a/s- x
create -e /a/e y
create -e -s /a/es- y
create /a/e/child z
create -c /container
create -t 100000 /ttl
ls /a
ls -s /a
ls -R /
stat -w /a
set /a changed
set -v 0 /a again
set -s -v 1 /a world
get -w /a
set /a changed-once-more
addWatch -m PERSISTENT /a
create /a/watched 1
removewatches /a
addWatch -m PERSISTENT_RECURSIVE /a
create /a/watched/deep 2
set /a/watched/deep 3
delete /a/watched/deep
removewatches /a
getAcl -s /a
setAcl /a world:anyone:cdrw
setAcl /a world:anyone:r
set /a refused
getAcl /a
create /guard g
create /guard/kid k
setAcl /guard world:anyone:cra
delete /guard/kid
create /secret s digest:u:7lwPDPzJ/FHyFMV3yOAMGgOgzsk=:cdrwa
get /secret
addauth digest u:p
get /secret
whoami
setAcl /secret ip:127.0.0.1:cdrwa
getAcl -s /secret
setAcl /secret wrong:scheme:r
getEphemerals
getEphemerals /a/e
getAllChildrenNumber /
getAllChildrenNumber /a
delete /a
delete /a/none
delete -v 7 /a/e
deleteall /a/watched
create /q x
setquota -n 2 /q
listquota /q
create /q/1 1
create /q/2 2
create /q/3 3
listquota /q
delquota /q
sync /q
config
reconfig -remove 3
create /zookeeper/x 1
delete /zookeeper
get /%
create /bad//path x
create relative x
version
quit
"""


def normalised(text):
    """The client prints events from a thread of its own, in between: they come last, in their order."""
    text = re.sub(r"(\w?[Zz]xid) = 0x([0-9a-f]+)", lambda m: f"{m[1]} = {int(m[2], 16) & 0xffffffff:#x}", text)
    text = re.sub(r"(\wtime) = .*", r"\1 = T", text)
    text = re.sub(r"ephemeralOwner = 0x[0-9a-f]{5,}", "ephemeralOwner = SESSION", text)
    lines = [line for line in text.replace("\r", "").splitlines() if line not in ("", "WATCHER::")]
    return sorted(lines, key=lambda line: line.startswith("WatchedEvent"))


def said_of(host):
    deadline = time.monotonic() + 60
    while True:
        done = subprocess.run([CLIENT, "-waitforconnection", "-server", host], input=COMMANDS, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if "WatchedEvent state:SyncConnected" in done.stdout:
            return normalised(done.stdout.replace(host, "HOST"))
        if time.monotonic() > deadline:
            raise SystemExit(done.stdout)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    scratch = tempfile.mkdtemp()
    try:
        apache = Apache(scratch, 1)
        theirs = said_of(apache.hosts[0])
        apache.stop()
        simulated = Simulated(sys.argv[1], "--servers", "1", "--set", "standalone=1", "--set", "extendedTypesEnabled=1")
        ours = said_of(simulated.hosts[0])
        simulated.stop()
        require_same("zkCli.sh", theirs, ours)
        print(f"zkCli.sh: {len(COMMANDS.split(chr(10))) - 2} commands, {len(theirs)} lines, all equal")
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
