#!/usr/bin/env python3
"""How fast undirected chaos finds each flaw, and how small that becomes: a Markdown table.

    tests/flaw_table.py ZKSIM [-d FOLDER] [-j JOBS] [-r RANGES] [-c CAP] [FLAW...]

Range k (from 0) begins at seed k*CAP+1 and goes upward until some guarantee breaks, CAP seeds at most (250 if not given).  A row says the median over the
ranges of the seeds needed (least and most behind it) and of the processor seconds (checks included), in how many ranges
the first seed that broke anything also broke the guarantee that the flaw's entry in the catalogue names, and how large the first of
these failures is when `zksim shrink` is done with it: servers (with observers), faults, processor seconds of the shrinking.  Where no
range's first failure broke the named guarantee, the first failure of all is shrunk, and the row names what broke.

What has been measured is kept in FOLDER, in a folder for each build of the program: an interrupted run ends what is under way, prints
what there is, and goes on there the next time; rows of two builds never mix.  The flaw that has cost the least is measured next, so the rare ones come last.
Progress is on stderr.  Exit status: 1 if a flaw was found in no range, or something did not go as it should; 130 if interrupted.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading

CHAOS = "scenarios/chaos.scn"
AT_ONCE = 50  # seeds of one sweep
RUN_SECONDS_MAX = 40  # of processor time, for all of them: of messages without end some make gigabytes
STOPPED = threading.Event()


def run(command, seconds_max=3600):
    """What it prints, its exit status, and the processor seconds of it and its children.  None of these processes computes for longer."""
    process = subprocess.Popen(["prlimit", f"--cpu={seconds_max}", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               start_new_session=True)  # Ctrl-C is for us: what has begun is measured to its end
    out = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return out, process.returncode, usage.ru_utime + usage.ru_stime


class Flaw:
    """One row; `done` is what is kept in its file."""

    def __init__(self, name, guarantee, options, folder):
        self.name, self.guarantee, self.options = name, guarantee, options
        self.path = os.path.join(folder, name + ".json")
        self.done = {"cap": options.cap, "ranges": [], "shrunk": None}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                kept = json.load(file)
            if kept["cap"] == options.cap:
                self.done = kept

    def save(self):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.done, file, indent=1)
        os.replace(self.path + ".new", self.path)

    def ranges(self):
        return self.done["ranges"][: self.options.ranges]

    def found(self):
        return [one for one in self.ranges() if one["seed"]]

    def spent(self):
        shrinking = self.done["shrunk"]["cpu_seconds"] if self.done["shrunk"] else 0
        return shrinking + sum(one["seconds"] for one in self.done["ranges"])

    def first_failure(self):
        """The one to shrink: it breaks what the catalogue says, if any does."""
        found = self.found()
        return next((one for one in found if one["named"]), found[0] if found else None)

    def is_measured(self):
        return len(self.ranges()) == self.options.ranges

    def is_to_shrink(self):
        """The first failure is known: no later range changes it."""
        first = self.first_failure()
        if first is None or not (first["named"] or self.is_measured()):
            return False
        return self.done["shrunk"] is None or self.done["shrunk"]["from_seed"] != first["seed"]

    def is_finished(self):
        return self.is_measured() and not self.is_to_shrink()

    def step(self):
        if self.is_to_shrink():
            self.shrink(self.first_failure())
        else:
            self.measure_range(len(self.ranges()))

    def measure_range(self, index):
        first = index * self.options.cap + 1
        seed, end, seconds, given_up, failing = first, first + self.options.cap, 0, 0, None
        while seed < end and failing is None:
            runs, spent, died = self.sweep(seed, min(seed + AT_ONCE, end) - 1)
            failing = next((one for one in runs if not one["as_expected"]), None)
            seed += len(runs) + died
            given_up += died
            seconds += spent
        broken = [v["guarantee"] for v in failing["verdicts"] if v["verdict"] == "violated"] if failing else []
        self.done["ranges"].append({
            "seed": failing["seed"] if failing else 0, "runs": seed - first, "given_up": given_up,
            "named": self.guarantee in broken, "broken": broken, "seconds": seconds})
        self.save()
        say(f"{self.name}: range {index + 1} of {self.options.ranges}: "
            + (f"seed {failing['seed']} breaks {', '.join(broken)}" if failing else "nothing breaks") + f", {seconds:.2f} s"
            + (f", {given_up} runs given up" if given_up else ""))

    def sweep(self, first, last):
        """The runs up to the first that breaks something, their processor seconds, and whether the run behind them was given up."""
        out, status, seconds = run([self.options.zksim, "sweep", CHAOS, "--seeds", f"{first}..{last}", "--flaw", self.name,
                                    "--until-violated", "--format", "json"], RUN_SECONDS_MAX)
        lines = [json.loads(line) for line in out.splitlines()]
        if status not in (0, 1) or not lines or "summary" not in lines[-1]:
            raise RuntimeError(f"the sweep of seeds {first}..{last} ended with status {status}")
        return lines[:-1], seconds, lines[-1]["died"]

    def shrink(self, failure):
        keep = ["--guarantee", self.guarantee] if failure["named"] else []
        small = self.path[: -len("json")] + "scn"
        out, status, seconds = run([self.options.zksim, "shrink", CHAOS, "--seed", str(failure["seed"]), "--flaw", self.name,
                                    "-o", small, "--budget", "0", "--format", "json", *keep])
        if status != 0:
            raise RuntimeError(f"seed {failure['seed']} was not shrunk, status {status}")
        result = json.loads(out)
        del result["scenario"]
        result["guarantee"] = result["signature"].split(":")[0]
        self.done["shrunk"] = {**result, "from_seed": failure["seed"], "cpu_seconds": seconds,
                               "repeats": self.repeats(small, result)}
        self.save()
        say(f"{self.name}: seed {failure['seed']} shrunk to {size(result)}, {seconds:.0f} s: {result['signature']}"
            + ("" if self.done["shrunk"]["repeats"] else " -- IT DOES NOT REPEAT"))

    def repeats(self, small, result):
        """It fails by itself in the same way, twice with the same digest."""
        runs = [run([self.options.zksim, "run", small, "--seed", str(result["seed"]), "--format", "json"]) for _ in range(2)]
        first, second = [json.loads(out) for out, _, _ in runs]
        broken = [v["guarantee"] for v in first["verdicts"] if v["verdict"] == "violated"]
        return runs[0][1] == 0 and first["digest"] == second["digest"] and result["guarantee"] in broken

    def row(self):
        ranges, found, cap = self.ranges(), self.found(), self.options.cap
        if not ranges:
            return f"| {self.name} | {self.guarantee} | not measured | | | | |"
        given_up = sum(one["given_up"] for one in ranges)
        where = f"{len(found)} of {len(ranges)}" + (f", {given_up} runs given up" if given_up else "")
        seeds = sorted(one["runs"] if one["seed"] else cap + 1 for one in ranges)
        median, least, most = median_of(seeds, cap), up_to(seeds[0], cap), up_to(seeds[-1], cap)
        needed = median if len(set(seeds)) == 1 else f"{median} ({least} to {most})"
        seconds = statistics.median(one["seconds"] for one in ranges)
        named = sum(one["named"] for one in ranges)
        return (f"| {self.name} | {self.guarantee} | {where} | {needed} | {seconds:.2f} | "
                f"{f'{named} of {len(found)}' if found else '-'} | {self.shrunk_cell()} |")

    def shrunk_cell(self):
        small = self.done["shrunk"]
        if small is None:
            return "not measured" if self.found() else "-"
        other = "" if small["guarantee"] == self.guarantee else f" ({small['guarantee']})"
        return f"{size(small)} / {small['cpu_seconds']:.0f}{other}"


def size(small):
    return f"{small['servers']} / {small['faults']}"


def up_to(number, cap):
    return f"> {cap}" if number > cap else f"{number:g}"


def median_of(seeds, cap):
    """In the middle between two of which one is not known, it is known to be above the other."""
    lower, upper = statistics.median_low(seeds), statistics.median_high(seeds)
    return f"> {min(lower, cap)}" if upper > cap else f"{(lower + upper) / 2:g}"


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure(flaws, jobs):
    """Each flaw is worked at by one thread at a time; the cheapest so far comes next."""
    waiting = [flaw for flaw in flaws if not flaw.is_finished()]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        working = {}
        while (waiting or working) and not STOPPED.is_set():
            while waiting and len(working) < jobs:
                flaw = min(waiting, key=Flaw.spent)
                waiting.remove(flaw)
                working[pool.submit(flaw.step)] = flaw
            done, _ = concurrent.futures.wait(working, timeout=1, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                flaw = working.pop(future)
                if future.exception() is not None:
                    say(f"flaw_table: {flaw.name} is given up: {future.exception()}")
                elif not flaw.is_finished():
                    waiting.append(flaw)


def build_of(zksim):
    """The version names the source; the checksum tells builds of a changed source apart."""
    version = run([zksim, "--version"])[0].split()[-1]
    with open(zksim, "rb") as file:
        return f"{version}-{hashlib.sha256(file.read()).hexdigest()[:8]}"


def catalogue(zksim):
    lines = [line.split() for line in run([zksim, "list", "flaws"])[0].splitlines()]
    return {words[0]: words[2] for words in lines if len(words) > 2 and words[1] == "breaks"}


def stop(number, frame):
    STOPPED.set()
    signal.signal(number, signal.SIG_DFL)
    say("flaw_table: ends when what is under way is done")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zksim")
    parser.add_argument("flaws", nargs="*", metavar="FLAW")
    parser.add_argument("-d", dest="folder", default="build/flaw-table", help="where the results are kept (default: %(default)s)")
    parser.add_argument("-j", dest="jobs", type=int, default=1)
    parser.add_argument("-r", dest="ranges", type=int, default=20)
    parser.add_argument("-c", dest="cap", type=int, default=250)
    options = parser.parse_intermixed_args()
    options.zksim = os.path.abspath(options.zksim)
    options.folder = os.path.abspath(options.folder)
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    guarantees = catalogue(options.zksim)
    unknown = [name for name in options.flaws if name not in guarantees]
    if unknown or options.cap < 1 or options.ranges < 1 or options.jobs < 1:
        parser.error(f"unknown flaw {unknown[0]}" if unknown else "RANGES, CAP and JOBS are at least 1")
    folder = os.path.join(options.folder, build_of(options.zksim))
    os.makedirs(folder, exist_ok=True)
    flaws = [Flaw(name, guarantees[name], options, folder) for name in options.flaws or guarantees]
    measure(flaws, options.jobs)

    print("| flaw | guarantee | found in | seeds: median (least to most) | CPU seconds: median | that guarantee first "
          "| shrunk: servers / faults / CPU seconds |")
    print("|---|---|---|---|---|---|---|")
    for flaw in flaws:
        print(flaw.row())
    if STOPPED.is_set():
        sys.exit(130)
    sys.exit(not all(flaw.is_finished() and flaw.found() and flaw.done["shrunk"]["repeats"] for flaw in flaws))


if __name__ == "__main__":
    main()
