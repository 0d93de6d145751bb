#!/usr/bin/python3
"""A program of libzookeeper_mt sees the same of Apache ZooKeeper and of zksim, also when the server it is connected to goes away.

    tests/apache/mt_client.py build/zksim build/release/mt_client

The program is mt_client.c; both ensembles have three servers.  Needs the Debian packages zookeeper and libzookeeper-mt-dev.
"""
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
import time

from ensembles import Apache

PATIENCE = 120


class Live:
    """zksim serve, whose servers can be taken away one by one."""

    def __init__(self, zksim, root):
        self.zksim, self.socket = zksim, os.path.join(root, "ctl")
        self.process = subprocess.Popen([zksim, "serve", "--port", "0", "--socket", self.socket],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.hosts = []
        for line in self.process.stdout:
            if line.startswith("connect string "):
                self.hosts = line.split()[2].split(",")
            if " leads" in line:
                break

    def take_away(self, index):
        subprocess.run([self.zksim, "ctl", "--socket", self.socket, f"crash server {index + 1}"], check=True,
                       stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        out, _ = self.process.communicate(timeout=PATIENCE)
        if self.process.returncode != 0:
            sys.exit("zksim serve:\n" + out)


class Real(Apache):
    def take_away(self, index):
        self.processes[index].kill()


def await_apache(ensemble):
    for host in ensemble.hosts:
        for _ in range(600):
            port = host.rsplit(":", 1)[1]
            asked = subprocess.run(["/usr/bin/python3", "-c",
                                    "import socket,sys\ns=socket.create_connection(('127.0.0.1',int(sys.argv[1])),1)\n"
                                    "s.sendall(b'srvr')\nprint(s.recv(4096).decode())", port],
                                   capture_output=True, text=True)
            if "Mode: " in asked.stdout:
                break
            time.sleep(0.1)
        else:
            sys.exit("Apache ZooKeeper does not serve")


def play(ensemble, program):
    """What the program says, given as words to which the ensemble's hosts are added; it asks for a server to be taken away."""
    complaints = []
    process = subprocess.Popen([*program, ",".join(ensemble.hosts)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("take my server away "):
            port = line.split()[-1]
            ensemble.take_away([host.rsplit(":", 1)[1] for host in ensemble.hosts].index(port))
            process.stdin.write("done\n")
            process.stdin.flush()
        else:
            complaints.append(line)
    out = process.stdout.read()
    if process.wait() != 0:
        print("".join(complaints[-20:]), file=sys.stderr)
    return out.splitlines() + [f"ended with {process.returncode}"]


def main():
    zksim, program = sys.argv[1], [sys.argv[2]]
    compare("mt_client", zksim, program)


def compare(name, zksim, program):
    root = tempfile.mkdtemp()
    try:
        apache = Real(root, 3)
        await_apache(apache)
        theirs = play(apache, program)
        apache.stop()
        live = Live(zksim, root)
        ours = play(live, program)
        live.stop()
    finally:
        shutil.rmtree(root)
    if ours != theirs or ours[-1] != "ended with 0":
        print("\n".join(list(difflib.unified_diff(theirs, ours, "Apache", "zksim", lineterm="")) or ours))
        sys.exit(1)
    print(f"{name}: {len(ours)} lines alike")


if __name__ == "__main__":
    main()
