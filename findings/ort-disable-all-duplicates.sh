#!/usr/bin/env bash
# onnxruntime 1.32.0, a session whose graph optimisations are off (ORT_DISABLE_ALL).
#
# A DequantizeLinear whose output two nodes read is copied all the same: the profile has a node `dequantize/duplicated` that
# is not in the model, one for each further reader. So events outnumber the nodes of a QDQ model (419 for 406 in a public
# speech model), and a join of a profile with its model by names has nodes without a partner even at this level.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python - <<'RUN' | tee seen
import json, numpy, onnxruntime
from onnx import TensorProto, helper, numpy_helper

nodes = [
    helper.make_node("DequantizeLinear", ["weight", "scale", "zero"], ["real"], name="dequantize"),
    helper.make_node("MatMul", ["x", "real"], ["a"], name="first"),
    helper.make_node("MatMul", ["a", "real"], ["b"], name="second"),
    helper.make_node("MatMul", ["b", "real"], ["y"], name="third"),
]
constants = [
    numpy_helper.from_array(numpy.ones((4, 4), "int8"), "weight"),
    numpy_helper.from_array(numpy.float32(0.5), "scale"),
    numpy_helper.from_array(numpy.int8(0), "zero"),
]
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 4])
graph = helper.make_graph(nodes, "graph", [value("x")], [value("y")], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
options = onnxruntime.SessionOptions()
options.enable_profiling = True
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
session.run(None, {"x": numpy.ones((2, 4), "float32")})
events = json.load(open(session.end_profiling()))
names = sorted(event["name"].removesuffix("_kernel_time") for event in events if event["cat"] == "Node")
print("nodes in the model:", len(nodes))
print("nodes in the profile:", *names)
RUN
diff seen - <<'SEEN'
nodes in the model: 4
nodes in the profile: dequantize dequantize/duplicated dequantize/duplicated_token_1 first second third
SEEN
