"""Files of a folder of measurements that rtmm takes: scenarios at a load, models, platforms; and what the machine is."""

import fractions
import os
import pathlib

import machine


def write_models(folder, models):
    """Models as rtmm has them, known by measurements alone, and where they are from."""
    (folder / "models").mkdir(exist_ok=True)
    lines = ["model,package,version,file,input"]
    for name, model in models.items():
        inputs = " and ".join("x".join(map(str, entry["shape"])) + f" {entry['type']}" for entry in model["inputs"])
        lines.append(f"{name},{model['package']},{model['version']},{model['file']},{inputs}")
        source = f"{model['file']} of {model['package']} {model['version']} (PyPI), measured as a whole"
        text = f'source = "{source}"\nmeasured_layers = ["whole"]\n'
        (folder / "models" / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "models.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def fix(folder, name, base, load, medians, cores, seconds, seed):
    """A scenario whose rates are multiplied so that it asks for a part of the cores, with arrivals fixed in traces.

    Arrivals of the scenario are stretched: those of the same seed at another load are the same but for their distances.
    Deadlines that are periods are stretched with them; deadlines that the scenario states stay.
    """
    spans = sum(len(task.arrivals) * medians[task.model] for task in base.tasks)
    factor = fractions.Fraction(load) * cores * base.duration / max(spans, 1)
    if factor * seconds * 1_000_000_000 > base.duration:
        remedy = f"multiply its rates by {float(factor):.0f}"
        machine.fail(f"{name} asks for so little that its rates would have to rise {float(factor):.0f} times", remedy)
    target = folder / "cases" / f"{name}_{load}"
    target.mkdir(parents=True, exist_ok=True)
    duration = seconds * 1_000_000_000
    text = [
        f'source = "validation/scenarios/{name}.toml at {load} of {cores} cores: rates times {float(factor):.6f}, seed {seed}"',
        f'duration = "{seconds}s"',
    ]
    for task in base.tasks:
        text += ["", "[[task]]", f'name = "{task.name}"', f'model = "../models/{task.model}.toml"']
        if task.needs:
            needed = ", ".join(f'"{base.tasks[need].name}"' for need in task.needs)
            text.append(f"depends_on = [{needed}]")
        if task.own_arrivals:
            instants = [int(at / factor) for at in task.arrivals]
            rows = [f"{at // 1_000_000_000}.{at % 1_000_000_000:09}" for at in instants if at < duration]
            (target / f"{task.name}.csv").write_text("arrival_s\n" + "\n".join(rows) + "\n", encoding="utf-8")
            text.append(f'arrivals = {{ process = "trace", file = "{target.name}/{task.name}.csv" }}')
        deadline = int(task.deadlines[0] / factor) if task.deadline_is_period else task.deadlines[0]
        text.append(f'deadline = "{deadline}ns"')
    (folder / "cases" / f"{name}_{load}.toml").write_text("\n".join(text) + "\n", encoding="utf-8")


def write_platform(folder, medians, factor, cores):
    """Cores that take the medians times a factor."""
    rows = [f"{model},whole,{median * factor / 1_000:.6f}" for model, median in medians.items()]
    (folder / "cores.csv").write_text("model,layer,latency_us\n" + "\n".join(rows) + "\n", encoding="utf-8")
    core = '[[accelerator]]\nname = "core{}"\nmodel = "table"\nfile = "cores.csv"\n'
    path = folder / "cores.toml"
    path.write_text('source = "measured"\n' + "".join(core.format(place) for place in range(cores)), encoding="utf-8")
    return path


def first_line(path, start):
    """What a file of the system says behind a word."""
    try:
        for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
            if line.startswith(start):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return "not known"


def processor():
    """The name of the processor and the number of its cores."""
    family, model = first_line("/proc/cpuinfo", "cpu family"), first_line("/proc/cpuinfo", "model\t")
    return f"{first_line('/proc/cpuinfo', 'model name')}, family {family} model {model}, {os.cpu_count()} cores"


def caches(core):
    """The caches of a core with their sizes, and who shares them."""
    found = []
    for index in sorted(pathlib.Path(f"/sys/devices/system/cpu/cpu{core}/cache").glob("index*")):
        try:
            level, kind, size, shared = (
                (index / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size", "shared_cpu_list")
            )
        except OSError:
            continue
        if kind != "Instruction":
            found.append(f"L{level} {size} of cores {shared}")
    return ", ".join(found) or "not known"


def memory():
    """The size of the memory."""
    kilobytes = first_line("/proc/meminfo", "MemTotal").split()[0]
    return f"{int(kilobytes) / 1e6:.0f} GB" if kilobytes.isdigit() else "not known"
