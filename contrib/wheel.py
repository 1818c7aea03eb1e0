#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""wheel.py VERSION TREE OUT - a Python wheel of a portable tree, made offline. There is no Python in it: the program goes into
the environment's bin/, the rest into its libexec/ and share/, where the program finds them. Same tree, same bytes."""
import base64
import hashlib
import os
import stat
import sys
import zipfile

TAGS = {
    "x86_64": ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "musllinux_1_1_x86_64"],
    "aarch64": ["manylinux_2_17_aarch64", "manylinux2014_aarch64", "musllinux_1_1_aarch64"],
}


def files_of(tree, version):
    """(name in the wheel, bytes, executable) of every file of the tree."""
    data = f"spec_runner-{version}.data"
    for folder, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, tree)
            with open(path, "rb") as f:
                content = f.read()
            executable = bool(os.stat(path).st_mode & stat.S_IXUSR)
            if inside == "bin/spec-runner":
                yield f"{data}/scripts/spec-runner", content, True
            else:
                yield f"{data}/data/{inside}", content, executable


def metadata_of(version, tags, info, readme, licence):
    yield f"{info}/METADATA", (
        "Metadata-Version: 2.1\n"
        "Name: spec-runner\n"
        f"Version: {version}\n"
        "Summary: Runs tests in CI, watches whether they are alive, and says where and why one hangs\n"
        "License: Apache-2.0\n"
        "Requires-Python: >=3.6\n"
        "Description-Content-Type: text/markdown\n\n"
    ).encode() + readme
    yield f"{info}/WHEEL", (
        "Wheel-Version: 1.0\nGenerator: spec-runner\nRoot-Is-Purelib: false\n"
        + "".join(f"Tag: py3-none-{tag}\n" for tag in tags)
    ).encode()
    yield f"{info}/LICENSE", licence


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    version, tree, out = sys.argv[1:]
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    tags = TAGS[tree.rstrip("/").rsplit("-", 1)[1]]
    info = f"spec_runner-{version}.dist-info"
    os.makedirs(out, exist_ok=True)
    wheel = os.path.join(out, f"spec_runner-{version}-py3-none-{'.'.join(tags)}.whl")
    record = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        def add(name, content, executable):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: the mode counts
            entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            z.writestr(entry, content)

        entries = list(files_of(tree, version))
        entries += [(name, content, False) for name, content in metadata_of(
            version, tags, info, read(os.path.join(top, "README.md")), read(os.path.join(top, "LICENSE")))]
        for name, content, executable in entries:
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(content)}\n")
            add(name, content, executable)
        record.append(f"{info}/RECORD,,\n")
        add(f"{info}/RECORD", "".join(record).encode(), False)
    content = read(wheel)
    print(f"{wheel}: {len(content)} bytes; sha256 {hashlib.sha256(content).hexdigest()}")


main()
