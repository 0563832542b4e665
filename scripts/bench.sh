#!/usr/bin/env bash
# Measures, and writes docs/bench/<commit>.json and docs/bench/<commit>-exchange.json. Minutes; on a quiet machine.
# Beside SPDK (an anchor is worth more than a number): scripts/bench.py --spdk DIR, DIR being a built SPDK source tree.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$(git describe --always --dirty)
mkdir -p docs/bench
echo "bench: the exchange machine alone, a few seconds a case"
cargo run --release --locked -q -p exchange --example cost > "docs/bench/$commit-exchange.json"
cat "docs/bench/$commit-exchange.json"
echo "bench: NVMe/TCP on loopback with qfc perf, about $((14 * 3 * 6 / 60)) minutes"
scripts/bench.py --out "docs/bench/$commit.json" "$@"
echo "bench: written to docs/bench/$commit.json"
