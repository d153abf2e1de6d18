#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh DCF_PROGRAM [BYTES]: a Slurm cluster of this one machine, which the script starts and stops,
# compresses a checkpoint by examples/slurm/compress.sh while one of its jobs is killed; the file must
# be that of one process. As root; needs the packages slurm-wlm, munge and python3-numpy.
set -euo pipefail
tree=$(cd "$(dirname "$0")/../.." && pwd)
program=$(realpath "$1")
bytes=${2:-24e6}
work=$(mktemp -d)
export PATH=$(dirname "$program"):$PATH
host=$(hostname -s)
pids=()
stop() {
  local status=$?
  scancel --user=root 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  ((status == 0)) || tail -n 20 "$work"/*.log "$work"/work/log/* >&2 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

mkdir -p "$work"/{munge,state,spool}
chmod 711 "$work" "$work/munge"
dd if=/dev/urandom of="$work/munge/key" bs=128 count=1 status=none
chmod 400 "$work/munge/key"
cat >"$work/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=1,sched_min_interval=1
ReturnToService=2
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=2048 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
echo 'CgroupPlugin=cgroup/v1' >"$work/cgroup.conf"
export SLURM_CONF=$work/slurm.conf
daemon() { # NAME COMMAND...: runs in the background, with its own log
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
}
daemon munged munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
  --pid-file="$work/munge/pid" --log-file="$work/munged.log" --seed-file="$work/munge/seed"
for _ in {1..50}; do [ -S "$work/munge/socket" ] && break; sleep 0.1; done
daemon slurmctld slurmctld -D -f "$work/slurm.conf"
daemon slurmd slurmd -D -f "$work/slurm.conf"
for _ in {1..150}; do
  [[ $(sinfo -h -o %t 2>/dev/null) == idle* ]] && break
  sleep 0.2
done
sinfo

python3 "$tree/tests/parts/checkpoint.py" "$work/model" "$bytes"
dcf compress "$work/model" -q -o "$work/whole.dcf"
"$tree/examples/slurm/compress.sh" "$work/model" "$work/m.dcf" "$work/work" --item-bytes 2M -T 1
killed=
for _ in {1..3000}; do
  if [ -z "$killed" ]; then
    id=$(squeue -h -r -t RUNNING -n dcf-compress -o %A | head -1)
    if [ -n "$id" ]; then
      scontrol requeue "$id" 2>/dev/null && killed=$id
    fi
  else # Slurm lets two minutes pass first
    scontrol update "JobId=$killed" StartTime=now 2>/dev/null || true
  fi
  [ -e "$work/m.dcf" ] && break
  sleep 0.1
done
echo "requeued: ${killed:-none}"
cmp "$work/whole.dcf" "$work/m.dcf"
[ -n "$killed" ]
echo "the file of one process: $(stat -c %s "$work/m.dcf") bytes, $(find "$work/work/parts" -name '*.dcf' | wc -l) parts"
