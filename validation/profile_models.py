#!/usr/bin/env python3
"""Measures execution times of models on pinned cores: in a loop of their own, interleaved with each other, and in pairs.

A loop of one model is no profile: what it needs is still in the caches. Interleaved, each round runs all models once in random
order, as a dispatcher has them; that is 3 to 30 % slower and what a simulation needs.

    python3 validation/profile_models.py --models models --output measured

Adds to samples.csv (condition, repeat, core, model, previous, wall_us, cpu_us) every interleaved run, with the other core idle
(alone) and while it does likewise (both); to tight.csv the quantiles of loops; to pairs.csv medians beside another model, and
their ratio to those alone. `rtmm import` takes both of the models' own tables:

    rtmm import samples.csv --kind csv --columns name=model,time_us=wall_us,run=repeat
    rtmm import models/yolo.onnx measured/layers/yolo.json --device my_cpu -o mine

The second needs `--layers`, which profiles the layers of each model by ONNX Runtime, interleaved likewise.
"""

import argparse
import csv
import multiprocessing
import pathlib
import random
import statistics
import sys
import time

import machine

SAMPLES = ["condition", "repeat", "core", "model", "previous", "wall_us", "cpu_us"]
TIGHT = ["model", "core", "repeat", "runs", "min_ms", "p50_ms", "p90_ms", "p99_ms", "max_ms"]
PAIRS = ["model", "other", "core", "runs", "p50_ms", "slowdown"]
# A loop of a pair, and each loop alone beside it.
PAIR_S, ALONE_S = 1.0, 0.5


def timed(call):
    """Wall and processor time of one run, in nanoseconds."""
    used, began = time.thread_time_ns(), time.monotonic_ns()
    call()
    return time.monotonic_ns() - began, time.thread_time_ns() - used


def interleaved(calls, rounds, draw):
    """Runs of all models in random order: model, the one before it, and times."""
    found, previous = [], ""
    for _ in range(rounds):
        for name in draw.sample(list(calls), len(calls)):
            found.append((name, previous, *timed(calls[name])))
            previous = name
    return found


def tight(call, runs):
    """Times of a loop of one model."""
    return [timed(call)[0] for _ in range(runs)]


def loop(call, seconds):
    """Times of a loop that lasts so long."""
    until, found = time.monotonic_ns() + int(seconds * 1e9), []
    while time.monotonic_ns() < until or not found:
        found.append(timed(call)[0])
    return found


def worker(core, folder, models, orders, answers, load):
    """A pinned process that has all models loaded and does what it is told."""
    try:
        machine.pin(core)
        calls = {name: load(folder, model) for name, model in models.items()}
        machine.warm(calls.values())
        answers.send(None)
        while (order := orders.recv()) is not None:
            what, given = order
            if what == "interleaved":
                answers.send(interleaved(calls, *given))
            elif what == "tight":
                answers.send(tight(calls[given[0]], given[1]))
            else:
                answers.send(loop(calls[given[0]], given[1]))
    except SystemExit as error:
        answers.send(str(error))
    except Exception as error:  # The parent says which worker failed, and why.
        answers.send(f"error: the worker on core {core}: {error!r}\n  = help: try fewer models, with --only")


class Bench:
    """A worker a core."""

    def __init__(self, folder, models, cores, load=machine.load):
        context = multiprocessing.get_context("fork")
        self.ends, self.cores = [], cores
        for core in cores:
            (order, orders), (answers, answer) = context.Pipe(), context.Pipe()
            arguments = (core, folder, models, orders, answer, load)
            context.Process(target=worker, args=arguments, daemon=True).start()
            self.ends.append((order, answers))
        for place in range(len(cores)):
            self.hear(place)

    def tell(self, place, what, *given):
        """Gives a worker an order."""
        self.ends[place][0].send((what, given))

    def hear(self, place):
        """The answer of a worker."""
        answer = self.ends[place][1].recv()
        if isinstance(answer, str):
            sys.exit(answer)
        return answer

    def ask(self, place, what, *given):
        """An order to one worker, while the others wait."""
        self.tell(place, what, *given)
        return self.hear(place)

    def close(self):
        """Ends the workers."""
        for order, _ in self.ends:
            order.send(None)


def append(path, header, rows):
    """Adds rows to a table, which has its header from the first of them on."""
    is_new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(header)
        writer.writerows(rows)


def quantiles(times):
    """Least, 50th, 90th and 99th of a hundred by nearest rank, and largest, in milliseconds."""
    ordered = sorted(times)
    ranks = [ordered[max(0, -(-percent * len(ordered) // 100) - 1)] for percent in (0, 50, 90, 99, 100)]
    return [f"{rank / 1e6:.4f}" for rank in ranks]


def profile(bench, models, output, repeat, rounds):
    """One repeat of the profile: loops, interleaved runs on each core in turn, and on all together."""
    samples, loops, draw = [], [], random.Random(f"profile {repeat}")

    def add(condition, place, found):
        samples.extend(
            [condition, repeat, place, name, previous, f"{wall / 1e3:.1f}", f"{cpu / 1e3:.1f}"]
            for name, previous, wall, cpu in found
        )

    for place in range(len(bench.cores)):
        for name in models:
            times = bench.ask(place, "tight", name, rounds)
            loops.append([name, place, repeat, len(times), *quantiles(times)])
        add("alone", place, bench.ask(place, "interleaved", rounds, draw))
    for place in range(len(bench.cores)):
        bench.tell(place, "interleaved", rounds, random.Random(f"both {repeat} {place}"))
    for place in range(len(bench.cores)):
        add("both", place, bench.hear(place))
    # All of a repeat or nothing: what is there counts as done.
    append(output / "tight.csv", TIGHT, loops)
    append(output / "samples.csv", SAMPLES, samples)


def pairs(bench, models, output):
    """Every pair of models, itself with each other one and with itself: beside each other, and alone just before or after."""
    rows, names = [], list(models)
    for index, one in enumerate(names):
        for other in names[index:]:
            alone_one = bench.ask(0, "loop", one, ALONE_S)
            bench.tell(0, "loop", one, PAIR_S)
            bench.tell(1, "loop", other, PAIR_S)
            beside_one, beside_other = bench.hear(0), bench.hear(1)
            alone_other = bench.ask(1, "loop", other, ALONE_S)
            for place, victim, beside, times, alone in (
                (0, one, other, beside_one, alone_one),
                (1, other, one, beside_other, alone_other),
            ):
                median = statistics.median(times)
                slowdown = median / statistics.median(alone)
                rows.append([victim, beside, place, len(times), f"{median / 1e6:.4f}", f"{slowdown:.4f}"])
    append(output / "pairs.csv", PAIRS, rows)


def layers(folder, models, core, output, rounds):
    """Profiles of the layers of all models by ONNX Runtime, whose runs are interleaved."""
    target = output / "layers"
    target.mkdir(parents=True, exist_ok=True)
    machine.pin(core)
    calls = {name: machine.load(folder, model, target / name) for name, model in models.items()}
    interleaved(calls, rounds, random.Random("layers"))
    for name, call in calls.items():
        pathlib.Path(call.session.end_profiling()).replace(target / f"{name}.json")


def main():
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", required=True, type=pathlib.Path, help="folder of fetch_models.py")
    parser.add_argument("--only", nargs="+", help="names of models [default: all]")
    parser.add_argument("--cores", default="0,1", help="two cores [default: 0,1]")
    parser.add_argument("--rounds", type=int, default=60, help="runs of each model a core and repeat [default: 60]")
    parser.add_argument("--repeats", type=int, default=3, help="repeats [default: 3]")
    parser.add_argument("--layers", action="store_true", help="also profile layers, for `rtmm import`")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder that tables go to")
    given = parser.parse_args()
    if given.rounds < 1 or given.repeats < 1:
        machine.fail("a profile of no runs has no median", "set --rounds and --repeats to 1 or more")
    cores = machine.cores(given.cores)
    if len(cores) != 2:
        machine.fail("pairs need two cores", "name two with --cores, such as 0,1")
    models = machine.wanted(given.models, given.only or machine.models(given.models))
    if any((given.output / name).exists() for name in ("samples.csv", "tight.csv", "pairs.csv")):
        machine.fail(f"{given.output} has a profile", "name another folder, or remove its tables")
    given.output.mkdir(parents=True, exist_ok=True)
    bench = Bench(given.models, models, cores)
    for repeat in range(given.repeats):
        profile(bench, models, given.output, repeat, given.rounds)
        print(f"repeat {repeat + 1} of {given.repeats}", file=sys.stderr)
    pairs(bench, models, given.output)
    bench.close()
    if given.layers:
        layers(given.models, models, cores[0], given.output, given.rounds)


if __name__ == "__main__":
    main()
