"""What came of a run of the dispatcher: a row a job, what else used the cores, figures of tasks."""

import csv
import statistics

# The rule of disturbed runs: parts of the wall clock that others may take of a core, that a hypervisor may, and that jobs may
# spend off their core.
ALIEN, STEAL, OFF_CPU = 0.015, 0.01, 0.01


def rows(table):
    """A row a job, in the order in which jobs end, in the columns of `rtmm run --jobs`."""
    last, rows, milliseconds = {}, [], lambda nanoseconds: f"{nanoseconds / 1e6:.6f}"
    switched = {}
    for job in sorted(range(len(table.releases)), key=lambda job: table.start[job]):
        if table.completed(job):
            core = table.core[job]
            switched[job] = int(last.get(core, table.model[job]) != table.model[job])
            last[core] = table.model[job]
    for job in sorted(range(len(table.releases)), key=lambda job: (table.end[job], job)):
        ran = table.completed(job)
        release = milliseconds(table.releases[job])
        rows.append({
            "task": table.tasks[table.place[job]].name,
            "frame": table.frame[job],
            "status": table.state(job),
            "model": table.model[job],
            "arrival_ms": release,
            "release_ms": release,
            "deadline_ms": milliseconds(table.deadlines[job]),
            "start_ms": milliseconds(table.start[job]) if ran else "",
            "end_ms": milliseconds(table.end[job]),
            "accelerator": f"core{table.core[job]}" if ran else "",
            "segments": int(ran),
            "context_switches": switched.get(job, 0),
            "energy_pj": "",
            "batch": 1 if ran else "",
            "moves": 0,
            "move_ms": "0.0",
            "energy_move_pj": "",
        })
    return rows


def overheads(table):
    """Times from the release of a job, or from the end of the last one on its core, to its start."""
    free, found = {}, []
    for job in sorted((job for job in range(len(table.releases)) if table.completed(job)), key=table.start.__getitem__):
        core = table.core[job]
        if not table.tasks[table.place[job]].needs:
            found.append(table.start[job] - max(table.releases[job], free.get(core, 0)))
        free[core] = table.end[job]
    return found


def summary(table, counted):
    """What else used the cores, and whether that disturbed the run."""
    ran = [job for job in range(len(table.releases)) if table.completed(job)]
    wall = sum(table.end[job] - table.start[job] for job in ran)
    off = 1 - sum(table.cpu[job] for job in ran) / wall if wall else 0.0
    facts = {f"alien_core{place}_s": f"{alien:.3f}" for place, (alien, _, _, _) in enumerate(counted)}
    disturbed = off > OFF_CPU
    for alien, stolen, _, seconds in counted:
        disturbed |= alien > ALIEN * seconds or stolen > STEAL * seconds
    facts["steal_s"] = f"{sum(stolen for _, stolen, _, _ in counted):.3f}"
    facts["involuntary_switches"] = f"{sum(switches for _, _, switches, _ in counted):.0f}"
    facts["off_cpu"] = f"{off:.5f}"
    starts = overheads(table)
    facts["overhead_p50_us"] = f"{statistics.median(starts) / 1e3:.1f}" if starts else ""
    facts["common_mode"] = f"{common_mode(table, ran):.4f}"
    return {"disturbed": int(disturbed), **facts}


def common_mode(table, ran):
    """Execution times of all models over those of their profile: geometric mean of ratios of medians; 1 without a profile."""
    times = {}
    for job in ran:
        if table.expected[job]:
            times.setdefault(table.model[job], []).append((table.end[job] - table.start[job]) / table.expected[job])
    return statistics.geometric_mean([statistics.median(ratios) for ratios in times.values()]) if times else 1.0


def write(path, rows):
    """A table, written as a whole."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def figures(rows, order):
    """Figures of tasks, then of all jobs: how many, the part that was late or dropped, percentiles of completed ones."""
    found = []
    for name in [*order, "all"]:
        jobs = [row for row in rows if name in (row["task"], "all")]
        done = [row for row in jobs if row["status"] == "completed"]
        late = sum(float(row["end_ms"]) > float(row["deadline_ms"]) for row in done) + len(jobs) - len(done)
        responses = sorted(float(row["end_ms"]) - float(row["arrival_ms"]) for row in done)
        ranks = [responses[-(-percent * len(responses) // 100) - 1] if responses else None for percent in (50, 95, 99)]
        rate = f"{late / len(jobs):.6f}" if jobs else "0"
        found.append([name, len(jobs), rate, *("" if rank is None else f"{rank:.4f}" for rank in ranks)])
    return found
