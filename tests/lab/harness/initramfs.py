"""The guests' file system: programs out of the chroot, modules out of a kernel.

The base image of a kernel is built once and kept (its name holds a digest of
all that went into it); the guest's own scripts are put behind it at every run,
so that editing a scenario costs nothing.
"""

import hashlib
import lzma
import os
import pathlib
import re
import shutil
import subprocess

from . import chroot, cpio
from .kernels import Kernel
from .places import LAB, LabError, cache, forget_unused, step

BASE_MODULES = ["virtio_pci", "virtio_net", "nvme_tcp", "ext4", "crc32c_generic", "crc32c_cryptoapi"]
PROGRAMS = [
    "dash", "modprobe", "nvme", "fio", "mkfs.ext4", "e2fsck", "blkdiscard", "blockdev", "mount", "umount", "ip", "timeout", "od", "cmp",
    "lsscsi", "sg_inq", "sg_vpd", "sg_luns", "sg_opcodes", "sg_rtpg", "sg_reset", "sg_turs", "sg_readcap", "sg_write_same", "sg_unmap",
    "sg_raw", "dmsetup", "udevadm", "sg_persist", "sg_xcopy", "sg_copy_results", "sg_compare_and_write", "sg_get_lba_status",
    "sg_verify", "sg_write_verify", "sg_modes", "sg_wr_mode", "sdparm", "sg_logs", "sg_sanitize", "sg_stpg", "sg_requests", "sg_start",
    "sg_sync", "sg_prevent", "sg_timestamp", "sg_senddiag", "sg_write_x", "sg_dd", "sg_format", "sg_read_block_limits", "sg_decode_sense",
    "fstrim", "fallocate", "resize2fs", "iscsiadm", "iscsid", "iscsistart", "multipath", "multipathd",
]  # fmt: skip
# libraries that programs load by name while they run; ldd does not know them
LOADED_LATER = ["/usr/lib/x86_64-linux-gnu/libgcc_s.so.1"] + [
    f"/usr/lib/multipath/lib{name}.so" for name in ("checktur", "prioalua", "prioconst", "priosysfs", "foreign-nvme")
]
# what udev does when a port with subsystems comes, or a disk and a multipath device
DATA = [
    *(f"/usr/lib/udev/rules.d/{name}.rules" for name in (
        "70-nvmf-autoconnect", "50-udev-default", "55-dm", "55-scsi-sg3_id", "56-dm-mpath", "60-multipath", "60-persistent-storage",
        "60-persistent-storage-dm", "95-dm-notify", "99-z-dm-mpath-late")),
    "/usr/lib/udev/scsi_id", "/etc/iscsi/iscsid.conf",
]  # fmt: skip
FOLDERS = ["bin", "dev", "proc", "sys", "etc/nvme", "etc/iscsi", "etc/multipath", "var/lib", "root", "lab", "mnt", "run", "tmp", "usr/bin", "usr/lib", "usr/lib64"]
LINKS = {"lib": "usr/lib", "lib64": "usr/lib64", "sbin": "bin", "usr/sbin": "bin"}
HOST_ID = "00000000-0000-4000-8000-0000000000a1"
FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/mtab": "",
    "etc/mke2fs.conf": "[defaults]\n base_features = sparse_super,filetype,resize_inode,dir_index,ext_attr\n"
    "[fs_types]\n ext4 = {\n  features = has_journal,extent,64bit,metadata_csum\n  inode_size = 256\n }\n",
    "etc/nvme/hostnqn": f"nqn.2014-08.org.nvmexpress:uuid:{HOST_ID}\n",
    "etc/nvme/hostid": f"{HOST_ID}\n",
}


def base(kernel: Kernel, modules: list) -> pathlib.Path:
    """The image of a kernel with at least these modules; built when it is not there."""
    modules = sorted(set(BASE_MODULES) | set(modules))
    recipe = repr((kernel.version, modules, PROGRAMS, LOADED_LATER, DATA, FOLDERS, LINKS, FILES, source_digest()))
    image = cache() / f"initramfs-{kernel.name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}.img"
    if not image.exists():
        forget_unused("initramfs-*.img")  # not all: another tree may use another recipe
        with step(f"building the initramfs of kernel {kernel.name}", image):
            build(kernel, modules, image)
    os.utime(image)
    return image


def source_digest() -> str:
    """This file and the archive writer are part of every image."""
    return hashlib.sha256(b"".join(pathlib.Path(f).read_bytes() for f in (__file__, cpio.__file__))).hexdigest()


def add_scripts(tree: pathlib.Path) -> None:
    shutil.copytree(LAB / "guest", tree / "lab", dirs_exist_ok=True)
    shutil.copytree(LAB / "scenarios", tree / "lab/scenarios")
    shutil.move(tree / "lab/init", tree / "init")
    (tree / "init").chmod(0o755)


def with_scripts(image: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """The image with init, its library and the scenarios behind it."""
    tree = work / "scripts"
    add_scripts(tree)
    whole = work / "initramfs.img"
    with open(whole, "wb") as out, open(image, "rb") as first:
        shutil.copyfileobj(first, out)
        out.write(cpio.archive(tree))
    shutil.rmtree(tree)
    return whole


def build(kernel: Kernel, modules: list, image: pathlib.Path) -> None:
    """Put the tree together inside the chroot, where depmod and ldd can see it."""
    inside = pathlib.Path("/var/tmp/initramfs")
    tree = chroot.root() / inside.relative_to("/")
    shutil.rmtree(tree, ignore_errors=True)
    skeleton(tree)
    for program in PROGRAMS:
        add_program(tree, program)
    for path in (*LOADED_LATER, *DATA):
        add_file(tree, path)
    shutil.copy(chroot.root() / "bin/busybox", tree / "bin/busybox")
    add_modules(kernel, modules, tree / "usr/lib/modules" / kernel.version)
    chroot.run("depmod", "-b", str(inside), kernel.version)
    partial = image.with_suffix(".part")
    partial.write_bytes(cpio.archive(tree))
    partial.rename(image)
    shutil.rmtree(tree)


def skeleton(tree: pathlib.Path) -> None:
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    for link, to in LINKS.items():
        (tree / link).symlink_to(to)
    for name, text in FILES.items():
        (tree / name).write_text(text)


def add_file(tree: pathlib.Path, path: str) -> None:
    """Copy one file of the chroot, links resolved, to the same place."""
    there = tree / path.lstrip("/")
    if not there.exists():
        there.parent.mkdir(parents=True, exist_ok=True)
        source = chroot.run("readlink", "-f", path).strip()
        shutil.copy(chroot.root() / source.lstrip("/"), there)


def add_program(tree: pathlib.Path, name: str) -> None:
    """A program and the libraries that it is linked with."""
    path = chroot.run("sh", "-c", f"command -v {name}").strip()
    add_file(tree, path)
    if path.startswith(("/usr/sbin/", "/sbin/", "/bin/")):  # one folder for all in the guest
        (tree / path.lstrip("/")).rename(tree / "usr/bin" / name)
    linked = subprocess.run(["chroot", str(chroot.root()), "/usr/bin/ldd", path], capture_output=True, text=True).stdout
    for library in re.findall(r"/\S+\.so\S*", linked):
        add_file(tree, library)


def key(name: str) -> str:
    return re.sub(r"\.ko(\.\w+)?$", "", name).replace("-", "_")


def add_modules(kernel: Kernel, wanted: list, place: pathlib.Path) -> None:
    """The modules with all that they depend on, unpacked: emulation would take long for it."""
    known = {key(file.name): file for file in kernel.modules.rglob("*.ko*")}
    todo, done = [name.replace("-", "_") for name in wanted], set()
    while todo:
        name = todo.pop()
        if name in done or name not in known:  # not known: built in, or absent from this kernel
            continue
        done.add(name)
        content = unpacked(known[name])
        there = place / re.sub(r"\.xz$", "", str(known[name].relative_to(kernel.modules)))
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
        todo += needs(content)
    for index in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (kernel.modules / index).exists():
            shutil.copy(kernel.modules / index, place)


def needs(content: bytes) -> list:
    """The `depends=` and `softdep=` strings of a module (its .modinfo section)."""
    names = b",".join(re.findall(rb"\0depends=([^\0]*)\0", content)).decode().split(",")
    for soft in re.findall(rb"\0softdep=([^\0]*)\0", content):
        names += re.sub(r"\b(pre|post):", "", soft.decode()).split()
    return [name.replace("-", "_") for name in names if name]


def unpacked(module: pathlib.Path) -> bytes:
    data = module.read_bytes()
    if module.suffix == ".xz":
        return lzma.decompress(data)
    if module.suffix != ".ko":
        raise LabError(f"{module}: compressed in a way that the lab does not know")
    return data
