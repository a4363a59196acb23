#!/usr/bin/env python3
"""Measures one machine for `cargo xtask validation`: profile, pairs, and scenarios under a real dispatcher, several times.

Needs Linux, two idle cores, Python 3.11 or newer, onnxruntime and numpy, the models of fetch_models.py, and `rtmm`, which says
beforehand how sensitive each scenario is. Do nothing else on the machine meanwhile, and look at nothing.

    python3 validation/fetch_models.py models
    cargo build --release -p rtmm-cli
    python3 validation/measure.py --models models --output validation/measurements/NAME
    cargo xtask validation

Half an hour by default; --quick takes five minutes and shows that all is in place. Killed at any moment, the same command goes
on where it was. The order: one repeat of the profile; pairs; scenarios with rates such that they ask for a stated load of both
cores by the interleaved medians, with arrivals that are fixed from then on; the change of each simulated miss rate over 2 % of
execution time, by which cells are chosen; runs in shuffled order, those that were disturbed again, up to twice as many as would
do; and the other repeats of the profile between them.
"""

import argparse
import csv
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

import cases
import dispatch
import machine
import profile_models
import results
import scenario as scenarios

HERE = pathlib.Path(__file__).parent
NAMES = ("memory", "mixed", "cascade", "poisson", "periodic")
# Loads by what is learned of them first. At the last one only the policy that drops is measured.
LOADS = ("0.70", "0.40", "0.80", "0.60", "0.90")
ONLY_WITH_DROPS = "0.90"
# A cell that changes by more points over 2 % of execution time has no target, and is not measured.
MAX_SENSITIVITY = 3.0
# Attempts of a cell beyond those that would do if none were disturbed, and as many again: then it is left with what it has.
FURTHER = 2
# Scenarios are read for so many times the length of a run: rates that are multiplied take arrivals from behind it.
STRETCH = 32
# A run whose models together take longer or less than their profile by a larger part is told: the machine has drifted.
MAX_DRIFT = 0.03
# Seconds of a run beside its releases: loading, warming up, draining.
BESIDE_S = 4.0
# More runs than clean ones, as a part.
DISTURBED = 0.2
# Seconds of the run that is kept job by job.
KEPT_MS = 2_000.0
CELLS = ["scenario", "load", "policy", "sensitivity_points", "asked"]
RUNS = [
    "scenario", "load", "policy", "attempt", "disturbed", "alien_core0_s", "alien_core1_s", "steal_s", "involuntary_switches",
    "off_cpu", "overhead_p50_us", "common_mode", "task", "jobs", "deadline_violation_rate", "response_p50_ms", "response_p95_ms",
    "response_p99_ms",
]  # fmt: skip


def read_table(path):
    """The rows of a table; none where it is not there yet."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def say(text):
    """Tells how far the measurement is."""
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


def find_rtmm(named):
    """The program that simulates."""
    places = [named] if named else [HERE.parent / "target/release/rtmm", HERE.parent / "target/debug/rtmm", shutil.which("rtmm")]
    for place in places:
        if place and os.access(place, os.X_OK):
            return str(place)
    machine.fail("there is no program `rtmm`", "build it: cargo build --release -p rtmm-cli; or name it with --rtmm")


class Measurement:
    """A folder of measurements, and what it lacks."""

    def __init__(self, given):
        self.given = given
        self.folder = given.output
        self.cores = machine.cores(given.cores)
        self.rtmm = find_rtmm(given.rtmm)
        span = STRETCH * given.seconds * 1_000_000_000
        self.bases = [(path.stem, scenarios.read(path, given.seed, span)) for path in given.scenarios]
        needed = dict.fromkeys(task.model for _, base in self.bases for task in base.tasks)
        self.models = machine.wanted(given.models, needed)
        self.folder.mkdir(parents=True, exist_ok=True)

    def describe(self):
        """The description of the machine, and the models as rtmm takes them."""
        cases.write_models(self.folder, self.models)
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("onnxruntime", "numpy"))
        rule = (
            f"others above {100 * results.ALIEN} % of a core, steal above {100 * results.STEAL:.0f} %, "
            f"or jobs off their core above {100 * results.OFF_CPU:.0f} % of their time"
        )
        facts = {
            "measured": f"{datetime.date.today():%Y-%m-%d}",
            "processor": cases.processor(),
            "caches": cases.caches(self.cores[0]),
            "memory": cases.memory(),
            # Two numbers: what stands behind them names a build.
            "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
            "software": f"Python {platform.python_version()}, {versions}",
            "session options": "intra_op_num_threads=1, inter_op_num_threads=1, session.intra_op.allow_spinning=0",
            "run length": f"{self.given.seconds} s of releases, then to the end of the last job",
            "clean repeats": f"{self.given.repeats} a cell, in shuffled order",
            "discard rule": rule,
            "decision_base_us": "0",
        }
        known = {row["key"]: row["value"] for row in read_table(self.folder / "machine.csv")}
        self.write_facts({**facts, **known})

    def write_facts(self, facts):
        """Writes the description of the machine."""
        results.write(self.folder / "machine.csv", [{"key": key, "value": value} for key, value in facts.items()])

    def profile(self, repeat):
        """A repeat of the profile, if it is not there."""
        if any(row["repeat"] == str(repeat) for row in read_table(self.folder / "samples.csv")):
            return
        say(f"profile, repeat {repeat + 1} of {self.given.profiles}")
        bench = profile_models.Bench(self.given.models, self.models, self.cores)
        profile_models.profile(bench, self.models, self.folder, repeat, self.given.rounds)
        if not (self.folder / "pairs.csv").exists():
            say("pairs")
            profile_models.pairs(bench, self.models, self.folder)
        bench.close()

    def fix(self):
        """Scenarios at their loads, with arrivals that do not change from now on."""
        if (self.folder / "cells.csv").exists():
            return
        medians = machine.medians(self.folder / "samples.csv")
        for name, base in self.bases:
            for load in LOADS:
                cases.fix(self.folder, name, base, load, medians, len(self.cores), self.given.seconds, self.given.seed)

    def choose(self):
        """Cells with their sensitivity; the first groups of policies that fit the time are asked."""
        if (self.folder / "cells.csv").exists():
            return
        say("sensitivity of cells to 2 % of execution time")
        medians = machine.medians(self.folder / "samples.csv")
        a_run = (self.given.seconds + BESIDE_S) * (1 + DISTURBED) * self.given.repeats
        left, rows = self.given.minutes * 60 - self.given.fixed, []
        for load in LOADS:
            for name, _ in self.bases:
                policies = [policy for policy in dispatch.POLICIES if load != ONLY_WITH_DROPS or policy == "edf+drop"]
                changes = {policy: self.sensitivity(name, load, policy, medians) for policy in policies}
                asked = [policy for policy in policies if changes[policy] < MAX_SENSITIVITY]
                fits = len(asked) * a_run <= left
                left -= len(asked) * a_run if fits else 0
                rows.extend(
                    [name, load, policy, f"{changes[policy]:.3f}", int(fits and policy in asked)] for policy in policies
                )
        if not any(row[-1] for row in rows):
            machine.fail(f"{self.given.minutes} minutes are too few for a single cell", "give more with --minutes, or --quick")
        asked = {f"{name}_{load}" for name, load, _, _, is_asked in rows if is_asked}
        for name in {f"{name}_{load}" for name, load, *_ in rows} - asked:
            shutil.rmtree(self.folder / "cases" / name)
            (self.folder / "cases" / f"{name}.toml").unlink()
        profile_models.append(self.folder / "cells.csv", CELLS, rows)

    def sensitivity(self, name, load, policy, medians):
        """Change of a simulated miss rate, in points."""
        rates = []
        for factor in (0.98, 1.0, 1.02):
            with tempfile.TemporaryDirectory() as scratch:
                path = cases.write_platform(pathlib.Path(scratch), medians, factor, len(self.cores))
                rates.append(self.simulate(self.folder / "cases" / f"{name}_{load}.toml", path, policy))
        return 100 * (max(rates) - min(rates))

    def simulate(self, scenario, path, policy):
        """Part of the deadlines that are missed in a simulation."""
        name, _, drops = policy.partition("+")
        command = [self.rtmm, "run", "--scenario", str(scenario), "--platform", str(path), "--policy", name, "--format", "json"]
        for setting in ("granularity=model", "end_of_run=drain", *(["drop=infeasible"] if drops else [])):
            command += ["--set", setting]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            machine.fail(f"rtmm fails: {done.stderr.strip()}", "build it anew: cargo build --release -p rtmm-cli")
        return json.loads(done.stdout)["deadline_violation_rate"] or 0.0

    def missing(self):
        """Runs that are still wanted: a cell for each, and the attempts that it had."""
        attempts, clean = {}, {}
        for row in read_table(self.folder / "runs.csv"):
            cell = (row["scenario"], row["load"], row["policy"])
            attempts.setdefault(cell, set()).add(row["attempt"])
            if row["disturbed"] == "0":
                clean.setdefault(cell, set()).add(row["attempt"])
        wanted = []
        for row in read_table(self.folder / "cells.csv"):
            cell = (row["scenario"], row["load"], row["policy"])
            had = len(attempts.get(cell, ()))
            lacks = self.given.repeats - len(clean.get(cell, ()))
            if row["asked"] == "1" and had < 2 * self.given.repeats + FURTHER:
                wanted += [cell] * lacks
        return wanted, attempts

    def run_all(self):
        """All runs that are wanted, in shuffled order; the repeats of the profile between them."""
        wanted, _ = self.missing()
        first = max(len(wanted), 1)
        while wanted:
            part = 1 - len(wanted) / first
            for repeat in range(1, self.given.profiles - 1):
                if part >= repeat / (self.given.profiles - 1):
                    self.profile(repeat)
            # Drawn anew each time, so that a drift of the machine falls on no policy.
            cell = random.choice(wanted)
            before = len(wanted)
            self.run(cell)
            wanted, _ = self.missing()
            say(f"{' '.join(cell)}: {'clean' if len(wanted) < before else 'disturbed'}, {len(wanted)} to go")

    def run(self, cell):
        """One run of a cell."""
        _, attempts = self.missing()
        numbers = [int(attempt) for attempt in attempts.get(cell, ())]
        attempt = max(numbers, default=-1) + 1
        name, load, policy = cell
        scenario = scenarios.read(self.folder / "cases" / f"{name}_{load}.toml", self.given.seed)
        medians = machine.medians(self.folder / "samples.csv")
        table, counted = dispatch.run(scenario, policy, self.given.models, self.cores, medians)
        facts, jobs = results.summary(table, counted), results.rows(table)
        order = [task.name for task in scenario.tasks]
        rows = [[*cell, attempt, *facts.values(), *figures] for figures in results.figures(jobs, order)]
        profile_models.append(self.folder / "runs.csv", RUNS, rows)
        kept = self.folder / "overlay.csv"
        if not kept.exists() and facts["disturbed"] == 0 and policy == "edf":
            results.write(kept, [row for row in jobs if float(row["arrival_ms"]) < KEPT_MS])
            (self.folder / "overlay_of.csv").write_text(f"scenario,load,policy\n{','.join(cell)}\n", encoding="utf-8")

    def finish(self):
        """The time that a decision takes: the median of clean runs. The machine as a platform; how to look at it."""
        table = read_table(self.folder / "runs.csv")
        runs = {(row["scenario"], row["load"], row["policy"], row["attempt"]): row for row in table}
        times = [float(row["overhead_p50_us"]) for row in runs.values() if row["disturbed"] == "0" and row["overhead_p50_us"]]
        facts = {row["key"]: row["value"] for row in read_table(self.folder / "machine.csv")}
        if times:
            facts["decision_base_us"] = f"{statistics.median(times):.1f}"
        self.write_facts(facts)
        modes = [float(row["common_mode"]) for row in runs.values() if row["disturbed"] == "0"]
        drifted = sum(abs(mode - 1) > MAX_DRIFT for mode in modes)
        if drifted:
            say(f"{drifted} clean runs took more than {100 * MAX_DRIFT:.0f} % longer or less than the profile says")
        disturbed = sum(row["disturbed"] != "0" for row in runs.values())
        cases.write_platform(self.folder, machine.medians(self.folder / "samples.csv"), 1.0, len(self.cores))
        say(f"{len(runs)} runs, {disturbed} of them disturbed; compare them: cargo xtask validation {self.folder}")
        for row in read_table(self.folder / "overlay_of.csv"):
            case = self.folder / "cases" / f"{row['scenario']}_{row['load']}.toml"
            say(
                f"look at one beside its simulation: rtmm run --scenario {case} --platform {self.folder / 'cores.toml'} "
                f"--policy {row['policy']} --set granularity=model --set end_of_run=drain "
                f"--set decision_base={facts['decision_base_us']}us --beside {self.folder / 'overlay.csv'} "
                "--timeline overlay.pftrace"
            )


def arguments():
    """The arguments, checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", required=True, type=pathlib.Path, help="folder of fetch_models.py")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder that measurements go to, and go on in")
    parser.add_argument("--scenarios", nargs="+", type=pathlib.Path, default=[HERE / f"scenarios/{name}.toml" for name in NAMES],
                        help="scenario files, the most important first [default: those of validation/scenarios]")  # fmt: skip
    parser.add_argument("--cores", default="0,1", help="two cores [default: 0,1]")
    parser.add_argument("--minutes", type=float, default=30.0, help="time for all, if a fifth is disturbed [default: 30]")
    parser.add_argument("--seconds", type=int, default=8, help="seconds of releases a run [default: 8]")
    parser.add_argument("--repeats", type=int, default=5, help="clean runs a cell [default: 5]")
    parser.add_argument("--rounds", type=int, default=60, help="runs of each model a core and repeat of a profile [default: 60]")
    parser.add_argument("--profiles", type=int, default=3, help="repeats of the profile [default: 3]")
    parser.add_argument("--quick", action="store_true", help="5 minutes: 2 s a run, 3 repeats, a short profile")
    parser.add_argument("--seed", type=int, default=1, help="seed of arrivals [default: 1]")
    parser.add_argument("--rtmm", type=pathlib.Path, help="the program rtmm [default: that of target/, or of the path]")
    given = parser.parse_args()
    given.fixed = 150.0
    if given.quick:
        given.minutes, given.seconds, given.repeats, given.rounds, given.profiles = 5.0, 2, 3, 20, 2
        given.fixed = 110.0
    if min(given.repeats, given.rounds, given.profiles, given.seconds) < 1:
        machine.fail("no repeats, no median", "set --repeats, --rounds, --profiles and --seconds to 1 or more")
    if given.profiles < 2:
        machine.fail("one repeat of the profile does not show its drift", "set --profiles to 2 or more")
    return given


def main():
    """Measures what is missing."""
    measurement = Measurement(arguments())
    measurement.describe()
    measurement.profile(0)
    measurement.fix()
    measurement.choose()
    measurement.run_all()
    for repeat in range(1, measurement.given.profiles):
        measurement.profile(repeat)
    measurement.finish()


if __name__ == "__main__":
    main()
