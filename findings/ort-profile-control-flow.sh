#!/usr/bin/env bash
# onnxruntime 1.32.0, profile of a session on the CPU: a model with control flow.
#
# The event of an If or a Loop contains those of its body, on one thread and in one flat list without depth or parent; each
# iteration repeats the names, `node_index` starts again in each body, and each execution of a body adds an event
# `SequentialExecutor::Execute`. A sum of all kernel times counts the bodies twice; only the intervals tell.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python - <<'RUN' | tee seen
import json, numpy, onnxruntime
from onnx import TensorProto, helper

def value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)

# Three trips of a product of two matrices.
body = helper.make_graph(
    [helper.make_node("MatMul", ["state", "state"], ["next"], name="product"),
     helper.make_node("Identity", ["go"], ["again"], name="pass")], "body",
    [value("trip", TensorProto.INT64), value("go", TensorProto.BOOL), value("state", TensorProto.FLOAT, 256, 256)],
    [value("again", TensorProto.BOOL), value("next", TensorProto.FLOAT, 256, 256)])
graph = helper.make_graph(
    [helper.make_node("Relu", ["x"], ["r"], name="relu"),
     helper.make_node("Loop", ["trips", "", "r"], ["y"], name="loop", body=body)], "graph",
    [value("x", TensorProto.FLOAT, 256, 256)], [value("y", TensorProto.FLOAT, 256, 256)],
    [helper.make_tensor("trips", TensorProto.INT64, [], [3])])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
options = onnxruntime.SessionOptions()
options.enable_profiling, options.intra_op_num_threads = True, 1
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
session.run(None, {"x": numpy.zeros((256, 256), "float32")})
events = json.load(open(session.end_profiling()))
kernels = [event for event in events if event["cat"] == "Node"]
for name in ("relu", "loop", "product", "pass"):
    found = [event for event in kernels if event["name"] == name + "_kernel_time"]
    print(name, "events", len(found), "node_index", sorted({event["args"]["node_index"] for event in found}),
          "threads", len({event["tid"] for event in kernels}))
print("executors", sum(event["name"] == "SequentialExecutor::Execute" for event in events))
(run,) = [event["dur"] for event in events if event["name"] == "model_run"]
print("kernels sum to more than 1.5 runs", sum(event["dur"] for event in kernels) > 1.5 * run)
RUN
diff seen - <<'SEEN'
relu events 1 node_index ['0'] threads 1
loop events 1 node_index ['1'] threads 1
product events 3 node_index ['0'] threads 1
pass events 3 node_index ['1'] threads 1
executors 4
kernels sum to more than 1.5 runs True
SEEN
