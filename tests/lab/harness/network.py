"""A private network of two: this process and its guest.

The lab moves itself into a network namespace of its own with two tap devices in
it, both with addresses; FCoE uses either, too. Target and QEMU are started from there, so no port, address or route of the
machine is touched, several labs run side by side, and the target listens on an
address that the guest reaches under the same name: what a discovery log says
is true for the guest as well.
"""

import ctypes
import fcntl
import os
import socket
import struct

from .places import LabError

HOST = "192.168.77.1"
GUEST = "192.168.77.2/24"
# on the second: the guest takes its address when a scenario wants two ways to the target
HOST2 = "192.168.78.1"
GUEST2 = "192.168.78.2/24"
MASK = "255.255.255.0"

# include/uapi/linux: sched.h, if_tun.h, sockios.h, if.h
CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
SIOCSIFMTU, SIOCSIFTXQLEN = 0x8922, 0x8943
IFF_UP = 1
MTU = 2500  # room for the largest Fibre Channel frame
# Frames that wait for the guest. Fibre Channel takes lost frames for a fault of the fabric, and a lossless Ethernet is what FCoE asks for.
QUEUE = 10000
TAPS = (b"tap0", b"tap1")


def enter() -> list:
    """Make the network; the tap devices' descriptors, for QEMU to inherit."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise LabError(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    try:
        taps = [make_tap(name) for name in TAPS]
    except OSError as error:
        raise LabError(f"no tap device (/dev/net/tun): {error}") from error
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        bring_up(control, b"lo")
        for name, address in zip(TAPS, (HOST, HOST2)):
            set_address(control, name, SIOCSIFADDR, address)
            set_address(control, name, SIOCSIFNETMASK, MASK)
            set_number(control, name, SIOCSIFMTU, MTU)
            set_number(control, name, SIOCSIFTXQLEN, QUEUE)
            bring_up(control, name)
    return taps


def make_tap(name: bytes) -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    return tap


def set_number(control: socket.socket, name: bytes, request: int, value: int) -> None:
    fcntl.ioctl(control, request, struct.pack("16si20x", name, value))


def set_up(name: str, up: bool) -> None:
    """Switch an interface of this side on or off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        bring_up(control, name.encode(), up)


def all_up() -> None:
    for name in TAPS:
        set_up(name.decode(), True)


def bring_up(control: socket.socket, name: bytes, up: bool = True) -> None:
    request = struct.pack("16sH22x", name, 0)
    flags = struct.unpack_from("16xH", fcntl.ioctl(control, SIOCGIFFLAGS, request))[0]
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", name, flags | IFF_UP if up else flags & ~IFF_UP))


def set_address(control: socket.socket, name: bytes, request: int, address: str) -> None:
    value = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
    fcntl.ioctl(control, request, struct.pack("16s16s8x", name, value))


def listening(address: str, port: int) -> bool:
    """Whether a socket of this network listens there; nothing is sent to find out."""
    wanted = "%08X:%04X" % (struct.unpack("=I", socket.inet_aton(address))[0], port)
    anywhere = "00000000:%04X" % port
    with open("/proc/self/net/tcp") as table:
        rows = (line.split() for line in table)
        return any(row[1] in (wanted, anywhere) and row[3] == "0A" for row in rows)
