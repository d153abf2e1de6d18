# SPDX-License-Identifier: Apache-2.0
# For the scripts of bench/ that source it, after tools/setup/steps.sh and packages.sh.

# exec_with_peers TREE NAME SCRIPT [ARGUMENT...]: becomes a Python script of bench/, in the environment build/NAME
# with the packages of the requirements.txt beside the script. It finds the program dcf in DCF.
exec_with_peers() {
  local tree=$1 environment=$1/build/$2 script=$1/bench/$3
  shift 3
  peer_environment "$environment" "${script%/*}/requirements.txt"
  export DCF=${DCF:-$tree/build/release/bin/dcf}
  exec "$environment/bin/python" "$script" "$@"
}

# peer_environment FOLDER REQUIREMENTS: a Python environment with the packages of a file, each line by itself.
# What is there in this version is not installed again; what does not install is said, and left out.
peer_environment() {
  local python=$1/bin/python present package
  install_packages python3 python3-venv g++
  [[ -x $python ]] || python3 -m venv "$1" || die "cannot make the environment $1"
  present=$("$python" -m pip list --format freeze --disable-pip-version-check | tr '[:upper:]_' '[:lower:]-')
  while read -r package; do
    [[ -n $package && $package != \#* ]] || continue
    grep -qxF "$(tr '[:upper:]_' '[:lower:]-' <<<"$package")" <<<"$present" ||
      step "Installing $package" "$python" -m pip install -q --no-deps "$package" || say "Left out: $package"
  done <"$2"
}
