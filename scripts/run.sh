#!/bin/sh
# Starts the target that `make run` built, with its embedded default configuration.
set -eu
cd "$(dirname "$0")/.."
hugepages_mib=192
memory=
if ! note=$(scripts/setup.sh $hugepages_mib 2>&1); then
    echo "qfc: ordinary memory is used instead of hugepages ($note)"
    memory=--no-huge
fi
# shellcheck disable=SC2086 # empty or one word
exec target/release/qfc_tgt --default-config -g $memory "$@"
