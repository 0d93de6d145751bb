"""A pytest plugin: kazoo's own tests, unmodified, against `zksim serve` instead of Apache's servers.

    PYTHONPATH=tests/kazoo ZKSIM=build/zksim pytest -p zksim_kazoo --pyargs kazoo.tests.test_lock

Kazoo's harness asks one global cluster for its servers' addresses and may stop and start them.  This one is a live ensemble: stopping a server
is `zksim ctl 'crash server N'`, starting it `zksim ctl 'restart server N'`.  When the tests are over the ensemble is ended, and its verdicts
are part of the result: a guarantee that broke fails the session.

ZKSIM=apache leaves kazoo's cluster as it is, with Apache ZooKeeper of the Debian package: what to compare with.
ZKSIM_ARGUMENTS: more arguments of `zksim serve`.  ZKSIM_REPORT: a file for the verdicts.
"""
import gc
import os
import subprocess
import sys
import types
import unittest.mock

import kazoo.testing.harness as harness

# The package of that name is the same module.
sys.modules.setdefault("mock", unittest.mock)

try:
    import objgraph  # noqa: F401
except ImportError:
    # All that kazoo's tests use of it.
    shim = types.ModuleType("objgraph")
    shim.count = lambda name: sum(type(each).__name__ == name for each in gc.get_objects())
    sys.modules["objgraph"] = shim

# What kazoo's cluster configures on Apache's servers.
ARGUMENTS = ["--servers", "3", "--port", "0", "--set", "initLimit=4", "--set", "syncLimit=2", "--set", "readOnlyMode=1",
             "--set", "reconfigEnabled=1", "--super", "super:D/InIHSb7yEEbrWz8b9l71RjZJU="]


class Server:
    def __init__(self, cluster, number, address):
        self.cluster = cluster
        self.number = number
        self.address = address
        self.running = True

    def run(self):
        if not self.running:
            self.cluster.tell("restart server %d" % self.number)
            self.running = True

    def stop(self):
        if self.running:
            self.cluster.tell("crash server %d" % self.number)
            self.running = False

    reset = destroy = stop


class Cluster:
    def __init__(self):
        self.zksim = os.environ.get("ZKSIM", "build/zksim")
        extra = os.environ.get("ZKSIM_ARGUMENTS", "").split()
        self.process = subprocess.Popen([self.zksim, "serve"] + ARGUMENTS + extra, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        addresses = self.await_line("connect string ").split(",")
        self.socket = self.await_line("control socket ")
        self.await_line("server-")  # leads
        self.servers = [Server(self, i + 1, address) for i, address in enumerate(addresses)]

    def await_line(self, beginning):
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line[len(beginning):].rstrip("\n")
        raise RuntimeError("zksim serve ended before it served")

    def tell(self, command):
        subprocess.run([self.zksim, "ctl", "--socket", self.socket, command], check=True, stdout=subprocess.DEVNULL)

    def start(self):
        for server in self.servers:
            server.run()

    def stop(self):
        for server in self.servers:
            server.stop()

    def __iter__(self):
        return iter(self.servers)

    def __getitem__(self, index):
        return self.servers[index]

    def end(self):
        """Returns the exit status and what was printed."""
        self.process.terminate()
        out, _ = self.process.communicate()
        return self.process.returncode, out


CLUSTER = None


def the_cluster():
    global CLUSTER
    if CLUSTER is None:
        CLUSTER = Cluster()
    return CLUSTER


def pytest_configure(config):
    os.environ.setdefault("ZOOKEEPER_VERSION", "3.8.0")
    if os.environ.get("ZKSIM") == "apache":
        os.environ.setdefault("ZOOKEEPER_CLASSPATH", "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar")
    else:
        harness.get_global_cluster = the_cluster


def pytest_sessionfinish(session, exitstatus):
    if CLUSTER is None:
        return
    status, out = CLUSTER.end()
    report = os.environ.get("ZKSIM_REPORT")
    if report:
        with open(report, "w") as file:
            file.write(out)
    if status != 0:
        print("\nzksim serve ended with status %d:\n%s" % (status, out))
        session.exitstatus = 1
