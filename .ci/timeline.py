"""Runs `rtmm` with timelines, asks Perfetto's trace processor for sums, and compares them with the run's own."""

import json
import pathlib
import subprocess
import sys

WORK, RTMM = pathlib.Path(sys.argv[1]), sys.argv[2]

# A clock whose cycle is no whole number of nanoseconds, so that nothing ends at one.
PICOSECONDS = """source = "clocks of 703 MHz, so that no layer ends at a whole nanosecond"
clock_mhz = 703
[context_switch]
time = "1234567ps"
[[accelerator]]
name = "left"
model = "maestro"
dataflow = "WS"
pes = 2048
noc_bandwidth = 256
[[accelerator]]
name = "right"
model = "maestro"
dataflow = "OS"
pes = 2048
noc_bandwidth = 256
"""

# Label, arguments, and the least number of segments.
RUNS = [
    ("gapless, ends in picoseconds", ["xrbench/vr_gaming", "PICOSECONDS", "edf"], 10_000),
    ("dropped jobs", ["dream/ar_social", "dream/dual_4k_littlebig_ws_os", "fcfs", "--set", "drop=infeasible"], 100),
    ("late jobs, jobs in flight", ["dream/ar_social", "dream/dual_4k_littlebig_ws_os", "fcfs"], 100),
    ("shared memory", ["examples/hub", "shared/octa_8k", "least-slack"], 10_000),
    ("groups of units, throttles", ["moca/set_c", "moca/soc_8_tiles_throttled", "moca", "--duration", "300ms"], 100),
    ("units that change", ["dream/ar_call", "planaria/16x32x32", "planaria", "--duration", "500ms"], 10),
]

# Slices of units, with the name of their accelerator: units are tracks below it in one form, threads of it in the other.
OF_UNITS = {
    ".pftrace": """(select s.*, p.name as accelerator from slice s join track t on s.track_id = t.id
        join track p on t.parent_id = p.id)""",
    ".json": """(select s.*, process.name as accelerator from slice s join thread_track t on s.track_id = t.id
        join thread using (utid) join process using (upid))""",
}
# Marks of jobs, with the name of their task.
OF_TASKS = {
    ".pftrace": "(select s.*, t.name as task from slice s join track t on s.track_id = t.id)",
    ".json": """(select s.*, thread.name as task from slice s join thread_track t on s.track_id = t.id
        join thread using (utid))""",
}
QUERIES = [
    "select count(*) from stats where severity != 'info' and value > 0",
    "select count(*) from slice where dur < 0",
    # Parts are below a slice, and whole ones are not. Marks of one instant may be below each other.
    "select count(*) from slice where category != 'job' and (depth = 0) != (category in ('segment', 'hold'))",
    "select accelerator, sum(category = 'segment'), sum(dur), count(*) from {of_units} "
    "where category in ('segment', 'hold') group by 1",
    "select accelerator, sum(int_value) from {of_units} join args using (arg_set_id) "
    "where category in ('segment', 'hold') and flat_key like '%length_ps' group by 1",
    "select task, name, count(*) from {of_tasks} where category = 'job' group by 1, 2",
    "select count(*) from flow",
    "select count(*) from slice where category in ('segment', 'hold', 'layer', 'part of layer', 'context switch', 'migration')",
]


def run(arguments, timeline):
    scenario, platform, policy, *rest = arguments
    platform = str(WORK / "picoseconds.toml") if platform == "PICOSECONDS" else platform
    command = [RTMM, "run", "--scenario", scenario, "--platform", platform, "--policy", policy, *rest]
    command += ["--timeline", str(timeline), "--format", "json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def queried(timeline):
    queries = [query.format(of_units=OF_UNITS[timeline.suffix], of_tasks=OF_TASKS[timeline.suffix]) for query in QUERIES]
    command = ["node", ".ci/perfetto.cjs", str(WORK / "ui"), str(timeline), *queries]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def check(label, arguments, least, suffix):
    timeline = WORK / f"run{suffix}"
    summary = run(arguments, timeline)
    errors, endless, misnested, by_unit, exact, marks, flows, slices = queried(timeline)
    assert [errors, endless] == [[[0]], [[0]]], (errors, endless)
    # Instants stand in for slices of no length in the JSON form, and lie within any slice.
    assert suffix == ".json" or misnested == [[0]], misnested
    found = {name: (segments, busy, held) for name, segments, busy, held in by_unit}
    exact = dict(exact)
    segments = 0
    for accelerator in summary["accelerators"]:
        name = accelerator["accelerator"]
        here, busy, held = found.get(name, (0, 0, 0))
        assert here == accelerator["segments"], (name, here, accelerator["segments"])
        # The run's busy time is the mean over units.
        units = max(1, round(exact.get(name, 0) / (accelerator["busy_ms"] * 1e9))) if accelerator["busy_ms"] else 1
        assert exact.get(name, 0) // units == round(accelerator["busy_ms"] * 1e9), (name, exact.get(name), accelerator)
        # Both ends are rounded: at most half a nanosecond each, and none that adds up where slices touch.
        assert abs(busy * 1000 - exact.get(name, 0)) <= held * 1000, (name, busy, exact.get(name))
        segments += here
    assert segments >= least, segments
    marks = {(task, name): count for task, name, count in marks}
    for task in summary["tasks"]:
        expected = {
            "released": task["released"],
            "completed": task["completed"],
            "deadline missed": task["late"] + task["overdue"],
            "dropped": task["dropped"] - task["dropped_upstream"],
            "dropped upstream": task["dropped_upstream"],
            "in flight": task["in_flight"],
        }
        told = {name: marks.get((task["task"], name), 0) for name in expected}
        assert told == expected, (task["task"], told, expected)
    jobs = {key: sum(task[key] for task in summary["tasks"]) for key in ("released", "late", "overdue", "dropped")}
    assert flows == [[jobs["released"] + segments]], (flows, jobs, segments)
    missed = jobs["late"] + jobs["overdue"]
    print(f"{label}, {suffix}: {slices[0][0]} slices, none dropped; {segments} segments, {missed} missed and "
          f"{jobs['dropped']} dropped of {jobs['released']} jobs, busy times: as the run says", flush=True)


def main():
    (WORK / "picoseconds.toml").write_text(PICOSECONDS)
    for label, arguments, least in RUNS:
        for suffix in OF_UNITS:
            check(label, arguments, least, suffix)


main()
