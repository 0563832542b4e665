#!/bin/sh
# Says what is missing before the first compilation does: Rust and a C linker.
set -eu
need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "qfc: '$1' is missing: $2" >&2
    exit 1
}
need cargo "install Rust 1.88 or later (https://rustup.rs, or 'apt install rustup')"
need cc "install a C compiler (Debian: apt install gcc libc6-dev)"
