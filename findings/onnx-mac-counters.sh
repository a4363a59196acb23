#!/usr/bin/env bash
# onnx-tool 1.0.1 and onnx-opcounter 0.0.4: multiply-accumulates of single operators.
#
# Their "MACs" are not products: both count work by element of activations and poolings, each in its own way; a transposed
# convolution counts two and four times its products (input elements x weight elements of an input channel); weights in
# Constant nodes, as in all exports of Paddle, are no parameters; and a Conv without `kernel_shape`, which the standard
# leaves to the weight, ends opcounter with a KeyError. Totals agree only on networks that convolutions dominate.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet onnx==1.23.2 onnxruntime==1.32.0 onnx-tool==1.0.1 onnx_opcounter==0.0.4 numpy==2.4.6
env/bin/python - <<'RUN' | tee seen
import contextlib, io, numpy, onnx, onnx_opcounter, onnx_tool
from onnx import TensorProto, helper, numpy_helper

def weight(*shape):
    return numpy_helper.from_array(numpy.ones(shape, "float32"), "w")

conv = dict(kernel_shape=[3, 3])
CASES = [
    ("Relu", 0, ["x"], {}, [1, 16, 8, 8], [1, 16, 8, 8], None),
    ("MaxPool", 0, ["x"], conv, [1, 16, 8, 8], [1, 16, 6, 6], None),
    ("Conv", 8 * 36 * 16 * 9, ["x", "w"], conv, [1, 16, 8, 8], [1, 8, 6, 6], [8, 16, 3, 3]),
    ("Conv without kernel_shape", 8 * 36 * 16 * 9, ["x", "w"], {}, [1, 16, 8, 8], [1, 8, 6, 6], [8, 16, 3, 3]),
    ("ConvTranspose", 16 * 64 * 8 * 4, ["x", "w"], dict(kernel_shape=[2, 2], strides=[2, 2]), [1, 16, 8, 8],
     [1, 8, 16, 16], [16, 8, 2, 2]),
    ("Conv, weight in a Constant", 8 * 36 * 16 * 9, ["x", "w"], conv, [1, 16, 8, 8], [1, 8, 6, 6], [8, 16, 3, 3]),
]

def answer(count):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return count()
    except Exception as error:
        return type(error).__name__

for name, products, inputs, attributes, x, y, w in CASES:
    nodes = [helper.make_node(name.split(" ")[0].rstrip(","), inputs, ["y"], **attributes)]
    constant = "Constant" in name
    if constant:
        nodes.insert(0, helper.make_node("Constant", [], ["w"], value=weight(*w)))
    graph = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, y)],
                              [weight(*w)] if w and not constant else [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)

    def of_tool():
        tool = onnx_tool.Model(model)
        tool.graph.shape_infer({"x": numpy.zeros(x, "float32")})
        tool.graph.profile()
        return [int(sum(tool.graph.macs)) if hasattr(tool.graph.macs, "__len__") else int(tool.graph.macs), int(tool.graph.params)]

    def of_opcounter():
        return [int(onnx_opcounter.calculate_macs(model)), int(onnx_opcounter.calculate_params(model))]

    print(f"{name}: products {products}; onnx-tool {answer(of_tool)}; opcounter {answer(of_opcounter)}")
RUN
diff seen - <<'SEEN'
Relu: products 0; onnx-tool [1024, 0]; opcounter [1024, 0]
MaxPool: products 0; onnx-tool [5184, 0]; opcounter [576, 0]
Conv: products 41472; onnx-tool [41472, 1152]; opcounter [41472, 1152]
Conv without kernel_shape: products 41472; onnx-tool [41472, 1152]; opcounter KeyError
ConvTranspose: products 32768; onnx-tool [65536, 512]; opcounter [131072, 512]
Conv, weight in a Constant: products 41472; onnx-tool [41472, 0]; opcounter [41472, 0]
SEEN
