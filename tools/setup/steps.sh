# SPDX-License-Identifier: Apache-2.0
# Sourced by demo.sh, test.sh and what they run: how a script speaks. A step is one line, with the
# seconds it took; what its command prints is seen only if it fails.

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

step_log=$(mktemp)
step_ticker=
end_ticker() {
  [[ -n $step_ticker ]] || return 0
  kill "$step_ticker" 2>/dev/null || true
  wait "$step_ticker" 2>/dev/null || true
  step_ticker=
  printf '\r\e[K'
}
trap 'end_ticker; rm -f "$step_log"' EXIT

# Redraws a step's line twice a second: its label, the seconds, the last line of its log.
tick() {
  local label=$1 started=$SECONDS columns last
  trap '' INT  # the command gets the signal; the ticker ends with the script
  while kill -0 $$ 2>/dev/null; do
    columns=$(stty size </dev/tty 2>/dev/null | cut -d ' ' -f 2) || true
    last=$(tail -n 1 "$step_log" | tr -d '[:cntrl:]') || true
    last=$(printf '  %-53s %5d s  %s' "$label" $((SECONDS - started)) "$last")
    printf '\r\e[K%s' "${last:0:${columns:-80}-1}"
    sleep 0.5
  done
}

# step LABEL COMMAND...: in this shell, so that a function may set variables. Errors inside a function
# must reach its exit status by themselves (&&): `set -e` does not act here.
step() {
  local label=$1 started=$SECONDS status=0
  shift
  : >"$step_log"
  if [[ -t 1 ]]; then
    tick "$label" &
    step_ticker=$!
  else
    printf '  %-53s ' "$label"
  fi
  "$@" >"$step_log" 2>&1 || status=$?
  end_ticker
  [[ ! -t 1 ]] || printf '  %-53s ' "$label"
  if ((status != 0)); then
    say failed
    tail -n 15 "$step_log" >&2
    return "$status"
  fi
  printf '%5d s\n' $((SECONDS - started))
}

# Stages: parts of the gate, each in a shell of its own, so that one that fails does not keep the next
# from running. Their seconds are in build/stages, one a line with the name and the exit status.
start_stages() {
  mkdir -p build
  : >build/stages
}

# run_stage NAME COMMAND...
run_stage() {
  local name=$1 started=$SECONDS status=0
  shift
  say "== $name"
  set +e
  (
    trap - EXIT
    set -e
    "$@"
  )
  status=$?
  set -e
  printf '%s %d %d\n' "$name" $((SECONDS - started)) "$status" >>build/stages
}

# Prints the table; fails where a stage did.
finish_stages() {
  say
  say "Stage           minutes  result"
  awk '{ total += $2; printf "%-14s %8.1f  %s\n", $1, $2 / 60, $3 == 0 ? "passed" : "FAILED"; failed += $3 != 0 }
       END { printf "%-14s %8.1f\n", "all", total / 60; exit failed != 0 }' build/stages
}
