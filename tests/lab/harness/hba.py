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


@dataclasses.dataclass(frozen=True)
class Hba:
    letter: str
    fabric: int
    priority: str
    sockets: pathlib.Path  # folder

    @property
    def wwpn(self) -> str:
        return f"21000024ff7f00{ord(self.letter) - ord('a') + 0xA:02x}"

    @property
    def wwnn(self) -> str:
        return "20" + self.wwpn[2:]

    @property
    def socket(self) -> pathlib.Path:
        return self.sockets / f"hba-{self.letter}.sock"

    def create(self) -> tuple:
        """The call that makes it."""
        return "fabric_hba_create", {
            "name": f"hba-{self.letter}", "fabric": f"fabric{self.fabric}", "socket": str(self.socket),
            "wwpn": self.wwpn, "wwnn": self.wwnn, "fc4_priority": self.priority,
        }  # fmt: skip

    def for_guest(self) -> str:
        return f"{self.letter}:{self.fabric}:{self.priority}:{self.wwpn}"


def hbas(name: str, sockets: pathlib.Path) -> tuple:
    """Two tuples of HBAs: of the first guest, and of the second."""
    return tuple(tuple(Hba(w[0], int(w[1]), w[2:], sockets) for w in words.split()) for words in SETS[name])


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
