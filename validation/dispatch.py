#!/usr/bin/env python3
"""Runs a scenario in real time on pinned cores: a real dispatcher of whole models, without a scheduler process.

Needs Linux, Python 3.11 or newer, onnxruntime and numpy. Every core has a worker that loads all models. Jobs stand in shared
memory; an idle worker takes the lock, makes all due releases visible, drops what cannot be in time if the policy says so, takes
the job with the least key, releases the lock and runs it. Nothing is written until the end.

    python3 validation/dispatch.py --scenario my.toml --models models --policy edf --profile samples.csv --jobs jobs.csv

Policies: fcfs, edf, edf+drop (drops jobs whose deadline is nearer than the median of their model) and sjf, of whole models; of
equal keys the earlier release comes first, then the task that stands first. Writes a row a job as `rtmm run --jobs` does, and
beside it NAME.run.csv: what else used the cores. A run that others disturbed says so, by a rule that does not look at its jobs.
"""

import argparse
import multiprocessing
import pathlib
import sys
import threading
import time

import machine
import results
import scenario as scenarios

POLICIES = ("fcfs", "edf", "edf+drop", "sjf")
SPIN_NS = 100_000
# Time for the workers to be ready once all have loaded their models.
HEAD_START_NS = 50_000_000
# A worker that loads for so long ends the run.
PATIENCE_S = 300
WAITS, READY, RUNS, COMPLETED, DROPPED, DROPPED_UPSTREAM = range(6)


class Table:
    """All jobs, sorted by release and then by task: facts that do not change as lists, what does in shared memory."""

    def __init__(self, scenario, policy, medians, context):
        frames = [
            (release, place, frame)
            for place, task in enumerate(scenario.tasks)
            for frame, release in enumerate(task.arrivals)
        ]
        # A task stands behind those that it needs: of one instant these come first.
        frames.sort()
        self.tasks = scenario.tasks
        self.releases = [release for release, _, _ in frames]
        self.place = [place for _, place, _ in frames]
        self.frame = [frame for _, _, frame in frames]
        self.deadlines = [release + scenario.tasks[place].deadlines[frame] for release, place, frame in frames]
        self.model = [scenario.tasks[place].model for place in self.place]
        self.expected = [medians.get(model, 0) for model in self.model]
        keys = {"fcfs": self.releases, "sjf": self.expected}
        self.keys = keys.get(policy, self.deadlines)
        self.drops = policy == "edf+drop"
        self.followers, missing = self.dependencies(frames)
        shared = lambda kind, size: context.RawArray(kind, max(size, 1))  # noqa: E731
        self.status, self.missing = shared("b", len(frames)), shared("b", len(frames))
        self.missing[: len(frames)] = missing
        self.start, self.end, self.cpu = (shared("q", len(frames)) for _ in range(3))
        self.core = shared("b", len(frames))
        self.ready = shared("i", len(frames))
        # The first job that is not released, the number of ready ones, that of jobs that are not over; the clock at the start.
        self.heads = shared("q", 4)
        self.heads[2] = len(frames)

    def dependencies(self, frames):
        """Jobs that follow each job, and how many each one waits for: the latest frame of each task that it needs."""
        followers, missing, latest = [[] for _ in frames], [0] * len(frames), {}
        for job, (_, place, _) in enumerate(frames):
            for need in self.tasks[place].needs:
                if need in latest:
                    followers[latest[need]].append(job)
                    missing[job] += 1
            latest[place] = job
        return followers, missing

    def release_due(self, now):
        """Makes the jobs ready that are due and need no other. Called with the lock, as all that follows."""
        first = self.heads[0]
        while first < len(self.releases) and self.releases[first] <= now:
            if self.status[first] == WAITS and self.missing[first] == 0:
                self.make_ready(first)
            first += 1
        self.heads[0] = first

    def make_ready(self, job):
        """Adds a job to those that may run."""
        self.status[job] = READY
        self.ready[self.heads[1]] = job
        self.heads[1] += 1

    def take_out(self, position):
        """Takes a job out of the ready ones."""
        self.heads[1] -= 1
        self.ready[position] = self.ready[self.heads[1]]

    def drop(self, job, status, now):
        """Drops a job, and all that need it."""
        self.status[job], self.end[job] = status, max(now, self.releases[job])
        self.heads[2] -= 1
        for follower in self.followers[job]:
            if self.status[follower] == WAITS:
                self.drop(follower, DROPPED_UPSTREAM, now)

    def complete(self, job, now):
        """A job is over; true if others have become ready."""
        self.status[job], self.end[job] = COMPLETED, now
        self.heads[2] -= 1
        woken = False
        for follower in self.followers[job]:
            self.missing[follower] -= 1
            if self.missing[follower] == 0 and self.status[follower] == WAITS and follower < self.heads[0]:
                self.make_ready(follower)
                woken = True
        return woken

    def take(self, now):
        """The ready job of the least key, which runs from now on; none if there is none."""
        self.release_due(now)
        if self.drops:
            position = 0
            while position < self.heads[1]:
                job = self.ready[position]
                if self.deadlines[job] - now - self.expected[job] < 0:
                    self.take_out(position)
                    self.drop(job, DROPPED, now)
                else:
                    position += 1
        count = self.heads[1]
        if count == 0:
            return None
        best = min(range(count), key=lambda position: (self.keys[self.ready[position]], self.ready[position]))
        job = self.ready[best]
        self.take_out(best)
        self.status[job], self.start[job] = RUNS, now
        return job

    def completed(self, job):
        """True if a job ran to its end."""
        return self.status[job] == COMPLETED

    def state(self, job):
        """The status of a job that is over, in the words of rtmm."""
        return {COMPLETED: "completed", DROPPED: "dropped", DROPPED_UPSTREAM: "dropped-upstream"}[self.status[job]]

    def next_release(self):
        """The release that an idle worker waits for."""
        first = self.heads[0]
        return self.releases[first] if first < len(self.releases) else None


def worker(place, core, table, folder, models, sync, answer, load):
    """Runs jobs on a core until none is left."""
    try:
        machine.pin(core)
        calls = {name: load(folder, model) for name, model in models.items()}
        machine.warm(calls.values())
        runs = [calls[model] for model in table.model]
        sync["loaded"].wait(PATIENCE_S)
        sync["go"].wait(PATIENCE_S)
        watch = machine.Watch(core)
        begin = table.heads[3]
        clock, own_clock, lock, wake = time.monotonic_ns, time.thread_time_ns, sync["lock"], sync["wake"]
        while True:
            with lock:
                job, left, upcoming = table.take(clock() - begin), table.heads[2], table.next_release()
            if job is None:
                if left == 0:
                    wake.release()
                    break
                wait(wake, begin, upcoming)
                continue
            used = own_clock()
            table.start[job] = clock() - begin
            runs[job]()
            now = clock() - begin
            table.cpu[job], table.core[job] = own_clock() - used, place
            with lock:
                if table.complete(job, now):
                    wake.release()
        answer.send(watch.since())
    except SystemExit as error:
        answer.send(str(error))
        sync["loaded"].abort()
    except Exception as error:  # The parent says which worker failed, and why.
        answer.send(f"error: the worker on core {core}: {error!r}\n  = help: try the models by themselves: profile_models.py")
        sync["loaded"].abort()


def wait(wake, begin, upcoming):
    """Waits for a release, or for a job that has become ready; spins for the last part of the way to a release."""
    left = (upcoming + begin - time.monotonic_ns()) if upcoming is not None else SPIN_NS + 1_000_000
    if left > SPIN_NS:
        wake.acquire(timeout=(left - SPIN_NS) / 1e9)
    elif upcoming is not None:
        while time.monotonic_ns() - begin < upcoming:
            pass


def run(scenario, policy, folder, cores, medians, load=machine.load):
    """Runs a scenario; its table of jobs, and what each core did."""
    models = machine.wanted(folder, dict.fromkeys(task.model for task in scenario.tasks))
    if policy in ("sjf", "edf+drop"):
        for name in models:
            if name not in medians:
                machine.fail(f"the profile has no model `{name}`", "profile it, or name another table with --profile")
    context = multiprocessing.get_context("fork")
    table = Table(scenario, policy, medians, context)
    sync = {"lock": context.Lock(), "wake": context.Semaphore(0), "go": context.Event()}
    sync["loaded"] = context.Barrier(len(cores) + 1)
    workers = [start(context, (place, core, table, folder, models, sync), load) for place, core in enumerate(cores)]
    try:
        sync["loaded"].wait(PATIENCE_S)
        table.heads[3] = time.monotonic_ns() + HEAD_START_NS
        sync["go"].set()
    except threading.BrokenBarrierError:
        pass  # A worker says why.
    told = [hear(process, answer) for process, answer in workers]
    # The worker that failed broke the barrier of the others.
    problems = sorted((one for one in told if isinstance(one, str)), key=lambda problem: "BrokenBarrier" in problem)
    if problems:
        sys.exit(problems[0])
    return table, told


def start(context, work, load):
    """Starts a worker: its process, and where it answers."""
    answer, theirs = context.Pipe(duplex=False)
    process = context.Process(target=worker, args=(*work, theirs, load), daemon=True)
    process.start()
    theirs.close()
    return process, answer


def hear(process, answer):
    """What a worker did in the end; the parent sleeps until then."""
    try:
        told = answer.recv()
    except EOFError:
        told = None
    process.join()
    if told is None:
        machine.fail(f"a worker ended by itself, with exit code {process.exitcode}", "look for memory that ran out")
    return told


def arguments():
    """The arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", required=True, type=pathlib.Path, help="scenario file of rtmm")
    parser.add_argument("--models", required=True, type=pathlib.Path, help="folder of fetch_models.py")
    parser.add_argument("--policy", required=True, choices=POLICIES)
    parser.add_argument("--profile", type=pathlib.Path, help="samples.csv of profile_models.py, for edf+drop and sjf")
    parser.add_argument("--cores", default="0,1", help="cores, a worker each [default: 0,1]")
    parser.add_argument("--seed", type=int, default=1, help="seed of Poisson arrivals [default: 1]")
    parser.add_argument("--jobs", required=True, type=pathlib.Path, help="table that a row a job goes to")
    return parser.parse_args()


def main():
    """Runs a scenario and writes what came of it."""
    given = arguments()
    cores = machine.cores(given.cores)
    scenario = scenarios.read(given.scenario, given.seed)
    if not any(task.arrivals for task in scenario.tasks):
        machine.fail(f"{given.scenario} has no arrivals", "lengthen its duration, or raise its rates")
    medians = machine.medians(given.profile) if given.profile else {}
    table, counted = run(scenario, given.policy, given.models, cores, medians)
    facts = results.summary(table, counted)
    results.write(given.jobs, results.rows(table))
    results.write(given.jobs.with_suffix(".run.csv"), [facts])
    print(" ".join(f"{key}={value}" for key, value in facts.items()), file=sys.stderr)


if __name__ == "__main__":
    main()
