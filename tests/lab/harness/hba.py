"""Virtual QLE2742s: which a guest has, and what QEMU is told of them.

An HBA has a letter, is at one of the two fabrics, and its NVRAM prefers one of
the two FC-4 types: a stock qla2xxx logs in with that one where a port has both.
"""

import dataclasses
import json
import pathlib

# By the name that a scenario gives (`# hbas: eight`): those of the guest that runs it, and those of the second guest.
SETS = {
    "usual": ("a1fcp b2fcp c1nvme d2nvme", "e1fcp f1nvme"),
    "eight": ("a1fcp b1fcp c1fcp d1fcp e1nvme f1nvme g1nvme h1nvme", ""),
}
# Those that the target may drive itself. Their names are those that its ports have otherwise.
OF_TARGET = {"t1fcp": ("21000024ff000001", "20000024ff000001"), "u2fcp": ("10000024ff000002", "20000024ff000001")}


@dataclasses.dataclass(frozen=True)
class Hba:
    letter: str
    fabric: int
    priority: str
    sockets: pathlib.Path  # folder
    names: tuple = ()

    @property
    def name(self) -> str:
        return f"hba-{self.letter}"

    @property
    def wwpn(self) -> str:
        return self.names[0] if self.names else f"21000024ff7f00{ord(self.letter) - ord('a') + 0xA:02x}"

    @property
    def wwnn(self) -> str:
        return self.names[1] if self.names else "20" + self.wwpn[2:]

    @property
    def socket(self) -> pathlib.Path:
        return self.sockets / f"{self.name}.sock"

    def create(self) -> tuple:
        """The call that makes it."""
        return "fabric_hba_create", {
            "name": self.name, "fabric": f"fabric{self.fabric}", "socket": str(self.socket),
            "wwpn": self.wwpn, "wwnn": self.wwnn, "fc4_priority": self.priority,
        }  # fmt: skip

    def for_guest(self) -> str:
        return f"{self.letter}:{self.fabric}:{self.priority}:{self.wwpn}"


def hbas(name: str, sockets: pathlib.Path) -> tuple:
    """Two tuples of HBAs: of the first guest, and of the second."""
    return tuple(tuple(made(word, sockets) for word in words.split()) for words in SETS[name])


def of_target(sockets: pathlib.Path) -> tuple:
    return tuple(made(word, sockets, names) for word, names in OF_TARGET.items())


def made(word: str, sockets: pathlib.Path, names: tuple = ()) -> Hba:
    return Hba(word[0], int(word[1]), word[2:], sockets, names)


def devices(of_guest: tuple) -> list:
    """QEMU's words: each behind a port of its own, which makes the guest number the buses in this order."""
    words = []
    for number, hba in enumerate(of_guest):
        device = {"driver": "vfio-user-pci", "bus": f"rp{number}", "socket": {"type": "unix", "path": str(hba.socket)}}
        words += ["-device", f"pcie-root-port,id=rp{number},chassis={number + 1},slot={number + 1}", "-device", json.dumps(device)]
    return words


def shared_memory(size: str) -> list:
    """Guest memory that the one who serves the HBAs can map."""
    return ["-object", f"memory-backend-memfd,id=mem,size={size},share=on"]
