"""Ensembles on loopback: Apache ZooKeeper from the Debian package, and `zksim serve`."""
import difflib
import os
import signal
import socket
import subprocess

CLASS_PATH = "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def require_same(name, theirs, ours):
    """Lines that Apache's servers and zksim's gave cause for."""
    differences = list(difflib.unified_diff(theirs, ours, "Apache", "zksim", lineterm="", n=4))
    if differences:
        raise SystemExit("\n".join([*differences, f"{name}: not the same"]))


class Apache:
    """Servers over the data directories ROOT/server-1, server-2, ...; a single one is standalone."""

    def __init__(self, root, count, config="", java=()):
        ports = free_ports(3 * count)
        self.hosts = [f"127.0.0.1:{port}" for port in ports[:count]]
        self.processes = []
        servers = "".join(
            f"server.{i + 1}=127.0.0.1:{ports[count + i]}:{ports[2 * count + i]}\n" for i in range(count))
        for i in range(count):
            folder = os.path.join(root, f"server-{i + 1}")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "myid"), "w", encoding="ascii") as myid:
                myid.write(f"{i + 1}\n")
            path = os.path.join(folder, "zoo.cfg")
            with open(path, "w", encoding="ascii") as out:
                out.write(f"tickTime=1000\ninitLimit=20\nsyncLimit=10\ndataDir={folder}\nclientPort={ports[i]}\n"
                          f"maxClientCnxns=0\nadmin.enableServer=false\n{config}{servers if count > 1 else ''}")
            with open(os.path.join(folder, "server.log"), "wb") as log:
                self.processes.append(subprocess.Popen(
                    ["java", "-Xmx1g", "-Dzookeeper.extendedTypesEnabled=true", *java, "-cp", CLASS_PATH,
                     "org.apache.zookeeper.server.quorum.QuorumPeerMain", path], stdout=log, stderr=log))

    def kill(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    stop = kill


class Simulated:
    """zksim serve with these arguments."""

    def __init__(self, zksim, *arguments):
        process = subprocess.Popen([zksim, "serve", "--port", "0", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True)
        self.processes = [process]
        for line in process.stdout:
            if line.startswith("connect string "):
                self.hosts = line.split()[2].split(",")
                return
        raise SystemExit(f"zksim serve ended with status {process.wait()}")

    def stop(self):
        """Its verdicts count, too."""
        process = self.processes[0]
        process.send_signal(signal.SIGINT)
        report = process.stdout.read()
        if process.wait() != 0:
            print(report)
            raise SystemExit("zksim serve: a guarantee is violated")

    def kill(self):
        self.processes[0].kill()
        self.processes[0].wait()
