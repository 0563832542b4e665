"""One virtual machine and the line on which it and the lab talk.

The guest's first serial port is its console, kept in a file. The second one is
the control line: lines of text, read and written by guest/init.

    guest: ready KERNEL-VERSION              after boot
    lab:   run SCENARIO LIMIT NAME=VALUE...  start a scenario
    lab:   part PART LIMIT NAME=VALUE...     the same for a part of one (guest/parts), without tidying up after it
    guest: host ACTION ARGUMENT...           inside it: do something on the host's side
    lab:   ok ANSWER  |  failed REASON
    guest: done STATUS REASON                its end
"""

import os
import pathlib
import select
import socket
import subprocess
import time

from . import chroot, hba, network
from .initramfs import HOST_ID
from .kernels import Kernel
from .processes import end_with_parent

BOOT_LIMIT = 300.0
MEMORY = "1G"
CPUS = 2


class GuestError(Exception):
    """The guest is lost: it has to be booted anew."""


def qemu() -> list:
    """QEMU out of the chroot, run on this machine through the chroot's own loader."""
    root = chroot.root()
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return [
        str(root / "lib64/ld-linux-x86-64.so.2"), "--library-path", str(libraries),
        str(root / "usr/bin/qemu-system-x86_64"), "-L", str(root / "usr/share/seabios"), "-L", str(root / "usr/share/qemu"),
    ]  # fmt: skip


def acceleration() -> list:
    """Emulation unless LAB_ACCEL=kvm asks for the processor's help."""
    if os.environ.get("LAB_ACCEL", "tcg") == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def machine(kernel: Kernel, initramfs, taps: list, hbas: tuple, append: str) -> list:
    """The command line of QEMU, but for its serial ports. Without an initramfs the first network adapter boots, and what the firmware says is on the console."""
    net = f" lab.net={network.GUEST}" if taps else ""
    start, more = ["-uuid", HOST_ID], ",graphics=off"
    if initramfs:
        words = f"console=ttyS0 panic=-1 net.ifnames=0 mitigations=off loglevel=5{net} {append}"
        start, more = ["-kernel", str(kernel.image), "-initrd", str(initramfs), "-append", words], ""
    return [
        *qemu(), *acceleration(), "-nodefaults", "-no-reboot", "-display", "none",
        *(hba.shared_memory(MEMORY) if hbas else []), "-machine", "q35" + (",memory-backend=mem" if hbas else "") + more,
        "-smp", str(CPUS), "-m", MEMORY, *start,
        *(word for number, tap in enumerate(taps) for word in interface(number, tap, not initramfs and number == 0)), *hba.devices(hbas),
    ]  # fmt: skip


def interface(number: int, tap: int, boots: bool) -> list:
    rom = "bootindex=0" if boots else "romfile="  # iPXE is QEMU's default, and gets the device's identity only as such
    # a ring of QEMU's largest size: what does not fit is lost
    device = f"virtio-net-pci,netdev=n{number},{rom},host_mtu={network.MTU},rx_queue_size=1024,mac=52:54:00:12:34:{0x56 + number:02x}"
    return ["-netdev", f"tap,id=n{number},fd={tap}", "-device", device]


def environment() -> dict:
    # Debian ships the emulation itself as a module of QEMU
    return {**os.environ, "QEMU_MODULE_DIR": str(chroot.root() / "usr/lib/x86_64-linux-gnu/qemu")}


class Guest:
    """A running guest."""

    def __init__(self, kernel: Kernel, initramfs, taps: list, hbas: tuple, console: pathlib.Path):
        self.kernel = kernel
        self.hbas = hbas
        self.console = console
        self.version = kernel.short
        self.line, theirs = socket.socketpair()
        self.received = b""
        serial = ["-serial", f"file:{console}", "-chardev", f"socket,id=control,fd={theirs.fileno()}", "-serial", "chardev:control"]
        with open(console.with_suffix(".qemu"), "wb") as messages:
            self.process = subprocess.Popen(
                machine(kernel, initramfs, taps, hbas, "") + serial,
                stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, env=environment(),
                pass_fds=(theirs.fileno(), *taps), preexec_fn=end_with_parent,
            )  # fmt: skip
        theirs.close()

    def wait_ready(self) -> None:
        """Until its init asks for work."""
        words = self.receive(time.monotonic() + BOOT_LIMIT).split()
        if words[:1] != ["ready"] or len(words) != 2:
            raise GuestError(f"guest said {' '.join(words)!r} instead of ready")
        self.version = words[1]

    def send(self, text: str) -> None:
        try:
            self.line.sendall(text.encode() + b"\n")
        except OSError as error:
            raise GuestError(f"guest is gone: {error}") from error

    def receive(self, deadline: float) -> str:
        """The next line of the guest."""
        while b"\n" not in self.received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.line], [], [], left)[0]:
                raise GuestError("guest does not answer")
            part = self.line.recv(4096)
            if not part:
                raise GuestError("guest ended (a kernel panic?)")
            self.received += part
        text, _, self.received = self.received.partition(b"\n")
        return text.decode(errors="replace").strip()

    def console_size(self) -> int:
        return self.console.stat().st_size if self.console.exists() else 0

    def end(self) -> None:
        """Switch it off."""
        self.process.kill()
        self.process.wait()
        self.line.close()
