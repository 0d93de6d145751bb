#!/usr/bin/python3
"""differential.py -- The same random operations for Apache ZooKeeper and for `zksim serve`; what they answer has to be the same.

    tests/apache/differential.py --kind standalone --seeds 1..200 --operations 500

Exit status: 0 all the same, 1 a difference, 2 not run."""

import argparse
import collections
import sys
import threading
import traceback
import time

import apache
import generator
import kinds
from player import Player


def play_both(servers, steps, covered):
    """Their transcripts; an exception stands for one."""
    transcripts = [None, None]

    def run(index):
        player = Player(servers[index], isinstance(servers[index], apache.Apache))
        try:
            transcripts[index] = player.play(steps)
            covered[index].update(player.covered())
        except Exception as error:  # whatever it is, it is this server's answer
            frames = ", ".join("%s:%d" % (frame.name, frame.lineno) for frame in traceback.extract_tb(error.__traceback__))
            transcripts[index] = player.transcript + [["%s failed: %r in %s" % (servers[index].name, error, frames)]]
            servers[index].fail()

    threads = [threading.Thread(target=run, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return transcripts


def first_difference(transcripts):
    """The first step that differs, or None."""
    left, right = transcripts
    for index in range(max(len(left), len(right))):
        if index >= len(left) or index >= len(right) or left[index] != right[index]:
            return index
    return None


ATTEMPTS = 4


def is_silent(lines):
    return any("silence" in line or " failed: " in line for line in lines)


def is_apaches_silence(index, transcripts):
    """As a leader it loses a commit now and then, never the same one twice."""
    said = [transcript[index] if index < len(transcript) else [] for transcript in transcripts]
    return is_silent(said[0]) and not is_silent(said[1])


class Bench:
    """Both servers, started anew when they have come apart."""

    def __init__(self, kind, arguments):
        self.arguments = arguments
        self.kind = kind
        self.servers = None
        self.forgotten = 0
        self.covered = (collections.Counter(), collections.Counter())  # (operation, outcome) -> how often, on each

    def start(self):
        if self.servers is None or not all(server.alive() for server in self.servers):
            self.stop()
            self.servers = [apache.Apache(self.kind), apache.Zksim(self.kind, self.arguments.zksim)]
            for server in self.servers:
                server.start()
        return self.servers

    def difference(self, steps):
        transcripts = play_both(self.start(), steps, self.covered)
        for server, transcript in zip(self.servers, transcripts):
            if any(is_silent(said) for said in transcript):
                server.stop(self.arguments.keep)
        return first_difference(transcripts), transcripts

    def stop(self):
        for server in self.servers or []:
            self.forgotten += server.forgotten
            server.stop(self.arguments.keep)
        self.servers = None


def minimise(bench, steps, budget):
    """Leaves out what is not needed for a difference: halves, quarters, ..., single steps and requests."""
    end = time.monotonic() + budget
    index, _ = bench.difference(steps)
    if index is None:
        return None
    steps = steps[:index + 1]

    def fails(candidate):
        return time.monotonic() < end and bench.difference(candidate)[0] is not None

    size = max(1, len(steps) // 2)
    while size >= 1:
        at = 0
        while at < len(steps):
            candidate = steps[:at] + steps[at + size:]
            if candidate and fails(candidate):
                steps = candidate
            else:
                at += size
        size //= 2
    for at, step in enumerate(steps):
        if isinstance(step, generator.Send):
            for request in list(step.requests):
                fewer = generator.Send(step.slot, [other for other in step.requests if other is not request], step.ends)
                if fewer.requests and fails(steps[:at] + [fewer] + steps[at + 1:]):
                    step = steps[at] = fewer
    return steps


def shown(steps, transcripts, first, last):
    """Steps first to last with what both said where that differs."""
    lines = []
    for index in range(first, last):
        said = [transcript[index] if index < len(transcript) else ["nothing"] for transcript in transcripts]
        lines.append("%4d %s" % (index, generator.describe(steps[index]) if index < len(steps) else "at the end"))
        if said[0] == said[1]:
            lines += ["            " + line for line in said[0]]
        else:
            lines += ["    Apache: " + line for line in said[0]] + ["    zksim:  " + line for line in said[1]]
    return "\n".join(lines)


def run_seed(bench, seed, operations):
    arguments = bench.arguments
    steps = bench.kind.generate(seed, operations)
    index, transcripts = bench.difference(steps)
    for _ in range(ATTEMPTS - 1):
        if index is not None and is_apaches_silence(index, transcripts):
            print("seed %d: Apache said nothing at step %d (%s); once more" % (seed, index, transcripts[0][index][-1]), file=sys.stderr)
            index, transcripts = bench.difference(steps)
    if index is None:
        if arguments.show:
            print(shown(steps, transcripts, 0, len(steps) + 1))
        return True
    print("seed %d: step %d differs" % (seed, index))
    print(shown(steps, transcripts, max(0, index - 3), min(index + 1, len(steps) + 1)))
    if arguments.minimise:
        fewest = minimise(bench, steps, arguments.budget)
        if fewest is None:
            print("seed %d: not the second time" % seed)
        else:
            _, transcripts = bench.difference(fewest)
            print("seed %d: %d steps are enough" % (seed, len(fewest)))
            print(shown(fewest, transcripts, 0, len(fewest) + 1))
    sys.stdout.flush()
    return False


# ---- whether the test could have found anything

FORGOTTEN_PER_SEED = 1  # connections that Apache forgets to close


def count_of(covered, operation):
    return sum(count for (name, _), count in covered.items() if name == operation)


def replies(covered):
    return sum(count for (name, _), count in covered.items() if name not in ("event", "connect", "connection"))


def show_coverage(covered):
    for operation in sorted({str(name) for name, _ in covered}):
        outcomes = sorted(((outcome, count) for (name, outcome), count in covered.items() if str(name) == operation), key=lambda pair: -pair[1])
        print("  %-22s %s" % (operation, ", ".join("%s %d" % pair for pair in outcomes)))


def saw_enough(bench, seeds):
    """Every operation had its usual outcomes on both, and nearly all steps had a connection."""
    bad = []
    for name, covered in zip(("Apache", "zksim"), bench.covered):
        missing = [pair for pair in bench.kind.covers if covered[pair] == 0]
        bad += ["%s never answered %s" % (name, ", ".join("%s: %s" % pair for pair in missing))] if missing else []
        if covered["connection", "none"] * 100 > bench.kind.absent_percent * replies(covered):
            bad.append("%s: %d steps had no connection" % (name, covered["connection", "none"]))
    if bench.forgotten > FORGOTTEN_PER_SEED * seeds:
        bad.append("%d connections that were to be closed were not" % bench.forgotten)
    for line in bad:
        print("differential: nothing proved: " + line)
    return not bad


# ---- a run


def compare(name, arguments):
    """0: all the same, 1: not."""
    kind = kinds.KINDS[name]
    bench = Bench(kind, arguments)
    seeds = arguments.seeds or range(1, kind.seeds + 1)
    operations = arguments.operations or kind.operations
    done, differing, started = 0, [], time.monotonic()
    try:
        for seed in seeds:
            if not run_seed(bench, seed, operations):
                differing.append(seed)
            done += 1
            if len(differing) >= arguments.failures:
                break
    finally:
        bench.stop()
    print("differential %s: %d seeds of %d operations, %d replies, %d events, %d differ%s (%.0f s)%s" % (
        name, done, operations, replies(bench.covered[1]), count_of(bench.covered[1], "event"), len(differing),
        ": " + ", ".join(map(str, differing)) if differing else "", time.monotonic() - started,
        "; Apache forgot to close %d connections" % bench.forgotten if bench.forgotten else ""))
    if arguments.coverage:
        show_coverage(bench.covered[1])
    sys.stdout.flush()
    if differing:
        return 1
    return 0 if done < kind.seeds or saw_enough(bench, done) else 1


def parse_seeds(value):
    first, _, last = value.partition("..")
    return range(int(first), int(last or first) + 1)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=list(kinds.KINDS),
                        help="; ".join("%s: %s" % (name, kind.about) for name, kind in kinds.KINDS.items()) + " (default: all of them)")
    parser.add_argument("--seeds", type=parse_seeds, metavar="A..B", help="(default: as many as the kind needs)")
    parser.add_argument("--operations", type=int, metavar="N", help="of a seed (default: the kind's)")
    parser.add_argument("--zksim", default="build/zksim", metavar="PROGRAM")
    parser.add_argument("--show", action="store_true", help="all that was said")
    parser.add_argument("--coverage", action="store_true", help="say what was answered how often")
    parser.add_argument("--minimise", action="store_true", help="shrink what differs to the few steps that show it")
    parser.add_argument("--budget", type=float, default=120, metavar="SECONDS", help="for shrinking one seed")
    parser.add_argument("--failures", type=int, default=5, metavar="N", help="stop after that many seeds that differ (default 5)")
    parser.add_argument("--keep", action="store_true", help="keep the servers' directories")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    try:
        apache.require()
    except apache.Missing as missing:
        print("differential: not run: %s" % missing, file=sys.stderr)
        return 2
    names = [arguments.kind] if arguments.kind else list(kinds.KINDS)
    return max([compare(name, arguments) for name in names])


if __name__ == "__main__":
    sys.exit(main())
