"""SCALE-Sim's topologies: which are read, why others are refused, and what the read ones cost.

Costs are compared with formulas that are worked out here from the cells of the tables, on arrays of 32 x 32 and 8 x 128,
for all three dataflows. Called by `.ci/topologies`.
"""

import collections
import csv
import pathlib
import re
import subprocess
import sys

# Files by repository, and reasons of refusal with the number of files of each.
FILES = {"scalesim-project/SCALE-Sim": 131, "ARM-software/SCALE-Sim": 100}
REFUSED = {
    "a row has fewer cells than the header": 10,
    "a row has more cells than the header": 4,
    "letters stand where numbers belong": 4,
    "sparse weights": 3,
    "tabs between the columns": 1,
}
ARRAYS = [(32, 32), (8, 128)]


def reason(message):
    """The kind of an error."""
    cells = re.search(r"has (\d+) cells and the header (\d+)", message)
    if cells:
        few = int(cells.group(1)) < int(cells.group(2))
        return f"a row has {'fewer' if few else 'more'} cells than the header"
    for part, kind in [
        ("is no whole number", "letters stand where numbers belong"),
        ("weights of sparsity", "sparse weights"),
        ("separated by '\\t'", "tabs between the columns"),
    ]:
        if part in message:
            return kind
    return message


def products(path):
    """M, N and K of every layer: outputs of a channel of all inputs, output channels, taps."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
    names = [re.sub(r"[^a-z]", "", name.lower()) for name in header]

    def column(*wanted):
        return next((at for at, name in enumerate(names) if name in wanted), None)

    height, width = column("ifmapheight", "ifmaph"), column("ifmapwidth", "ifmapw")
    if height is None and width is not None:
        height, width = width, width + 1
    filters = column("filterheight", "filterh"), column("filterwidth", "filterw")
    channels, outputs = column("channels", "channel"), column("numfilter", "numfilters")
    stride, batch = column("strides", "stride"), column("batchsize", "batch")
    strides = column("strideheight", "strideh"), column("stridewidth", "stridew")
    found = []
    for row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue

        def number(at, default=None):
            return int(cells[at]) if at is not None and at < len(cells) and cells[at] else default

        inputs = number(batch, 1)
        if height is None:
            found.append((inputs * number(column("m")), number(column("n")), number(column("k"))))
            continue
        steps = [number(at, number(stride, 1)) for at in strides]
        windows = [
            -(-(number(extent) - number(taps)) // step) + 1
            for extent, taps, step in zip((height, width), filters, steps)
        ]
        taps = number(filters[0]) * number(filters[1]) * number(channels)
        found.append((inputs * windows[0] * windows[1], number(outputs), taps))
    return found


def cost(m, n, k, dataflow, rows, columns):
    """Cycles and buffer accesses of a product on an array, whose folds do not overlap."""
    down, across, streamed = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}[dataflow]
    folds_down, folds_across = -(-down // rows), -(-across // columns)
    load = 0 if dataflow == "os" else rows
    cycles = folds_down * folds_across * (streamed + load + rows + columns - 2)
    reads = {
        "os": (folds_across * m * k, folds_down * k * n, m * n),
        "ws": (folds_across * k * m, k * n, folds_down * m * n),
        "is": (k * m, folds_across * k * n, folds_down * m * n),
    }
    return [folds_down * folds_across, cycles, *reads[dataflow]]


COLUMNS = ["folds", "total_cycles", "sram_ifmap_reads", "sram_filter_reads", "ofmap_writes_true"]


def main():
    work, binary = pathlib.Path(sys.argv[1]), sys.argv[2]
    read, layers, wrong, refused = 0, 0, [], collections.defaultdict(list)
    for repository, expected in FILES.items():
        paths = sorted((work / repository / "topologies").rglob("*.csv"))
        if len(paths) != expected:
            wrong.append(f"{repository}: {len(paths)} files, expected {expected}")
        for path in paths:
            name = path.relative_to(work)
            for rows, columns in ARRAYS:
                for dataflow in ["os", "ws", "is"]:
                    array = f'{{ model = "systolic", dataflow = "{dataflow}", rows = {rows}, cols = {columns} }}'
                    command = [binary, "cost", "--layers", str(path), "--accelerator", array, "--format", "csv"]
                    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
                    if outcome.returncode:
                        break
                    table = list(csv.DictReader(outcome.stdout.splitlines()))
                    found = [[int(row[column]) for column in COLUMNS] for row in table]
                    formula = [cost(*layer, dataflow, rows, columns) for layer in products(path)]
                    if found != formula:
                        wrong.append(f"{name}, {dataflow} on {rows} x {columns}: {found} is not {formula}")
                if outcome.returncode:
                    break
            if outcome.returncode:
                message = next(line for line in outcome.stderr.splitlines() if line.startswith("error"))
                refused[reason(message)].append(str(name))
            else:
                read += 1
                layers += len(table)
    print(f"{read} of {sum(FILES.values())} topologies are read, {layers} layers, 6 costs each")
    for why, names in sorted(refused.items()):
        print(f"{len(names):4} refused: {why}")
        print("".join(f"       {name}\n" for name in names), end="")
    counts = {why: len(names) for why, names in refused.items()}
    if counts != REFUSED:
        wrong.append(f"reasons of refusal are {counts}, expected {REFUSED}")
    print("".join(f"WRONG: {line[:500]}\n" for line in wrong), end="")
    sys.exit(bool(wrong))


main()
