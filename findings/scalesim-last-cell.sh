#!/usr/bin/env bash
# scalesim 3.0.0 (SCALE-Sim v3), topologies of convolutions in CSV.
#
# The last cell of each row is dropped, whatever it holds: rows are meant to end with a comma. A row without one loses its
# sparsity and runs dense, and nothing is said; and what `write_topo_file` writes of a topology, with one column a stride,
# cannot be read again, since the reader takes the second stride for a sparsity.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --no-deps scalesim==3.0.0
head='Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Sparsity,'
printf '%s\nconv, 56, 56, 3, 3, 64, 64, 1, 2:4,\n' "$head" > comma.csv
printf '%s\nconv, 56, 56, 3, 3, 64, 64, 1, 2:4\n' "$head" > plain.csv
printf '%s\nconv, 56, 56, 3, 3, 64, 64, 1,\n' "$head" > dense.csv
env/bin/python - <<'RUN' | tee seen
import pathlib, runpy, sysconfig

module = pathlib.Path(sysconfig.get_paths()["purelib"]) / "scalesim" / "topology_utils.py"
topologies = runpy.run_path(str(module))["topologies"]

def load(file):
    topology = topologies()
    topology.load_arrays(file)
    return topology

for file in ("comma.csv", "plain.csv"):
    print(file, "sparsity", load(file).get_layer_sparsity_ratio(0))
load("dense.csv").write_topo_file(".", "written.csv")
try:
    load("written.csv")
    print("written.csv is read")
except IndexError as error:
    print("written.csv IndexError:", error)
RUN
diff seen - <<'SEEN'
comma.csv sparsity [2, 4]
plain.csv sparsity [1, 1]
written.csv IndexError: list index out of range
SEEN
