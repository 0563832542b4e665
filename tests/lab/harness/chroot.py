"""A small Debian 13 tree: the lab's QEMU and the programs of its guests.

Nothing is installed on this machine. The tree is made by debootstrap (itself
only unpacked when it is not installed) and extended by its own apt, which also
fetches the kernels of the other releases.
"""

import os
import pathlib
import shutil
import subprocess
import time

from . import mirror
from .places import LabError, cache, step

RELEASE = "trixie"
BACKPORTS = "trixie-backports"
OLDER = "bookworm"
# What the guests run; QEMU comes from the backports because later scenarios need a recent one.
PACKAGES = [
    "qemu-system-x86", "busybox-static", "kmod", "nvme-cli", "fio", "e2fsprogs", "util-linux", "iproute2", "dash",
    "sg3-utils", "lsscsi", "dmsetup", "udev", "open-iscsi", "multipath-tools", "sdparm",
    # boot from SAN: what QEMU's network adapters boot with, and what makes the image of an installed guest
    "ipxe-qemu", "grub-common", "grub-pc-bin", "initramfs-tools",
]  # fmt: skip
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LISTS_MAX_AGE = 24 * 3600


def root() -> pathlib.Path:
    return cache() / "trixie"


def run(*command: str) -> str:
    """Run a command inside the tree; its output, or an error that shows it."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", **proxies()}
    environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    return checked(["chroot", str(root()), *command], env=environment)


def checked(command, **options) -> str:
    """Run a command to its end; what it printed, or a LabError with its last lines."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    if done.returncode:
        tail = "\n  ".join(done.stdout.splitlines()[-12:])
        raise LabError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n  {tail}")
    return done.stdout


def proxies() -> dict:
    """debootstrap reads its proxies from the environment, apt from its settings."""
    found = mirror.settings()
    pairs = (("http_proxy", "Acquire::http::Proxy"), ("https_proxy", "Acquire::https::Proxy"))
    return {name: found[key] for name, key in pairs if key in found and name not in os.environ}


def debootstrap() -> tuple:
    """The debootstrap command and its environment; unpacked when not installed."""
    installed = shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if installed:
        return installed, {}
    place = cache() / "debootstrap"
    if not place.exists():
        download = cache() / "download"
        download.mkdir(exist_ok=True)
        fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "debootstrap"]
        try:
            checked(fetch, cwd=download)
        except LabError:  # a fresh machine has no package lists yet
            checked(["apt-get", "-qq", "update"])
            checked(fetch, cwd=download)
        checked(["dpkg", "-x", str(next(download.glob("debootstrap_*.deb"))), str(place)])
    return str(place / "usr/sbin/debootstrap"), {"DEBOOTSTRAP_DIR": str(place / "usr/share/debootstrap")}


def prepare() -> None:
    """Make the tree unless it is there; add packages that it lacks."""
    done = root() / "lab-done"
    if done.exists():
        if missing := sorted(set(PACKAGES) - set(done.read_text().split())):
            install(missing)
        return
    source = mirror.mirror()
    with step(f"fetching Debian {RELEASE} (base system)", root()):
        bootstrap(source)
    configure(source)
    install(PACKAGES)


def install(packages: list) -> None:
    refresh()
    with step("fetching QEMU and the guests' programs", root()):
        run("apt-get", "install", "-y", "--no-install-recommends", "-t", BACKPORTS, *packages)
        run("apt-get", "clean")
    (root() / "lab-done").write_text("\n".join(PACKAGES) + "\n")


def bootstrap(source: str) -> None:
    shutil.rmtree(root(), ignore_errors=True)
    command, extra = debootstrap()
    https = source.startswith("https:")
    checked(
        [command, "--variant=minbase", f"--keyring={KEYRING}", *(["--include=ca-certificates"] if https else []),
         RELEASE, str(root()), source],
        env={**os.environ, **proxies(), **extra},
    )  # fmt: skip
    authorities = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    if https and authorities.exists():  # a mirror of a private authority must stay reachable
        shutil.copy(authorities, root() / "etc/ssl/certs/ca-certificates.crt")


def configure(source: str) -> None:
    """No services, no documentation; three releases to choose kernels from."""
    policy = root() / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    left_out = ("doc", "man", "locale", "info")
    (root() / "etc/dpkg/dpkg.cfg.d/lab").write_text("".join(f"path-exclude /usr/share/{name}/*\n" for name in left_out))
    (root() / "etc/apt/sources.list").write_text(
        "".join(f"deb [signed-by={KEYRING}] {source} {suite} main\n" for suite in (RELEASE, BACKPORTS, OLDER))
    )
    settings = "".join(f'{key} "{value}";\n' for key, value in mirror.settings().items())
    (root() / "etc/apt/apt.conf.d/90lab").write_text(
        settings + 'Acquire::Languages "none";\nAPT::Sandbox::User "root";\nAPT::Install-Recommends "false";\n'
    )
    refresh(force=True)


def refresh(force: bool = False) -> None:
    """Bring the package lists up to date when they are older than a day."""
    lists = root() / "var/lib/apt/lists"
    if force or time.time() - lists.stat().st_mtime > LISTS_MAX_AGE:
        run("apt-get", "update")
        os.utime(lists)
