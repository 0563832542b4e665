#!/usr/bin/env bash
# Fuzzes every parser of foreign bytes, one after the other: scripts/fuzz.sh [SECONDS_EACH] [TARGET...]
# New inputs that reach something new stay in fuzz/corpus/<target>; a crash ends it with the command that repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
[[ $seconds =~ ^[0-9]+$ && $seconds -gt 0 ]] || { echo "usage: scripts/fuzz.sh [SECONDS_EACH] [TARGET...]" >&2; exit 2; }
shift || true
all=(pdu port capsule conf jsonrpc json_config els ct fcp fcnvme fip scsi switch fip_machine fcp_port fcnvme_port vfio_user qla_lane iscsi_pdu iscsi_login)
targets=("$@")
(( $# )) || targets=("${all[@]}")

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz: coverage needs a nightly compiler; install it with: rustup toolchain install nightly --profile minimal" >&2
    exit 1
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "fuzz: installing cargo-fuzz"
    cargo install --locked cargo-fuzz
fi

# Scripts need some length before anything happens; texts had better grow slowly.
growth() {
    case $1 in
        port | capsule | scsi | fcp_port | fcnvme_port | vfio_user | qla_lane | iscsi_login) echo 0 ;;
        *) echo 100 ;;
    esac
}

# Which words a target's input is made of.
dictionary() {
    case $1 in
        conf) echo conf ;;
        jsonrpc | json_config) echo json ;;
        *) echo nvme ;;
    esac
}

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
failed=0
for target in "${targets[@]}"; do
    echo "fuzz: $target: building"
    if ! cargo +nightly fuzz build "$target" >"$logs/build" 2>&1; then
        tail -n 30 "$logs/build" >&2
        exit 1
    fi
    log=$logs/$target
    started=$SECONDS
    mkdir -p "fuzz/corpus/$target"
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -max_len=4096 -len_control="$(growth "$target")" \
        -timeout=20 -rss_limit_mb=2048 \
        -dict="fuzz/dict/$(dictionary "$target").dict" -print_final_stats=1 >"$log" 2>&1 &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 1
        (( (SECONDS - started) % 15 == 0 )) || continue
        line=$(grep -aE '^#[0-9]+' "$log" | tail -n 1 | cut -c1-100 || true)
        echo "fuzz: $target: $((SECONDS - started)) of $seconds s: ${line:-starting}"
    done
    if wait "$child"; then
        runs=$(grep -a '^stat::number_of_executed_units' "$log" | grep -o '[0-9]*$' || true)
        echo "fuzz: $target: no findings in $((SECONDS - started)) s, ${runs:-?} executions"
    else
        failed=1
        grep -aE 'panicked at|ERROR: |SUMMARY: ' -A 1 "$log" | head -n 12 || tail -n 30 "$log"
        artifact=$(grep -aoE 'fuzz/artifacts/[^ ]+' "$log" | tail -n 1 || true)
        echo "fuzz: $target: CRASHED; again with: cargo +nightly fuzz run $target ${artifact:-<the file that the log above names>}"
    fi
done
exit "$failed"
