"""Writes initramfs archives (cpio, "newc" format), uncompressed.

Uncompressed on purpose: under emulation the guest's kernel unpacks slower
than QEMU copies. Archives may follow one another in one initramfs file.
"""

import os
import pathlib
import stat

ALIGN = 512  # also what lets one archive follow another


def padded(data: bytes, unit: int) -> bytes:
    return data + b"\0" * (-len(data) % unit)


def record(number: int, name: str, mode: int, data: bytes) -> bytes:
    """One file: header, name and contents."""
    encoded = name.encode() + b"\0"
    # inode, mode, user, group, links, time, size, device, device of a node, name size, checksum
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return padded(header + encoded, 4) + padded(data, 4)


def archive(root: pathlib.Path) -> bytes:
    """Everything below a folder, owned by root."""
    out = bytearray()
    for number, path in enumerate(sorted(root.rglob("*")), 1):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            data = os.readlink(path).encode()
        else:
            data = path.read_bytes() if stat.S_ISREG(mode) else b""
        out += record(number, str(path.relative_to(root)), mode, data)
    out += record(0, "TRAILER!!!", 0, b"")
    return padded(bytes(out), ALIGN)
