#!/usr/bin/env bash
# onnxruntime 1.32.0, profile of a session on the CPU.
#
# Constant inputs that a kernel packs when the session is made are left out of `input_type_shape` and `parameter_size` of its
# events. The MatMul below lists one input and no parameters; a GRU loses W and R, which is nearly all of its work for
# anyone who counts from the profile. `session.disable_prepacking=1` brings them back. A Conv keeps its weight either way.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python - <<'RUN' | tee seen
import json, numpy, onnxruntime
from onnx import TensorProto, helper, numpy_helper

def weight(name, *shape):
    return numpy_helper.from_array(numpy.ones(shape, "float32"), name)

def value(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

nodes = [
    (helper.make_node("MatMul", ["x", "w"], ["y"]), value("x", 8, 64), value("y", 8, 32), [weight("w", 64, 32)]),
    (helper.make_node("GRU", ["x", "w", "r"], ["y"], hidden_size=16), value("x", 5, 1, 8), value("y", 5, 1, 1, 16),
     [weight("w", 1, 48, 8), weight("r", 1, 48, 16)]),
    (helper.make_node("Conv", ["x", "w"], ["y"]), value("x", 1, 4, 9, 9), value("y", 1, 6, 7, 7), [weight("w", 6, 4, 3, 3)]),
]
for node, x, y, weights in nodes:
    graph = helper.make_graph([node], "graph", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for setting in "01":
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.add_session_config_entry("session.disable_prepacking", setting)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        session.run(None, {"x": numpy.ones([dim.dim_value for dim in x.type.tensor_type.shape.dim], "float32")})
        events = json.load(open(session.end_profiling()))
        (kernel,) = [event["args"] for event in events if event["cat"] == "Node"]
        shapes = [list(shape.values())[0] for shape in kernel["input_type_shape"]]
        print(node.op_type, "disable_prepacking", setting, shapes, kernel["parameter_size"])
RUN
diff seen - <<'SEEN'
MatMul disable_prepacking 0 [[8, 64]] 0
MatMul disable_prepacking 1 [[8, 64], [64, 32]] 8192
GRU disable_prepacking 0 [[5, 1, 8]] 0
GRU disable_prepacking 1 [[5, 1, 8], [1, 48, 8], [1, 48, 16]] 4608
Conv disable_prepacking 0 [[1, 4, 9, 9], [6, 4, 3, 3]] 864
Conv disable_prepacking 1 [[1, 4, 9, 9], [6, 4, 3, 3]] 864
SEEN
