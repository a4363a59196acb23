#!/usr/bin/env bash
# zigzag-dse 3.9.1 (cost model and mapper for accelerators), import of ONNX convolutions.
#
# ONNX states kernel, strides and pads of a convolution as height, width. The importer takes the first of each for the width
# (FX, IX) and the second for the height, while the sizes of tensors are taken the right way round. Square kernels hide it. A
# 1x9 convolution along the width with a stride of 2 there reads an input of 8,192 elements; its layer has a kernel of
# 9 rows, a stride of 2 down the rows, and an input of 4,096 elements, which is what traffic and energy are computed from. The
# number of multiplications is right, and no message says anything. A 9x1 convolution is the mirror image of that.
#
# The package does not name `six` among its dependencies and does not start without it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet zigzag-dse==3.9.1 six==1.17.0 onnx==1.23.2 protobuf==7.36.2 numpy==2.4.6
env/bin/python - 2>/dev/null <<'RUN' | tee seen
import math, os, zigzag
from onnx import TensorProto, checker, helper, shape_inference
from zigzag.parser.onnx.onnx_model_parser import ONNXModelParser

MAPPING = os.path.join(os.path.dirname(zigzag.__file__), "inputs", "mapping", "tpu_like.yaml")
INPUT = [1, 8, 16, 64]

def imported(kernel, strides, pads):
    conv = helper.make_node("Conv", ["x", "w"], ["y"], name="conv", kernel_shape=kernel, strides=strides, pads=pads)
    size = [16, INPUT[1], *kernel]
    weights = helper.make_tensor("w", TensorProto.FLOAT, size, [0.0] * math.prod(size))
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([conv], "one", [value("x", INPUT)], [value("y", None)], [weights])
    model = shape_inference.infer_shapes(helper.make_model(graph))
    checker.check_model(model, full_check=True)
    (layer,) = ONNXModelParser(model, MAPPING).run().nodes()
    sizes = {str(dim): size for dim, size in layer.layer_dim_sizes.data.items()}
    read = {str(operand): size for operand, size in layer.operand_size_elem.items()}["I"]
    print(f"{kernel[0]}x{kernel[1]} stride {strides}: FY {sizes['FY']} FX {sizes['FX']}, input {read} of {math.prod(INPUT)}")

imported([3, 3], [2, 2], [1, 1, 1, 1])
imported([1, 9], [1, 2], [0, 4, 0, 4])
imported([9, 1], [2, 1], [4, 0, 4, 0])
RUN
diff seen - <<'SEEN'
3x3 stride [2, 2]: FY 3 FX 3, input 8192 of 8192
1x9 stride [1, 2]: FY 9 FX 1, input 4096 of 8192
9x1 stride [2, 1]: FY 1 FX 9, input 4096 of 8192
SEEN
