"""Which Debian mirror this machine's own apt uses.

The lab names no mirror of its own: it takes the first source of this machine
that carries Debian's `main`, in either of apt's two source formats.
"""

import pathlib
import subprocess

from .places import LabError

SOURCES = pathlib.Path("/etc/apt")
# apt settings that decide whether and how a mirror is reached, copied into the chroot
PASSED_ON = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")


def deb822(text: str):
    """(uri, suites, components) of each stanza of a .sources file."""
    for stanza in text.split("\n\n"):
        fields = dict(
            (key.strip().lower(), value.split())
            for key, colon, value in (line.partition(":") for line in stanza.splitlines() if not line.startswith("#"))
            if colon and not key.startswith((" ", "\t"))
        )
        if "deb" in fields.get("types", []):
            for uri in fields.get("uris", []):
                yield uri, fields.get("suites", []), fields.get("components", [])


def one_line(text: str):
    """(uri, suites, components) of each line of a sources.list."""
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words[:1] != ["deb"]:
            continue
        if words[1].startswith("["):
            while not words[1].endswith("]"):
                del words[1]
            del words[1]
        yield words[1], [words[2]], words[3:]


def sources():
    """All binary package sources of this machine."""
    parts = SOURCES / "sources.list.d"
    for file in [SOURCES / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]:
        if file.is_file():
            yield from (deb822 if file.suffix == ".sources" else one_line)(file.read_text())


def mirror() -> str:
    """The address of a Debian mirror that this machine uses."""
    release = dict(
        line.partition("=")[::2] for line in pathlib.Path("/etc/os-release").read_text().splitlines()
    )
    if release.get("ID", "").strip('"') != "debian":
        raise LabError("this machine is not Debian: its apt names no mirror of Debian kernels")
    name = release.get("VERSION_CODENAME", "").strip('"')
    for uri, suites, components in sources():
        if "main" in components and name in suites:
            return resolve(uri)
    raise LabError(f"no source of {name} main found below {SOURCES}")


def resolve(uri: str) -> str:
    """`mirror+file:PATH` names a list of mirrors (cloud images use it): take its first."""
    prefix = "mirror+file:"
    if uri.startswith(prefix):
        path = pathlib.Path("/" + uri[len(prefix):].lstrip("/"))
        uri = path.read_text().split()[0]
    return uri.rstrip("/")


def settings() -> dict:
    """The apt settings of this machine that the chroot's apt needs too."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
    found = {}
    for line in dump.splitlines():
        key, _, value = line.partition(" ")
        value = value.strip().rstrip(";").strip('"')
        if key in PASSED_ON and value:
            found[key] = value
    return found
