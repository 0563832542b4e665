#!/bin/sh
# Installs what tests/lab needs on the machine itself, by Debian names; all else
# it fetches into its own cache folder. Does nothing when all is there; needs
# root or sudo otherwise.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need python3 python3
need wget wget # debootstrap's way to fetch
need chroot coreutils
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "lab: this machine has no apt; the lab needs (Debian names):$missing"
    exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
    sudo="sudo -n"
    $sudo true 2>/dev/null || { echo "lab: root or sudo is needed to install$missing"; exit 1; }
fi
echo "lab: installing$missing"
$sudo apt-get -qq update
# shellcheck disable=SC2086 # lists
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
