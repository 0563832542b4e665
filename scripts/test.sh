#!/usr/bin/env bash
# All tests: unit and integration tests, the real SPDK client, a short pass with real Linux hosts.
# What it needs beyond Rust it installs by name, if it may (root or sudo); otherwise a line says what is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS

if ! scripts/spdk-client.sh; then
    echo "test: without SPDK's own client: the tests that drive it are skipped"
fi
if ! scripts/test-tools.sh; then
    echo "test: without tshark or sg3-utils: the tests that let them judge say that they are skipped"
fi
cargo test --workspace --locked "$@"
# What fuzzing found worth keeping, through the same parsers.
cargo test -q --manifest-path fuzz/Cargo.toml --no-default-features --target-dir "${CARGO_TARGET_DIR:-target}"
cargo build --release --locked --bin qfc_tgt --bin qfc --bin qfc_fabric -p qfc -p host -p qfc_fabric
tests/lab/lab run --short
echo "test: all passed in $(( (SECONDS - started) / 60 )) min $(( (SECONDS - started) % 60 )) s"
