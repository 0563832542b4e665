"""Boot from SAN: the image of an installed guest, and the DHCP server that says where its disk is.

The disk is what Debian's tools make: GRUB in front of the first partition, a
stock kernel, an initramfs by initramfs-tools with open-iscsi's own scripts. Its
root holds what the other guests have in their initramfs, so scenarios run on it.
A guest of it has no disk: QEMU's network adapter boots by iPXE.
"""

import hashlib
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile

from . import chroot, initramfs, network
from .kernels import Kernel
from .places import cache, forget_unused, step
from .processes import end_with_parent

DISK_MIB = 256
PARTITION = 2048  # its first block
MODULES = ["virtio_pci", "virtio_net", "iscsi_tcp", "iscsi_ibft", "sd_mod", "ext4", "crc32c"]
GRUB_MODULES = ["biosdisk", "part_msdos", "ext2", "linux", "normal", "configfile", "serial", "terminal"]
APPEND = "console=ttyS0 panic=-1 net.ifnames=0 mitigations=off loglevel=5 init=/init"
GRUB_CONFIG = f"""\
serial --unit=0
terminal_output serial
linux /boot/vmlinuz root=LABEL=san rw iscsi_auto {APPEND}
initrd /boot/initrd.img
boot
"""
# one address; option 17 is what says where the root is (RFC 4173)
DHCP_CONFIG = """\
interface tap0
start {address}
end {address}
option subnet {mask}
option lease 3600
option rootpath iscsi:{server}::::{target}
lease_file {folder}/dhcp.leases
pidfile {folder}/dhcp.pid
"""


def initrd(kernel: Kernel) -> pathlib.Path:
    """The initramfs that Debian's mkinitramfs makes for a machine with its root on iSCSI; kept."""
    digest = hashlib.sha256(repr((kernel.version, MODULES)).encode()).hexdigest()[:12]
    made = cache() / f"san-initrd-{kernel.name}-{digest}.img"
    if not made.exists():
        forget_unused("san-initrd-*.img")
        with step(f"building a stock initramfs of kernel {kernel.name}", made):
            make_initrd(kernel, made)
    os.utime(made)
    return made


def make_initrd(kernel: Kernel, made: pathlib.Path) -> None:
    modules = chroot.root() / "usr/lib/modules" / kernel.version
    modules.parent.mkdir(exist_ok=True)
    shutil.rmtree(modules, ignore_errors=True)
    shutil.copytree(kernel.modules, modules, copy_function=os.link)
    with tempfile.TemporaryDirectory(prefix="san-", dir=chroot.root() / "var/tmp") as name:
        inside = f"/var/tmp/{pathlib.Path(name).name}"
        settings = pathlib.Path(name) / "settings"
        shutil.copytree(chroot.root() / "etc/initramfs-tools", settings)
        (settings / "modules").write_text("\n".join(MODULES) + "\n")
        (settings / "conf.d/lab").write_text("MODULES=list\n")
        chroot.run("depmod", kernel.version)
        chroot.run("mkinitramfs", "-d", f"{inside}/settings", "-o", f"{inside}/initrd.img", kernel.version)
        shutil.move(pathlib.Path(name) / "initrd.img", made)
    shutil.rmtree(modules)


def disk(kernel: Kernel, base: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """The disk of an installed guest: made anew, for scripts change."""
    made = work / "san.img"
    stock = initrd(kernel)
    with tempfile.TemporaryDirectory(prefix="san-", dir=chroot.root() / "var/tmp") as name:
        place, inside = pathlib.Path(name), f"/var/tmp/{pathlib.Path(name).name}"
        tree = place / "root"
        tree.mkdir()
        shutil.copy(base, place / "base.img")
        chroot.run("sh", "-c", f"cd {inside}/root && busybox cpio -idm < ../base.img")
        initramfs.add_scripts(tree)
        (tree / "boot/grub").mkdir(parents=True)
        shutil.copy(kernel.image, tree / "boot/vmlinuz")
        shutil.copy(stock, tree / "boot/initrd.img")
        (tree / "boot/grub/grub.cfg").write_text(GRUB_CONFIG)
        (tree / "etc/fstab").write_text("LABEL=san / ext4 defaults,_netdev 0 1\n")
        with open(place / "disk.img", "wb") as image:
            image.truncate(DISK_MIB << 20)
        chroot.run(
            "mke2fs", "-q", "-F", "-t", "ext4", "-L", "san", "-O", "^orphan_file,^metadata_csum_seed", "-d", f"{inside}/root",
            "-E", f"offset={PARTITION * 512}", f"{inside}/disk.img", f"{DISK_MIB - 1}M",
        )  # fmt: skip
        chroot.run("grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", f"{inside}/core.img", *GRUB_MODULES)
        make_bootable(place / "disk.img", (place / "core.img").read_bytes())
        shutil.move(place / "disk.img", made)
    return made


def make_bootable(image: pathlib.Path, core: bytes) -> None:
    """GRUB's first block with a table of one partition, and GRUB between it and the partition, where the first block looks for it."""
    first = (chroot.root() / "usr/lib/grub/i386-pc/boot.img").read_bytes()[:440]
    assert len(core) <= (PARTITION - 1) * 512
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", PARTITION, (DISK_MIB << 11) - PARTITION)
    with open(image, "r+b") as out:
        out.write(first.ljust(446, b"\0") + entry + bytes(48) + b"\x55\xaa" + core)


class Dhcp:
    """Busybox's DHCP server on the guests' first Ethernet."""

    def __init__(self, folder: pathlib.Path, target: str):
        self.config = folder / "dhcp.conf"
        address = network.GUEST.partition("/")[0]
        self.config.write_text(
            DHCP_CONFIG.format(address=address, mask=network.MASK, server=network.HOST, target=target, folder=folder)
        )
        (folder / "dhcp.leases").touch()
        self.log = folder / "dhcp.log"
        self.process = None

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [chroot.root() / "bin/busybox", "udhcpd", "-f", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent,
            )  # fmt: skip

    def end(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None
