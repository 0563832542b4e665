#!/bin/sh
# Reserves hugepages for qfc_tgt, and gives them back. Safe to run again.
#
#   scripts/setup.sh [MiB]     reserve so many MiB of 2 MiB hugepages (default 256), if they are not free already
#   scripts/setup.sh reset     give back what is free
#   scripts/setup.sh status    say what there is
#
# Needs root, or sudo without a password; otherwise it says so and changes nothing (exit status 1).
set -eu

dir=/sys/kernel/mm/hugepages/hugepages-2048kB

die() { echo "setup.sh: $*" >&2; exit 1; }
free_pages() { cat "$dir/free_hugepages"; }
total_pages() { cat "$dir/nr_hugepages"; }

write_total() {
    if [ -w "$dir/nr_hugepages" ]; then echo "$1" > "$dir/nr_hugepages"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then echo "$1" | sudo -n tee "$dir/nr_hugepages" >/dev/null
    else die "reserving hugepages needs root: run 'sudo scripts/setup.sh', or start qfc_tgt with --no-huge"
    fi
}

reserve() {
    want=$(( ($1 + 1) / 2 ))
    missing=$(( want - $(free_pages) ))
    [ "$missing" -le 0 ] || write_total $(( $(total_pages) + missing ))
    have=$(free_pages)
    [ "$have" -ge "$want" ] || die "asked for $1 MiB of hugepages, found $(( have * 2 )) MiB free: memory is too fragmented or too small; free some, or start qfc_tgt with --no-huge"
    echo "hugepages: $(( have * 2 )) MiB free of $(( $(total_pages) * 2 )) MiB reserved"
}

[ -d "$dir" ] || die "this kernel has no 2 MiB hugepages: start qfc_tgt with --no-huge"
case "${1:-256}" in
    status) echo "hugepages: $(( $(free_pages) * 2 )) MiB free of $(( $(total_pages) * 2 )) MiB reserved" ;;
    reset) write_total $(( $(total_pages) - $(free_pages) )); echo "hugepages: $(( $(total_pages) * 2 )) MiB left reserved (in use)" ;;
    *[!0-9]*) die "usage: scripts/setup.sh [MiB | reset | status]" ;;
    *) reserve "${1:-256}" ;;
esac
