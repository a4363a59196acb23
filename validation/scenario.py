"""Scenario files as the dispatcher runs them: tasks with periods, Poisson or recorded arrivals, deadlines, and cascades.

Times are whole nanoseconds. What a scenario may say that the dispatcher cannot do is an error, with a remedy.
"""

import csv
import dataclasses
import decimal
import fractions
import pathlib
import random
import re
import sys
import tomllib

NANOSECONDS = {"ps": decimal.Decimal("0.001"), "ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
TASK_KEYS = {"name", "model", "rate_hz", "period", "offset", "arrivals", "deadline", "priority", "depends_on"}
# Keys of scenario files that ask for what whole models on equal cores do not have.
REMEDIES = {
    "run_on": "all cores are alike and run all models: leave `run_on` out",
    "avoid": "all cores are alike and run all models: leave `avoid` out",
    "variant": "a model is one network: name the network that is to run as the model",
    "variants": "a model is one network: name the network that is to run as the model",
    "model_parameters": "a model is one file with fixed inputs: leave `model_parameters` out",
    "trigger_probability": "every frame becomes a job: leave `trigger_probability` out",
    "jitter": "a job is seen when it arrives: leave `jitter` out",
    "phase": "a run has one phase: write a scenario for each",
    "mix": "tasks have arrivals of their own: record those of the mix with `rtmm requests`, and name them as traces",
}


@dataclasses.dataclass
class Task:
    """A task: its model, its frames, and the tasks whose jobs come first."""

    name: str
    model: str
    arrivals: list
    deadlines: list
    needs: list
    own_arrivals: bool
    deadline_is_period: bool


@dataclasses.dataclass
class Scenario:
    """Tasks in the order of the file, over a duration."""

    tasks: list
    duration: int


def fail(path, line, message, remedy):
    """Ends with an error that says where, what, and a way out."""
    place = f"{path}:{line}" if line else str(path)
    sys.exit(f"error: {place}: {message}\n  = help: {remedy}")


class Reader:
    """The file that is read, for messages."""

    def __init__(self, path, text):
        self.path, self.lines = path, text.splitlines()

    def line(self, key, task=None):
        """The line of a key: of the task at a position, or before all tasks."""
        place = -1
        for number, line in enumerate(self.lines, 1):
            if line.strip().startswith("[["):
                place += line.strip() == "[[task]]"
            mine = place == (-1 if task is None else task)
            if mine and re.match(rf"\s*(\[\[)?\s*{re.escape(key)}\b", line):
                return number
        return None

    def fail(self, key, task, message, remedy):
        """Ends with an error at a key."""
        fail(self.path, self.line(key, task), message, remedy)

    def span(self, key, task, value, least=0):
        """A duration such as "16ms"."""
        match = re.fullmatch(r"([0-9][0-9_]*(?:\.[0-9]+)?)\s*(ps|ns|us|ms|s)", value) if isinstance(value, str) else None
        span = int(decimal.Decimal(match[1].replace("_", "")) * NANOSECONDS[match[2]]) if match else -1
        if span < least:
            self.fail(key, task, f"`{key} = {value!r}` is no duration above zero", 'write a number and a unit, such as "16ms"')
        return span

    def rate(self, key, task, value):
        """A rate in hertz, exactly."""
        if isinstance(value, bool) or not isinstance(value, (int, decimal.Decimal)) or not 0 < value <= 1_000_000:
            self.fail(key, task, f"`{key} = {value}` is no rate", "write hertz, above 0 and at most 1000000")
        return fractions.Fraction(value)


def read(path, seed, duration=None):
    """Reads a scenario; Poisson arrivals are drawn under the seed. It may last longer than it says, in nanoseconds."""
    path = pathlib.Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        root = tomllib.loads(text, parse_float=decimal.Decimal)
    except OSError as error:
        fail(path, None, f"cannot be read: {error.strerror}", "check the path")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fail(path, None, str(error), "correct it: `rtmm check` says more of scenario files")
    reader = Reader(path, text)
    for key in root:
        if key not in {"source", "description", "duration", "task"}:
            remedy = REMEDIES.get(key, "leave it out: `rtmm check` says what scenario files may have")
            reader.fail(key, None, f"the dispatcher has no `{key}`", remedy)
    if not isinstance(root.get("task"), list) or not root["task"]:
        fail(path, None, "a scenario has tasks", "write [[task]] with name, model and rate_hz")
    stated = reader.span("duration", None, root.get("duration", ""), least=1)
    duration = stated if duration is None else duration
    tasks, periods = [], []
    for index, table in enumerate(root["task"]):
        task, period = read_task(reader, index, table, tasks, periods, duration, seed)
        tasks.append(task)
        periods.append(period)
    return Scenario(tasks, duration)


def read_task(reader, index, table, before, periods, duration, seed):
    """A task with its frames; its period, or that of the task that it follows."""
    for key in table:
        if key not in TASK_KEYS:
            remedy = REMEDIES.get(key, "leave it out: `rtmm check` says what tasks may have")
            reader.fail(key, index, f"the dispatcher has no `{key}` of tasks", remedy)
    name, model = table.get("name"), table.get("model")
    if not isinstance(name, str) or not isinstance(model, str):
        reader.fail("name", index, f"task {index + 1} lacks a name or a model", "write both, as texts")
    if any(task.name == name for task in before):
        reader.fail("name", index, f"two tasks are named `{name}`", "give each a name of its own")
    needs = [need(reader, index, item, before) for item in table.get("depends_on", [])]
    stated = [key for key in ("rate_hz", "period", "arrivals") if key in table]
    if len(stated) > 1 or (not stated and not needs):
        reader.fail("name", index, f"task `{name}` has {len(stated)} of `rate_hz`, `period` and `arrivals`", "write one of them")
    deadlines, period = [], None
    if not stated:
        arrivals, period = before[needs[0]].arrivals, periods[needs[0]]
    elif stated == ["arrivals"]:
        arrivals, deadlines = read_arrivals(reader, index, table["arrivals"], name, duration, seed)
    else:
        key = stated[0]
        if key == "rate_hz":
            period = 1_000_000_000 / reader.rate(key, index, table[key])
        else:
            period = fractions.Fraction(reader.span(key, index, table[key], least=1))
        offset = reader.span("offset", index, table["offset"]) if "offset" in table else 0
        count = max(0, int((duration - offset) / period) + 1)
        arrivals = [offset + int(frame * period) for frame in range(count)]
        arrivals = [at for at in arrivals if at < duration]
    if isinstance(table.get("deadline"), dict):
        reader.fail("deadline", index, "a deadline in isolated latencies is not known here", 'write a duration, such as "16ms"')
    if "deadline" in table:
        default = reader.span("deadline", index, table["deadline"], least=1)
    elif period is not None or (deadlines and all(deadlines)):
        default = int(period or 0)
    else:
        reader.fail("name", index, f"task `{name}` has no period and no deadline", 'write deadline = "16ms"')
    deadlines = deadlines or [None] * len(arrivals)
    deadlines = [own or default for own in deadlines]
    is_period = "deadline" not in table and period is not None
    return Task(name, pathlib.PurePath(model).stem, arrivals, deadlines, needs, bool(stated), is_period), period


def need(reader, index, item, before):
    """The task that another one needs; only data, and only of tasks above it."""
    is_table = isinstance(item, dict)
    name, kind = (item.get("task"), item.get("kind", "data")) if is_table else (item, "data")
    if kind != "data" or (is_table and not set(item) <= {"task", "kind"}):
        remedy = 'leave `probability` out, and write kind = "data"'
        reader.fail("depends_on", index, "a job here follows every job that it needs", remedy)
    for place, task in enumerate(before):
        if task.name == name:
            return place
    reader.fail("depends_on", index, f"there is no task `{name}` above this one", "name a task that stands above it")


def read_arrivals(reader, index, table, name, duration, seed):
    """Arrivals without a period, with deadlines of their own where a trace has them."""
    process = table.get("process") if isinstance(table, dict) else None
    if process == "poisson":
        mean = float(1_000_000_000 / reader.rate("arrivals", index, table.get("rate_hz")))
        draw, at, arrivals = random.Random(f"{seed} {name}"), 0.0, []
        while (at := at + draw.expovariate(1 / mean)) < duration:
            arrivals.append(int(at))
        return arrivals, []
    if process == "trace" and isinstance(table.get("file"), str):
        return read_trace(reader.path.parent / table["file"], duration)
    message = f"the dispatcher has no arrivals of process `{process}`"
    reader.fail("arrivals", index, message, "write poisson with rate_hz, or trace with a file")


def read_trace(path, duration):
    """Recorded arrivals of a task: `arrival_s`, and `relative_deadline_s` if it is there."""
    scale = decimal.Decimal(1_000_000_000)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        fail(path, None, f"cannot be read: {error.strerror}", "check the path, which is relative to the scenario")
    arrivals, deadlines = [], []
    for line, row in enumerate(rows, 2):
        try:
            at = int(decimal.Decimal(row["arrival_s"]) * scale)
            own = int(decimal.Decimal(row.get("relative_deadline_s") or 0) * scale)
        except (KeyError, TypeError, decimal.InvalidOperation, ValueError, OverflowError):
            fail(path, line, "this row has no arrival in seconds", "write arrival_s, and seconds such as 0.0125 below it")
        if at < (arrivals[-1] if arrivals else 0):
            fail(path, line, "this request arrives before the one above it, or before the start", "sort the rows by arrival_s")
        if at < duration:
            arrivals.append(at)
            deadlines.append(own or None)
    return arrivals, deadlines
