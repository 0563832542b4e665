"""Stock Debian kernels as plain files: unpacked, never installed.

A kernel of the lab is named by the start of its version (`6.1`, `6.12`, `7`).
The packages are those that `linux-image-amd64` of that version depends on; up
to 6.x that is one package with boot/vmlinuz-*, from 7.x on several, with the
image inside the module folder.
"""

import dataclasses
import pathlib
import re
import shutil

from . import chroot
from .places import LabError, cache, step

# name -> the Debian release that it is taken from
KERNELS = {"6.1": chroot.OLDER, "6.12": chroot.RELEASE, "7": chroot.BACKPORTS}
PARTS = re.compile(r"linux-(image|binary|modules)-[0-9]")


@dataclasses.dataclass(frozen=True)
class Kernel:
    """An unpacked kernel."""

    name: str
    image: pathlib.Path
    modules: pathlib.Path

    @property
    def version(self) -> str:
        """`uname -r`, the name of the module folder."""
        return self.modules.name

    @property
    def short(self) -> str:
        """The version without Debian's suffix, for result lines."""
        return re.match(r"[0-9.]+", self.version).group().rstrip(".")


def find(name: str):
    """The kernel, if it has been unpacked."""
    place = cache() / f"kernel-{name}"
    images = sorted(place.rglob("vmlinuz*"))
    modules = [d for d in sorted(place.glob("**/lib/modules/*")) if (d / "kernel").is_dir()]
    if images and modules:
        return Kernel(name, images[0], modules[0])
    return None


def prepare(name: str) -> Kernel:
    """Fetch and unpack a kernel unless it is there."""
    found = find(name)
    if found:
        return found
    chroot.refresh()
    packages = closure(name)
    place, work = cache() / f"kernel-{name}", chroot.root() / "var/tmp/kernel"
    shutil.rmtree(work, ignore_errors=True)
    (work / "tree").mkdir(parents=True)
    with step(f"fetching kernel {name} ({KERNELS[name]}: {', '.join(packages)})", place):
        chroot.run("sh", "-c", f"cd /var/tmp/kernel && apt-get -qq download {' '.join(packages)}")
        for package in sorted(work.glob("*.deb")):
            chroot.run("dpkg-deb", "-x", f"/var/tmp/kernel/{package.name}", "/var/tmp/kernel/tree")
        shutil.rmtree(place, ignore_errors=True)
        (work / "tree").rename(place)
        shutil.rmtree(work)
    found = find(name)
    if not found:
        raise LabError(f"no image and modules in {', '.join(packages)}")
    return found


def stanzas(package: str):
    """The fields of each known version of a package."""
    for text in chroot.run("apt-cache", "show", package).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in text.splitlines() if re.match(r"[A-Z][A-Za-z-]*: ", line))
        if "Version" in fields:
            yield fields


def depends(package: str, wanted: str) -> list:
    """Packages with kernel files that the newest matching version of `package` needs."""
    versions = [fields for fields in stanzas(package) if fields["Version"].startswith(wanted)]
    if not versions:
        raise LabError(f"{package} {wanted}* is in none of the releases that the lab knows")
    # apt lists the newest of a package first
    words = (part.split()[0] for part in re.split(r"[,|]", versions[0].get("Depends", "")) if part.strip())
    return [word for word in words if PARTS.match(word)]


def closure(name: str) -> list:
    """All packages that hold the kernel's files."""
    wanted = name + "."
    found, todo = [], depends("linux-image-amd64", wanted)
    while todo:
        package = todo.pop()
        if package not in found:
            found.append(package)
            todo += depends(package, wanted)
    return sorted(found)
