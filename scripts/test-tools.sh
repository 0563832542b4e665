#!/bin/sh
# Installs programs that tests let judge our bytes, by Debian names. Tests say so and skip where they are missing.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need tshark tshark
need sg_inq sg3-utils
need iscsi-test-cu libiscsi-bin
need tgtd tgt
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 || { echo "test: this machine has no apt; not installed:$missing"; exit 1; }
sudo=
if [ "$(id -u)" != 0 ]; then
    sudo="sudo -n"
    $sudo true 2>/dev/null || { echo "test: root or sudo is needed to install$missing"; exit 1; }
fi
echo "test: installing$missing"
$sudo apt-get -qq update
# shellcheck disable=SC2086 # lists
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
