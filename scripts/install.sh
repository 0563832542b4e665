#!/bin/sh
# Installs what `make build` built: programs, man pages, completions, the systemd unit, an example configuration.
# PREFIX (default /usr/local) and DESTDIR as usual. An existing /etc/qfc/qfc.conf is left alone.
set -eu
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
dest=${DESTDIR:-}
bin=$prefix/bin
libexec=$prefix/libexec/qfc

install -D -m 755 target/release/qfc_tgt "$dest$bin/qfc_tgt"
install -D -m 755 target/release/qfc "$dest$bin/qfc"
install -D -m 755 target/release/qfc_fabric "$dest$bin/qfc_fabric"
install -D -m 755 scripts/setup.sh "$dest$libexec/setup.sh"
install -D -m 755 scripts/rpc.py "$dest$bin/qfc-rpc"

mkdir -p "$dest$prefix/share/man/man8" "$dest$prefix/share/man/man1"
target/release/qfc_tgt --man > "$dest$prefix/share/man/man8/qfc_tgt.8"
target/release/qfc_fabric --man > "$dest$prefix/share/man/man8/qfc_fabric.8"
target/release/qfc man > "$dest$prefix/share/man/man1/qfc.1"
completions() { # program shell file
    mkdir -p "$(dirname "$3")"
    if [ "$1" = qfc ]; then target/release/qfc completions "$2" > "$3"; else "target/release/$1" --completions "$2" > "$3"; fi
}
for program in qfc_tgt qfc_fabric qfc; do
    completions $program bash "$dest$prefix/share/bash-completion/completions/$program"
    completions $program zsh "$dest$prefix/share/zsh/site-functions/_$program"
    completions $program fish "$dest$prefix/share/fish/vendor_completions.d/$program.fish"
done

mkdir -p "$dest/etc/systemd/system"
for unit in qfc_tgt qfc_fabric; do
    sed -e "s|@bin@|$bin|g" -e "s|@libexec@|$libexec|g" "scripts/systemd/$unit.service" > "$dest/etc/systemd/system/$unit.service"
done
[ -e "$dest/etc/qfc/qfc.conf" ] || install -D -m 644 docs/examples/qfc.conf "$dest/etc/qfc/qfc.conf"
echo "installed under $dest$prefix; start with: systemctl enable --now qfc_tgt (configuration: /etc/qfc/qfc.conf)"
