#!/usr/bin/env python3
"""Measures models alone and in pairs on one NVIDIA GPU, for `rtmm interference`.

Needs Python 3.9 or newer, PyTorch with CUDA and torchvision. Every inference runs in a process of its own, as servers do;
two processes share the GPU as it is set up: by time slices, or side by side under NVIDIA MPS
(`nvidia-cuda-mps-control -d`), which `--shares` needs.

    python3 scripts/measure_interference.py --models resnet50 vgg19 --batches 1 8 --output measured
    python3 scripts/measure_interference.py --models resnet50 vgg19 --batches 8 --shares 50 100 --output measured
    rtmm interference score --fit measured/solo.csv measured/pairs.csv --on measured/pairs.csv --predictor pair-table

Writes `solo.csv` (model, batch, sm_pct, latency_ms) and `pairs.csv` (model_a, model_b, batch_a, batch_b, sm_pct_a, sm_pct_b,
lat_a_ms, lat_b_ms, std_a_ms, std_b_ms, solo_a_ms, solo_b_ms). A latency is the mean over `--runs` inferences, from the launch
of the first kernel to the end of the last, without transfers of inputs. In a pair each process repeats its model until both
have measured all their runs, so that the overlap is steady. Shares of a pair add up to at most 100.

Of the clock, power limit and temperature of the GPU nothing is set or checked: lock the clock (`nvidia-smi -lgc`) for
measurements that repeat.
"""

import argparse
import csv
import itertools
import multiprocessing
import os
import pathlib
import statistics
import sys
import time

WARM_UP = 10
# A member that cannot start or run in this time ends the measurement.
PATIENCE_S = 300


def member(model, batch, share, half, runs, barrier, finished, results):
    """One process: loads a model, waits for the other, and reports its latencies in milliseconds."""
    try:
        # Read when the process first touches the GPU; only a server of MPS obeys it.
        os.environ["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = f"{share:g}"
        import torch
        import torchvision

        network = torchvision.models.get_model(model, weights=None).eval().cuda()
        side = 299 if model.startswith("inception") else 224
        images = torch.rand(batch, 3, side, side, device="cuda")
        if half:
            network, images = network.half(), images.half()
        latencies = []
        with torch.inference_mode():
            for _ in range(WARM_UP):
                network(images)
            torch.cuda.synchronize()
            barrier.wait(PATIENCE_S)
            reported = False
            until = time.monotonic() + PATIENCE_S
            while finished.value < barrier.parties and time.monotonic() < until:
                start = time.perf_counter()
                network(images)
                torch.cuda.synchronize()
                if len(latencies) < runs:
                    latencies.append(1e3 * (time.perf_counter() - start))
                elif not reported:
                    # The other may still measure: go on beside it.
                    reported = True
                    with finished.get_lock():
                        finished.value += 1
        if len(latencies) < runs:
            raise RuntimeError(f"only {len(latencies)} of {runs} runs in {PATIENCE_S} s")
        results.put((None, statistics.fmean(latencies), statistics.stdev(latencies)))
    except Exception as error:  # The parent says which member failed, and why.
        barrier.abort()
        results.put((f"{model}, batch {batch}: {error}", None, None))


def measure(members, half, runs):
    """Latency and deviation of each member, in milliseconds, all running at the same time."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(members))
    finished = context.Value("i", 0)
    queues = [context.Queue() for _ in members]
    processes = [
        context.Process(target=member, args=(*one, half, runs, barrier, finished, queue))
        for one, queue in zip(members, queues)
    ]
    for process in processes:
        process.start()
    try:
        answers = [queue.get(timeout=3 * PATIENCE_S) for queue in queues]
    finally:
        for process in processes:
            process.join(timeout=10)
            if process.is_alive():
                process.terminate()
    problems = [problem for problem, _, _ in answers if problem]
    if problems:
        sys.exit("error: " + "; ".join(problems))
    return [(mean, deviation) for _, mean, deviation in answers]


def write(path, header, rows):
    """A CSV file, written as a whole."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def arguments():
    """The arguments, checked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", required=True, help="names of torchvision models")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--shares", nargs="+", type=float, default=[100], help="percent of the SMs, under MPS")
    parser.add_argument("--runs", type=int, default=100, help="measured inferences of each member")
    parser.add_argument("--half", action="store_true", help="half precision")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("measured"))
    given = parser.parse_args()
    if min(given.batches) < 1 or given.runs < 2 or not all(0 < share <= 100 for share in given.shares):
        parser.error("batches are at least 1, runs at least 2, and shares above 0 and at most 100")
    return given


def main():
    """Measures all models alone, then all pairs."""
    given = arguments()
    given.output.mkdir(parents=True, exist_ok=True)
    alone = list(itertools.product(given.models, given.batches, given.shares))
    solo = {}
    for one in alone:
        [(solo[one], _)] = measure([one], given.half, given.runs)
        print(f"{one[0]}, batch {one[1]}, {one[2]} %: {solo[one]:.3f} ms", file=sys.stderr)
    header = ["model", "batch", "sm_pct", "latency_ms"]
    write(given.output / "solo.csv", header, [[*one[:2], f"{one[2]:g}", f"{ms:.6f}"] for one, ms in solo.items()])
    # Without MPS both members have all SMs, one after the other.
    divided = max(given.shares) < 100 or len(given.shares) > 1
    rows = []
    for a, b in itertools.combinations_with_replacement(alone, 2):
        if divided and a[2] + b[2] > 100:
            continue
        (mean_a, deviation_a), (mean_b, deviation_b) = measure([a, b], given.half, given.runs)
        times = [mean_a, mean_b, deviation_a, deviation_b, solo[a], solo[b]]
        rows.append([a[0], b[0], a[1], b[1], f"{a[2]:g}", f"{b[2]:g}", *(f"{ms:.6f}" for ms in times)])
        print(f"{a[0]} beside {b[0]}: {mean_a:.3f} and {mean_b:.3f} ms", file=sys.stderr)
    header = ["model_a", "model_b", "batch_a", "batch_b", "sm_pct_a", "sm_pct_b"]
    header += ["lat_a_ms", "lat_b_ms", "std_a_ms", "std_b_ms", "solo_a_ms", "solo_b_ms"]
    write(given.output / "pairs.csv", header, rows)


if __name__ == "__main__":
    main()
