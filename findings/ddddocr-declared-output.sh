#!/usr/bin/env bash
# ddddocr 1.6.1: the output that its recogniser declares has another rank than the one that it gives.
#
# `common.onnx` declares `[1, seqlen]`, two dimensions; onnxruntime 1.32.0 gets three, `[8, 1, 8210]` for an image of 64 columns,
# and warns. A tool that plans buffers, or counts bytes of activations, by declared shapes takes it for another model.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet onnxruntime==1.32.0 numpy==2.4.6
env/bin/pip download --quiet --no-deps --dest wheel ddddocr==1.6.1
env/bin/python - <<'RUN' 2>warnings | tee seen
import glob, zipfile
import numpy, onnxruntime

archive = zipfile.ZipFile(glob.glob("wheel/ddddocr-1.6.1*.whl")[0])
session = onnxruntime.InferenceSession(archive.read("ddddocr/common.onnx"), providers=["CPUExecutionProvider"])
image = session.get_inputs()[0]
print("input declared", image.shape)
print("output declared", session.get_outputs()[0].shape)
for width in (64, 128):
    given = session.run(None, {image.name: numpy.zeros((1, 1, 64, width), "float32")})[0]
    print("columns", width, "output given", list(given.shape))
RUN
grep -c "Expected shape from model of" warnings | sed 's/$/ warnings/' | tee -a seen
diff seen - <<'SEEN'
input declared [1, 1, 64, 'image_width']
output declared [1, 'seqlen']
columns 64 output given [8, 1, 8210]
columns 128 output given [16, 1, 8210]
2 warnings
SEEN
