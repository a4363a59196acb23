"""The machine as the dispatcher and the profiler use it: pinned cores, models in ONNX Runtime, and who else used the cores."""

import csv
import ctypes
import gc
import os
import pathlib
import resource
import statistics
import sys
import time
import tomllib

WARM_UP = 30
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PR_SET_TIMERSLACK = 29


def fail(message, remedy):
    """Ends with an error."""
    sys.exit(f"error: {message}\n  = help: {remedy}")


def cores(text):
    """The cores that a list such as 0,1 names, each of which the process may use."""
    try:
        named = [int(core) for core in text.split(",")]
    except ValueError:
        fail(f"`{text}` is no list of cores", "write their numbers with commas between, such as 0,1")
    allowed = sorted(os.sched_getaffinity(0))
    for core in named:
        if core not in allowed:
            known = ", ".join(map(str, allowed))
            fail(f"there is no core {core} that this process may run on: it has {known}", "name some of these with --cores")
    if len(set(named)) != len(named):
        fail(f"`{text}` names a core twice", "give every worker a core of its own")
    return named


def models(folder):
    """What the models of a folder are, by name."""
    path = pathlib.Path(folder) / "models.toml"
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        fail(f"there are no models in `{folder}`: {error}", f"fetch them: python3 validation/fetch_models.py {folder}")
    return {model["name"]: model for model in listed}


def wanted(folder, names):
    """The models of these names, each of which the folder must have."""
    known = models(folder)
    for name in names:
        if name not in known or not (pathlib.Path(folder) / f"{name}.onnx").exists():
            have = ", ".join(known)
            remedy = f"fetch them: python3 validation/fetch_models.py {folder}; a model of your own needs NAME.onnx and an entry"
            fail(f"there is no model `{name}` in `{folder}`, whose models.toml has {have}", remedy)
    return {name: known[name] for name in names}


def load(folder, model, profiling=None):
    """A model that is ready to run once for each call: one thread, and inputs that do not change."""
    try:
        import numpy
        import onnxruntime
    except ImportError as error:
        fail(f"{error.name} is missing", "install it: pip install onnxruntime==1.32.0 numpy==2.4.6")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if profiling is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(profiling)
    path = pathlib.Path(folder) / f"{model['name']}.onnx"
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The runtime has many, none of which it documents.
        fail(f"{path} cannot be loaded: {error}", "fetch it again, or correct models.toml beside it")
    draw, feed = numpy.random.default_rng(1), {}
    for entry in model["inputs"]:
        kind = numpy.dtype(entry["type"])
        if "value" in entry:
            feed[entry["name"]] = numpy.full(entry["shape"], entry["value"], kind)
        else:
            feed[entry["name"]] = draw.random(entry["shape"]).astype(kind)
    run = session.run
    call = lambda: run(None, feed)  # noqa: E731
    call.session = session
    return call


def pin(core):
    """Makes the process one that runs on a core and wakes in time: no timer slack, no collector."""
    os.sched_setaffinity(0, {core})
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    gc.disable()


def warm(calls):
    """Runs every model until its buffers and caches are as they will be."""
    for call in calls:
        for _ in range(WARM_UP):
            call()
    gc.collect()


class Watch:
    """What a core did, and what of it was this process, which is pinned to it."""

    def __init__(self, core):
        self.core = core
        self.before = self.counters()

    def counters(self):
        """Busy and stolen seconds of the core, seconds of the process, its involuntary switches, and the clock."""
        busy = stolen = 0.0
        with open("/proc/stat", encoding="ascii") as file:
            for line in file:
                if line.startswith(f"cpu{self.core} "):
                    user, nice, system, _, _, irq, soft, steal = map(int, line.split()[1:9])
                    busy, stolen = TICK_S * (user + nice + system + irq + soft), TICK_S * steal
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return [busy, stolen, usage.ru_utime + usage.ru_stime, float(usage.ru_nivcsw), time.monotonic()]

    def since(self):
        """Seconds of others on the core (alien), stolen seconds, involuntary switches, and seconds of the clock."""
        busy, stolen, own, switches, wall = (now - then for now, then in zip(self.counters(), self.before))
        return busy - own, stolen, switches, wall


def medians(path, condition="alone"):
    """Median execution times of models in nanoseconds, from the samples of the profiler."""
    samples = {}
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["condition"] == condition:
                    samples.setdefault(row["model"], []).append(float(row["wall_us"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        fail(f"{path} is no table of samples: {error}", "measure one: python3 validation/profile_models.py --help")
    return {model: int(1_000 * statistics.median(times)) for model, times in samples.items()}
