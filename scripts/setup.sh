#!/bin/sh
# Prepares a machine for qfc_tgt: hugepages, and PCI functions for user space. Gives both back. Safe to run again.
#
#   scripts/setup.sh [MiB]            reserve so many MiB of 2 MiB hugepages (default 256), if they are not free already
#   scripts/setup.sh reset            give back what is free
#   scripts/setup.sh status           say what there is: hugepages, Fibre Channel adapters and whose they are
#   scripts/setup.sh bind ADDRESS     take a PCI function (0000:3b:00.0) from the kernel's driver and give it to vfio-pci.
#                                     Everything that the kernel reaches through it is cut off. A restart of the machine undoes it.
#   scripts/setup.sh unbind ADDRESS   give it back to the kernel's own driver
#
# Needs root, or sudo without a password; otherwise it says so and changes nothing (exit status 1).
# SYSFS names another root than /sys, for tests.
set -eu

sys=${SYSFS:-/sys}
dir=$sys/kernel/mm/hugepages/hugepages-2048kB
pci=$sys/bus/pci

die() { echo "setup.sh: $*" >&2; exit 1; }
usage() { die "usage: scripts/setup.sh [MiB | reset | status | bind ADDRESS | unbind ADDRESS]"; }
free_pages() { cat "$dir/free_hugepages"; }
total_pages() { cat "$dir/nr_hugepages"; }
can_sudo() { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }

# write FILE TEXT WHAT-IT-NEEDS-ROOT-FOR
write() {
    if [ -w "$1" ]; then echo "$2" > "$1"
    elif can_sudo; then echo "$2" | sudo -n tee "$1" >/dev/null
    else die "$3"
    fi
}

write_total() { write "$dir/nr_hugepages" "$1" "reserving hugepages needs root: run 'sudo scripts/setup.sh', or start qfc_tgt with --no-huge"; }
need_hugepages() { [ -d "$dir" ] || die "this kernel has no 2 MiB hugepages: start qfc_tgt with --no-huge"; }

reserve() {
    need_hugepages
    want=$(( ($1 + 1) / 2 ))
    missing=$(( want - $(free_pages) ))
    [ "$missing" -le 0 ] || write_total $(( $(total_pages) + missing ))
    have=$(free_pages)
    [ "$have" -ge "$want" ] || die "asked for $1 MiB of hugepages, found $(( have * 2 )) MiB free: memory is too fragmented or too small; free some, or start qfc_tgt with --no-huge"
    echo "hugepages: $(( have * 2 )) MiB free of $(( $(total_pages) * 2 )) MiB reserved"
}

# The name of the driver that has a function, or nothing.
driver_of() { [ ! -e "$pci/devices/$1/driver" ] || basename "$(readlink "$pci/devices/$1/driver")"; }

function_of() {
    case "$1" in *:*:*.*) address=$1 ;; *:*.*) address=0000:$1 ;; *) die "'$1' is no PCI address; one looks like 0000:3b:00.0" ;; esac
    address=$(echo "$address" | tr 'A-F' 'a-f')
    case "$address" in */*) die "'$1' is no PCI address" ;; esac
    [ -e "$pci/devices/$address/vendor" ] || die "there is no PCI function $address; scripts/setup.sh status lists Fibre Channel adapters, lspci -Dnn all"
}

# Gives the function to the driver named (none: the kernel's choice).
hand_over() {
    root="changing the driver of $address needs root: run 'sudo scripts/setup.sh ...'"
    write "$pci/devices/$address/driver_override" "$1" "$root"
    [ -z "$(driver_of "$address")" ] || write "$pci/devices/$address/driver/unbind" "$address" "$root"
    write "$pci/drivers_probe" "$address" "$root"
}

# Filesystems and the like on what the function reaches.
in_use() {
    for block in "$pci/devices/$1"/host*/target*/*/block/* "$pci/devices/$1"/host*/rport*/target*/*/block/* "$pci/devices/$1"/nvme/nvme*/nvme*n*; do
        [ -e "$block" ] || continue
        ! grep -qs "^/dev/$(basename "$block")" /proc/mounts || { basename "$block"; return; }
    done
}

bind() {
    function_of "$1"
    [ "$(driver_of "$address")" != vfio-pci ] || { echo "$address: vfio-pci has it already"; return; }
    [ -e "$pci/devices/$address/iommu_group" ] || die "$address: no IOMMU is in use: turn VT-d or AMD-Vi on in the firmware's setup, and boot with intel_iommu=on (Intel)"
    disk=$(in_use "$address")
    [ -z "$disk" ] || die "$address: $disk is mounted and reached through it; unmount it first"
    if [ ! -e "$pci/drivers/vfio-pci" ]; then
        if [ "$(id -u)" = 0 ]; then modprobe vfio-pci || true; elif can_sudo; then sudo -n modprobe vfio-pci || true; fi
        [ -e "$pci/drivers/vfio-pci" ] || die "the kernel's vfio-pci cannot be loaded: run 'sudo modprobe vfio-pci'"
    fi
    was=$(driver_of "$address")
    hand_over vfio-pci
    [ "$(driver_of "$address")" = vfio-pci ] || die "$address: vfio-pci did not take it (see dmesg); scripts/setup.sh unbind $address gives it back"
    echo "$address: vfio-pci has it${was:+ ($was had it)}"
}

unbind() {
    function_of "$1"
    hand_over ""
    now=$(driver_of "$address")
    echo "$address: ${now:-no driver} has it"
}

status() {
    if [ -d "$dir" ]; then echo "hugepages: $(( $(free_pages) * 2 )) MiB free of $(( $(total_pages) * 2 )) MiB reserved"
    else echo "hugepages: this kernel has none of 2 MiB"
    fi
    adapters=0
    for function in "$pci/devices"/*; do
        [ -e "$function/class" ] || continue
        case "$(cat "$function/class")" in 0x0c04*) ;; *) continue ;; esac
        adapters=$((adapters + 1))
        has=$(driver_of "$(basename "$function")")
        group=$([ -e "$function/iommu_group" ] && basename "$(readlink "$function/iommu_group")" || echo none)
        echo "$(basename "$function"): Fibre Channel $(sed s/0x// "$function/vendor"):$(sed s/0x// "$function/device"), driver ${has:-none}, IOMMU group $group"
    done
    [ "$adapters" -gt 0 ] || echo "Fibre Channel adapters: none"
}

case "${1:-256}" in
    status) status ;;
    reset) need_hugepages; write_total $(( $(total_pages) - $(free_pages) )); echo "hugepages: $(( $(total_pages) * 2 )) MiB left reserved (in use)" ;;
    bind) [ $# = 2 ] || usage; bind "$2" ;;
    unbind) [ $# = 2 ] || usage; unbind "$2" ;;
    *[!0-9]*) usage ;;
    *) reserve "${1:-256}" ;;
esac
