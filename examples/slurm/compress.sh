#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compresses a model on a Slurm cluster whose nodes share the folders of model, work and output:
#   compress.sh MODEL OUT.dcf WORK [OPTION of dcf plan]...
# An array of jobs takes the statistics of the plan, a job settles the plan and submits the items of
# work as another array, and the last job merges the parts. A job that is killed is queued again and
# costs its item. Started again with the same WORK, the script does what is missing. Options of sbatch
# for every job go into SBATCH_*, as Slurm has it; the memory of a job is the one that the plan states.
set -euo pipefail

submit() { # NAME MEMORY [OPTION of sbatch]... -- STEP: prints the id of the job
  local name=$1 memory=$2 options=() log=%x-%j.txt
  shift 2
  while [ "$1" != -- ]; do
    [[ $1 == --array* ]] && log=%x-%A-%a.txt
    options+=("$1")
    shift
  done
  sbatch --parsable --job-name="$name" --mem="$((memory / 1048576 + 1))M" --requeue --export=ALL \
    --output="$WORK/log/$log" "${options[@]}" "$SCRIPT" "$2"
}

member() { # KEY: a number of the JSON object on stdin
  sed -n "s/^ *\"$1\": \([0-9]*\).*/\1/p"
}

array() { # COUNT: tasks of an array for so many items; Slurm has 1000 by default, so each may take several
  echo "0-$(($1 < 1000 ? $1 - 1 : 999))"
}

each_item() { # COUNT COMMAND...: the command with the number of each item of this task of the array
  local count=$1 n
  shift
  for ((n = SLURM_ARRAY_TASK_ID; n < count; n += 1000)); do "$@" "$n"; done
}

measure() {
  [ -e "$WORK/stats/$1.json" ] || dcf stats --plan "$WORK/plan.json" --item "$1" -q -f -o "$WORK/stats/$1.json"
}

encode() {
  [ -e "$WORK/parts/$1.dcf" ] || dcf compress --plan "$WORK/settled.json" --item "$1" -q -f -o "$WORK/parts/$1.dcf"
}

settle() {
  local items job
  items=$(dcf stats --plan "$WORK/plan.json" --settle "$WORK/stats" -f -o "$WORK/settled.json" --json | member items)
  export ITEMS=$items
  job=$(submit dcf-compress "$PEAK" --array="$(array "$items")" -- encode)
  submit dcf-merge $((1 << 30)) --dependency="afterok:$job" --kill-on-invalid-dep=yes -- merge >"$WORK/last-job"
}

case $# in
  1) # a job of this script
    case $1 in
      measure) each_item "$TASKS" measure ;;
      settle) settle ;;
      encode) each_item "$ITEMS" encode ;;
      merge) dcf merge "$WORK/parts" --plan "$WORK/settled.json" -q -f -o "$OUT" ;;
    esac
    ;;
  0 | 2)
    sed -n '3,8s/^# \?//p' "$0"
    exit 2
    ;;
  *)
    export SCRIPT OUT WORK TASKS PEAK
    SCRIPT=$(realpath "$0")
    model=$(realpath "$1")
    OUT=$(realpath "$2")
    mkdir -p "$3/stats" "$3/parts" "$3/log"
    WORK=$(realpath "$3")
    shift 3
    [ -e "$WORK/plan.json" ] || dcf plan "$model" -o "$WORK/plan.json" --json "$@" >"$WORK/report.json"
    TASKS=$(member stats <"$WORK/report.json")
    PEAK=$(member peak_memory <"$WORK/report.json")
    after=()
    if ((TASKS > 0)); then
      job=$(submit dcf-stats "$PEAK" --array="$(array "$TASKS")" -- measure)
      after=(--dependency="afterok:$job" --kill-on-invalid-dep=yes)
    fi
    submit dcf-settle $((1 << 29)) "${after[@]}" -- settle
    ;;
esac
