#!/usr/bin/env bash
# onnx 1.23.2 beside onnxruntime 1.32.0: shape inference of the operator STFT (opset 17).
#
# The schema's default of `onesided` is 1. Shape inference of a node without the attribute answers with the two-sided number
# of bins (8 of a frame of 8), where the reference evaluator of the same package and onnxruntime compute 5.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python - <<'RUN' | tee seen
import numpy, onnx, onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

def model(shape, **attributes):
    graph = helper.make_graph(
        [helper.make_node("STFT", ["signal", "step", "", "length"], ["spectrum"], **attributes)], "graph",
        [helper.make_tensor_value_info("signal", TensorProto.FLOAT, [1, 32, 1])],
        [helper.make_tensor_value_info("spectrum", TensorProto.FLOAT, shape)],
        [helper.make_tensor("step", TensorProto.INT64, [], [4]), helper.make_tensor("length", TensorProto.INT64, [], [8])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

def inferred(model):
    shape = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape
    return [dim.dim_value for dim in shape.dim]

signal = {"signal": numpy.zeros((1, 32, 1), "float32")}
print("default of the schema", onnx.defs.get_schema("STFT", 17).attributes["onesided"].default_value.i)
print("inferred without the attribute", inferred(model(None)))
print("inferred with onesided=1", inferred(model(None, onesided=1)))
print("reference evaluator", list(ReferenceEvaluator(model(None)).run(None, signal)[0].shape))
session = onnxruntime.InferenceSession(model(None).SerializeToString(), providers=["CPUExecutionProvider"])
print("onnxruntime", list(session.run(None, signal)[0].shape))
RUN
diff seen - <<'SEEN'
default of the schema 1
inferred without the attribute [1, 7, 8, 2]
inferred with onesided=1 [1, 7, 5, 2]
reference evaluator [1, 7, 5, 2]
onnxruntime [1, 7, 5, 2]
SEEN
