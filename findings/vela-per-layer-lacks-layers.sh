#!/usr/bin/env bash
# ethos-u-vela 5.2.0 (Arm's compiler for Ethos-U), table of layers (`--verbose-performance`).
#
# Of a network that keeps state in variables, as streaming keyword spotting does, the table has the layers of one of its
# graphs alone: 6 rows of 48 operators, and 9,462 of the 54,392 cycles of the summary of the same run. `Network% (cycles)`
# is of the whole, so that the column sums to 17. A sum over the table is a sixth of the time, and no message says so.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet ethos-u-vela==5.2.0 pymicro-wakeword==2.5.0
network=$(env/bin/python -c "import sysconfig; print(sysconfig.get_paths()['purelib'])")/pymicro_wakeword/models/okay_nabu.tflite
env/bin/vela "$network" --accelerator-config ethos-u85-256 --verbose-performance --output-dir out > log
env/bin/python - <<'RUN' | tee seen
import csv, glob

(layers,), (summary,) = glob.glob("out/*_per-layer.csv"), glob.glob("out/*_summary_*.csv")
rows = list(csv.DictReader(open(layers)))
(run,) = csv.DictReader(open(summary))
operators = sum(int(line.split("=")[1].split()[0]) for line in open("log") if " operators = " in line)
print("operators", operators, "rows", len(rows))
cycles = sum(float(row["Op Cycles"]) for row in rows)
print("cycles of the rows", int(cycles), "of the summary", round(float(run["inference_time"]) * float(run["core_clock"])))
print("percent", round(sum(float(row["Network% (cycles)"]) for row in rows), 1))
RUN
diff seen - <<'SEEN'
operators 48 rows 6
cycles of the rows 9462 of the summary 54392
percent 17.4
SEEN
