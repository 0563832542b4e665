#!/bin/sh
# What tests/lab needs on the machine itself beyond Python 3; all else it
# fetches into its own cache folder. Run as root; does nothing when all is there.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need wget wget
need dpkg dpkg
need chroot coreutils
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "lab: this machine has no apt; the lab needs (Debian names):$missing"
    exit 1
fi
echo "lab: installing$missing"
apt-get -qq update
# shellcheck disable=SC2086 # a list
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
