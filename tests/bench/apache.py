#!/usr/bin/python3
"""Throughput, latency and CPU time beside Apache ZooKeeper 3.8, in one run.

    tests/bench/apache.py build/zksim build/release/load [--seconds 5] [--rounds 3] [--history]

1 KiB znodes; reads, writes and 70 % reads; 1, 10 and 50 connections with 20 requests under way on each; 1 and 3 servers.  Apache runs with
forceSync=no on a file system in memory, zksim with disks that take no time.  A round measures both, one after the other, so that what else
the machine does hurts both alike; a line gives the medians of the rounds, Apache's then zksim's, and in brackets least and most.  The
last column names the aims that its medians meet: twice the throughput, half the p99, a fifth of the servers' CPU time.
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
    history = ["--history", os.path.join(scratch, "history.db")] if options.history else []
    return Simulated(options.zksim, path, *history)


def wait_until_serving(load, hosts):
    deadline = time.monotonic() + 60
    while True:
        problem = "no answer"  # Apache's server may leave one of its first connections without any
        try:
            done = subprocess.run([load, "--hosts", ",".join(hosts), "--connections", str(len(hosts)), "--window", "1",
                                   "--seconds", "0"], capture_output=True, check=False, timeout=5)
            if done.returncode == 0:
                return
            problem = done.stderr.decode()
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() > deadline:
            raise SystemExit(problem)
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


def aims_met(apache, zksim):
    rate, p99, cpu = [zksim[i] / apache[i] for i in (0, 2, 3)]
    return ", ".join(name for name, met in (("throughput", rate >= 2), ("p99", p99 <= 0.5), ("CPU", cpu <= 0.2)) if met)


def line_of(count, reads, connections, figures):
    """Of operations/s in thousands, p50 and p99 in ms, the servers' CPU time per operation in us."""
    both = [list(zip(*figures[reads, connections, name])) for name in ("Apache", "zksim")]
    cells = [spread(of[i], scale, digits) for i, scale, digits in ((0, 1e3, 1), (1, 1e3, 1), (2, 1e3, 1), (3, 1, 1))
             for of in both]
    aims = aims_met(*[[statistics.median(values) for values in of] for of in both])
    return f"| {count} | {reads} % | {connections} | {' | '.join(cells)} | {aims} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zksim")
    parser.add_argument("load")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--history", action="store_true", help="zksim writes one, in memory")
    options = parser.parse_args()
    print("| servers | reads | connections | 1000/s, Apache | zksim | p50 ms, Apache | zksim | p99 ms, Apache | zksim "
          "| CPU us, Apache | zksim | aims met |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for count in (1, 3):
        figures = rounds_of(options, count)
        for reads in (100, 0, 70):
            for connections in (1, 10, 50):
                print(line_of(count, reads, connections, figures), flush=True)


if __name__ == "__main__":
    main()
