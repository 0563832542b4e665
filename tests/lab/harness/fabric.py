"""The switch of the HBAs: `qfc_fabric` with two fabrics, their sockets, and the virtual HBAs.

It lives as long as the guest whose HBAs it serves; targets come and go on its sockets.
"""

import json
import os
import pathlib

from .places import LabError
from .program import Program

FABRICS = (1, 2)


def listen(sockets: pathlib.Path, number: int) -> pathlib.Path:
    """Where ports get on a fabric."""
    return sockets / f"fabric{number}.sock"


class Fabric(Program):
    what = "qfc_fabric"
    more = "LAB_FABRIC_ARGS"

    def __init__(self, target: pathlib.Path, folder: pathlib.Path, sockets: pathlib.Path, hbas: tuple):
        super().__init__(folder / "fabric.log", sockets / "fabric-rpc.sock")
        self.binary = target.with_name("qfc_fabric")
        if not self.binary.is_file():
            raise LabError(f"no {self.binary}: build it, too (cargo build --release -p qfc_fabric)")
        self.config = folder / "fabric.json"
        calls = []
        for number in FABRICS:
            name = f"fabric{number}"
            calls += [("fabric_create", {"name": name, "domain": number})]
            calls += [("fabric_listen", {"fabric": name, "path": str(listen(sockets, number))})]
        calls += [hba.create() for hba in hbas]
        config = [{"method": method, "params": params} for method, params in calls]
        self.config.write_text(json.dumps({"subsystems": [{"subsystem": "fabric", "config": config}]}, indent=1))

    def command(self) -> list:
        core = max(os.sched_getaffinity(0))  # not the target's, where there are several
        return [self.binary, "-c", self.config, "-r", self.socket, "-m", hex(1 << core)]

    def is_ready(self) -> bool:
        return self.answers("fabric_get_fabrics")
