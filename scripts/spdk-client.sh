#!/usr/bin/env bash
# Puts SPDK's public RPC client into target/spdk-client, so that the tests can drive the target with it.
# Pure Python, from PyPI by name; nothing of it is part of this project.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/spdk-client
[ -x "$venv/bin/spdk-rpc" ] && exit 0
mkdir -p target
log=$(mktemp)
trap 'rm -f "$log"' EXIT
fail() { echo "spdk-client: $1: $(tail -n 1 "$log")"; exit 1; }
python=$(command -v python3) || { echo "spdk-client: python3 is missing"; exit 1; }
if ! "$python" -m venv "$venv" >"$log" 2>&1; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if command -v apt-get >/dev/null; then
        echo "spdk-client: installing python3-venv"
        { $sudo apt-get -qq update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv; } >"$log" 2>&1 || fail "python3-venv cannot be installed"
    else
        echo "spdk-client: install Python's venv (Debian: python3-venv)"
        exit 1
    fi
    "$python" -m venv --clear "$venv" >"$log" 2>&1 || fail "no virtual environment"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check spdk==26.9 >"$log" 2>&1 || fail "spdk cannot be installed from PyPI"
