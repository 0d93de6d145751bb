#!/usr/bin/python3
"""Throughput, latency and CPU time beside Apache ZooKeeper 3.8, in one run.

    tests/bench/apache.py build/zksim build/release/load [--seconds 5] [--rounds 3]

1 KiB znodes; reads, writes and 70 % reads; 1, 10 and 50 connections with 20 requests under way on each; 1 and 3 servers.  Apache runs with
forceSync=no on a file system in memory, zksim with disks that take no time.  A round measures both, one after the other, so that what else
the machine does hurts both alike; a line gives the median of the rounds and, in brackets, least and most.
"""
import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

CLASS_PATH = "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar"
SCENARIO = "title A fast ensemble\nservers {}\nclients 0\nnetwork loopback\ndisk instant\nrun for 1s\n"
FIGURES = re.compile(r": (\d+) operations/s, p50 (\d+) us, p99 (\d+) us.* servers ([\d.]+) us, load ([\d.]+) us")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_apache(scratch, count):
    ports = free_ports(3 * count)
    members = "".join(
        f"server.{i + 1}=127.0.0.1:{ports[count + i]}:{ports[2 * count + i]}\n" for i in range(count))
    processes = []
    for i in range(count):
        folder = os.path.join(scratch, f"apache-{i + 1}")
        os.makedirs(folder)
        with open(os.path.join(folder, "myid"), "w", encoding="ascii") as myid:
            myid.write(f"{i + 1}\n")
        config = os.path.join(folder, "zoo.cfg")
        with open(config, "w", encoding="ascii") as out:
            out.write(f"tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir={folder}\nclientPort={ports[i]}\n"
                      f"maxClientCnxns=0\nadmin.enableServer=false\n{members if count > 1 else ''}")
        log = open(os.path.join(folder, "log"), "wb")
        processes.append(subprocess.Popen(
            ["java", "-Xmx1g", "-Dzookeeper.forceSync=no", "-cp", CLASS_PATH,
             "org.apache.zookeeper.server.quorum.QuorumPeerMain", config], stdout=log, stderr=log))
    return processes, [f"127.0.0.1:{port}" for port in ports[:count]]


def start_zksim(zksim, scratch, count):
    path = os.path.join(scratch, "fast.scn")
    with open(path, "w", encoding="ascii") as scenario:
        scenario.write(SCENARIO.format(count))
    process = subprocess.Popen([zksim, "serve", path, "--port", "0"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("connect string "):
            return [process], line.split()[2].split(",")
    raise SystemExit("zksim serve did not start")


def wait_until_serving(load, hosts):
    deadline = time.monotonic() + 60
    while True:
        done = subprocess.run([load, "--hosts", ",".join(hosts), "--connections", str(len(hosts)), "--window", "1",
                               "--seconds", "0"], capture_output=True, check=False)
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            raise SystemExit(done.stderr.decode())
        time.sleep(0.2)


def measure(load, processes, hosts, connections, reads, seconds):
    done = subprocess.run([load, "--hosts", ",".join(hosts), "--connections", str(connections), "--reads", str(reads),
                           "--seconds", str(seconds), "--pids", ",".join(str(p.pid) for p in processes)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{hosts}: {done.stderr}")
    return [float(figure) for figure in FIGURES.search(done.stdout).groups()]


def stop(processes):
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        process.wait()


def rounds_of(options, count):
    figures = {}
    for _ in range(options.rounds):
        for name in ("Apache", "zksim"):
            scratch = tempfile.mkdtemp(dir="/dev/shm")
            starts = {"Apache": lambda: start_apache(scratch, count),
                      "zksim": lambda: start_zksim(options.zksim, scratch, count)}
            processes, hosts = starts[name]()
            try:
                wait_until_serving(options.load, hosts)
                measure(options.load, processes, hosts, 10, 50, options.seconds)  # Java warms up
                for reads in (100, 0, 70):
                    for connections in (1, 10, 50):
                        figures.setdefault((reads, connections, name), []).append(
                            measure(options.load, processes, hosts, connections, reads, options.seconds))
            finally:
                stop(processes)
                shutil.rmtree(scratch)
    return figures


def spread(values, scale=1.0, digits=0):
    ordered = sorted(value / scale for value in values)
    return f"{statistics.median(ordered):.{digits}f} ({ordered[0]:.{digits}f}..{ordered[-1]:.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zksim")
    parser.add_argument("load")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| servers | reads | connections | | operations/s | p50 us | p99 us | CPU us per operation |")
    print("|---|---|---|---|---|---|---|---|")
    for count in (1, 3):
        for (reads, connections, name), rounds in rounds_of(options, count).items():
            rate, p50, p99, servers, _ = zip(*rounds)
            print(f"| {count} | {reads} % | {connections} | {name} | {spread(rate)} | {spread(p50)} | {spread(p99)} | "
                  f"{spread(servers, digits=1)} |", flush=True)


if __name__ == "__main__":
    main()
