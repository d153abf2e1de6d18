#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# wheel.sh [FOLDER]: the source distribution and the manylinux wheel of dcf-codec, in FOLDER (default
# build/wheel), and a try of the wheel in a bare root that has Python and nothing else: neither a
# compiler nor Cap'n Proto. Needs root for that (debootstrap, chroot). Prints what it finds.
# DCF_PREBUILT=DIR takes library and program from a build folder of the tree instead of compiling them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
source "$tree/tools/setup/steps.sh"
source "$tree/tools/setup/packages.sh"
out=$(realpath -m "${1:-$tree/build/wheel}")
env=$out/env root=$out/root
settings=()
[[ -z ${DCF_PREBUILT:-} ]] || settings=(-C cmake.define.DCF_PREBUILT="$(realpath "$DCF_PREBUILT")")

install_packages "${core_packages[@]}" "${format_packages[@]}" "${wheel_packages[@]}"

make_environment() {
  python3 -m venv "$env" &&
    "$env/bin/pip" install --quiet --disable-pip-version-check -r "$here/wheel-requirements.txt"
}

# The wheel is built from the source distribution, which thereby is known to be complete.
build_both() {
  rm -rf "$out/plain" "$out/dist" && mkdir -p "$out/dist" &&
    "$env/bin/python" -m build --outdir "$out/plain" "${settings[@]}" "$here" &&
    cp "$out/plain"/*.tar.gz "$out/dist"
}

repair() { PATH=$env/bin:$PATH auditwheel repair --wheel-dir "$out/dist" "$out/plain"/*.whl; }

# Debian's smallest system and Python, from the mirror that this machine uses.
make_root() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)
  rm -rf "$root" &&
    debootstrap --variant=minbase --include=python3 bookworm "$root" "$mirror" &&
    "$env/bin/pip" install --quiet --disable-pip-version-check --target "$root/opt/site" \
      --python-version 3.11 --only-binary :all: "$(echo "$out"/dist/*.whl)"
}

try() {
  cat >"$root/opt/try.py" <<'PROGRAM'
import pathlib
import shutil
import numpy as np
import dcf_codec
from dcf_codec.numpy import load_file, save_file

for name in ("cc", "gcc", "g++", "capnp", "dcf"):
    assert shutil.which(name) is None, name
assert not list(pathlib.Path("/usr/lib").rglob("libcapnp*"))
rng = np.random.default_rng(1)
weights = {"a": rng.standard_normal((500, 400)).astype(np.float32), "b": np.arange(7)}
save_file(weights, "/tmp/a.dcf")
back = load_file("/tmp/a.dcf")
assert all(np.array_equal(back[name], weights[name]) for name in weights)
np.savez("/tmp/a.npz", **weights)
dcf_codec.compress("/tmp/a.npz", "/tmp/b.dcf", bits=5, quiet=True)
assert dcf_codec.compare("/tmp/a.npz", "/tmp/b.dcf", bounds=True)["ok"]
dcf_codec.decompress("/tmp/a.dcf", "/tmp/c.safetensors")
print("dcf_codec", dcf_codec.__version__, "runs in a bare root with NumPy", np.__version__)
PROGRAM
  # A program finds the libraries beside it through /proc, which any container has.
  unshare --mount bash -c 'mount -t proc proc "$1/proc" &&
    chroot "$1" /usr/bin/env -i PATH=/usr/bin:/bin PYTHONPATH=/opt/site python3 /opt/try.py' try "$root"
}

step 'Making the environment that builds' make_environment
step 'Building the source distribution and the wheel' build_both
step 'auditwheel repair' repair
step 'Making a bare root' make_root
try
"$env/bin/auditwheel" show "$out"/dist/*.whl
ls -l "$out/dist"
