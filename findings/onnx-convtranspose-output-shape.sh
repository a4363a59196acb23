#!/usr/bin/env bash
# onnx 1.23.2 beside onnxruntime 1.32.0: ConvTranspose with `output_shape`.
#
# A valid model with `output_shape` and no `auto_pad` is refused by the reference evaluator with a ValueError that speaks of
# sliding blocks, though it computes both SAME forms. The operator's text puts the odd padding of NOTSET where SAME_LOWER
# puts it; onnxruntime does so.
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

x = {"x": numpy.array([[[1, 2, 3]]], "float32")}
for auto_pad in ("NOTSET", "SAME_LOWER", "SAME_UPPER"):
    graph = helper.make_graph(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2], output_shape=[6], auto_pad=auto_pad)], "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 6])],
        [helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 3], [1, 10, 100])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    print(auto_pad, "onnxruntime", session.run(None, x)[0].ravel().tolist())
    try:
        print(auto_pad, "reference evaluator", ReferenceEvaluator(model).run(None, x)[0].ravel().tolist())
    except ValueError as error:
        print(auto_pad, "reference evaluator ValueError,", "sliding blocks" in str(error))
RUN
diff seen - <<'SEEN'
NOTSET onnxruntime [10.0, 102.0, 20.0, 203.0, 30.0, 300.0]
NOTSET reference evaluator ValueError, True
SAME_LOWER onnxruntime [10.0, 102.0, 20.0, 203.0, 30.0, 300.0]
SAME_LOWER reference evaluator [10.0, 102.0, 20.0, 203.0, 30.0, 300.0]
SAME_UPPER onnxruntime [1.0, 10.0, 102.0, 20.0, 203.0, 30.0]
SAME_UPPER reference evaluator [1.0, 10.0, 102.0, 20.0, 203.0, 30.0]
SEEN
