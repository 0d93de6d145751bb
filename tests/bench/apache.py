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
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "../apache"))
from ensembles import Apache, Simulated  # noqa: E402

SCENARIO = "title A fast ensemble\nservers {}\nclients 0\nnetwork loopback\ndisk instant\nrun for 1s\n"
FIGURES = re.compile(r": (\d+) operations/s, p50 (\d+) us, p99 (\d+) us.* servers ([\d.]+) us, load ([\d.]+) us")


def start(name, options, scratch, count):
    if name == "Apache":
        return Apache(scratch, count, java=["-Dzookeeper.forceSync=no"])
    path = os.path.join(scratch, "fast.scn")
    with open(path, "w", encoding="ascii") as scenario:
        scenario.write(SCENARIO.format(count))
    return Simulated(options.zksim, path)


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


def measure(options, ensemble, connections, reads):
    pids = ",".join(str(process.pid) for process in ensemble.processes)
    done = subprocess.run([options.load, "--hosts", ",".join(ensemble.hosts), "--connections", str(connections),
                           "--reads", str(reads), "--seconds", str(options.seconds), "--pids", pids],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{ensemble.hosts}: {done.stderr}")
    return [float(figure) for figure in FIGURES.search(done.stdout).groups()]


def rounds_of(options, count):
    figures = {}
    for _ in range(options.rounds):
        for name in ("Apache", "zksim"):
            scratch = tempfile.mkdtemp(dir="/dev/shm")
            ensemble = start(name, options, scratch, count)
            try:
                wait_until_serving(options.load, ensemble.hosts)
                measure(options, ensemble, 10, 50)  # Java warms up
                for reads in (100, 0, 70):
                    for connections in (1, 10, 50):
                        figures.setdefault((reads, connections, name), []).append(
                            measure(options, ensemble, connections, reads))
            finally:
                ensemble.kill()
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
