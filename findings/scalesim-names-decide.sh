#!/usr/bin/env bash
# scalesim 3.0.0 (SCALE-Sim v3), topologies of convolutions in CSV.
#
# The name of a layer decides what it computes: one with the letters `DP` anywhere in it is depth-wise, and becomes as many
# layers as it has channels, each of one channel and all filters. So `DPN_conv` of a dual path network, a plain convolution,
# turns into 64 layers: as many multiply-accumulates in products a 64th as deep, with other cycles and other traffic. The
# heading of the file decides nothing: with the names of its columns in another order the same is read.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --no-deps scalesim==3.0.0
cat > net.csv <<'CSV'
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
conv, 56, 56, 3, 3, 64, 64, 1,
DPN_conv, 56, 56, 3, 3, 64, 64, 1,
CSV
sed '1s/.*/Num Filter, Strides, Channels, Filter Width, Filter Height, IFMAP Width, IFMAP Height, Layer name,/' net.csv > other.csv
env/bin/python - <<'RUN' | tee seen
import contextlib, io, pathlib, runpy, sysconfig

# The module alone: the package imports its simulators, which need more than is asked for here.
module = pathlib.Path(sysconfig.get_paths()["purelib"]) / "scalesim" / "topology_utils.py"
topologies = runpy.run_path(str(module))["topologies"]
for file in ("net.csv", "other.csv"):
    topology = topologies()
    topology.load_arrays(file)
    names = [topology.get_layer_name(layer) for layer in range(topology.get_num_layers())]
    print(file, "layers:", len(names), "first three:", *names[:3])
RUN
diff seen - <<'SEEN'
net.csv layers: 65 first three: conv DPN_convChannel_0 DPN_convChannel_1
other.csv layers: 65 first three: conv DPN_convChannel_0 DPN_convChannel_1
SEEN
