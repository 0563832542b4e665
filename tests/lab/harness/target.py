"""The target under test: its configuration file, its process, its RPC socket.

Each scenario gets a target of its own, started from a fresh configuration and
fresh volumes, and stopped after it. The configuration is the INI dialect that
users write; nothing else of the project is used here.
"""

import os
import pathlib

from . import chroot, fabric, hba, network
from .places import LabError
from .program import Program, ProgramError

PORT = 4420
NQN1 = "nqn.2026-01.example.lab:one"
NQN2 = "nqn.2026-01.example.lab:two"
DISK_UUID = "6f1a2b3c-4d5e-4f60-8172-93a4b5c6d7e8"
DISK_MIB = 64
# iSCSI: the node's name as qfc.conf has it and as hosts see it, and who may log in where CHAP is asked for
NODE_BASE = "iqn.2026-01.example.lab"
ISCSI_PORT = 3260
CHAP = {"CHAP_USER": "alice", "CHAP_SECRET": "alices-secret-1", "CHAP_USER_IN": "target", "CHAP_SECRET_IN": "targets-secret-2"}

# Fibre Channel names of the target's ports, the first on tap0, the second on tap1. Linux makes its port's name of the MAC address,
# 2000525400123456: the first is greater, the second smaller, which decides who logs in with whom where there is no switch.
WWPN1, WWPN2 = (wwpn for wwpn, _ in hba.OF_TARGET.values())
WWPN3 = "22000024ff000009"  # a port that a scenario may make later
NAMES1, NAMES2 = (f"nn-0x20000024ff000001:pn-0x{wwpn}" for wwpn in (WWPN1, WWPN2))

VOLUMES = """\
[Malloc]
  NumberOfLuns 2
  LunSizeInMB 32
  BlockSize 4096
[URING]
  URING {disk} Disk0 512
"""

# Subsystem 1: namespace 1 on a file (512-byte blocks), 2 in memory (4096). Subsystem 2: one in memory.
TCP = """\
[Transport]
  Type TCP
[Subsystem1]
  NQN {nqn1}
  Listen TCP {address}:{port}
  AllowAnyHost Yes
  SN LAB00000000000000001
  Namespace Disk0 1 {uuid}
  Namespace Malloc0 2
[Subsystem2]
  NQN {nqn2}
  Listen TCP {address}:{port}
  AllowAnyHost Yes
  SN LAB00000000000000002
  Namespace Malloc1 1
"""

# One node behind both ports: LUN 0 on a file (512-byte blocks), 1 in memory (4096).
NODE = """\
[PortalGroup1]
  Portal FC1 {wwpn1}
  Portal FC2 {wwpn2}
  Portal FC3 {wwpn3}
[InitiatorGroup1]
  InitiatorName ALL
[TargetNode1]
  TargetName disk1
  Mapping PortalGroup1 InitiatorGroup1
  LUN0 Disk0
  LUN1 Malloc0
  QueueDepth 64
"""

# Two fabrics, each with a switch on one of the Ethernets and a port of the target.
FCOE = """\
[Fabric1]
  Listen fcoe:tap0
[Fabric2]
  Domain 2
  Listen fcoe:tap1
[SoftPort1]
  Names {names1}
  Transport FCP
  Link fabric:fabric1
[SoftPort2]
  Names {names2}
  Transport FCP
  Link fabric:fabric2
"""

VN2VN = """\
[SoftPort1]
  Names {names1}
  Transport FCP
  Link vn2vn:tap0
[SoftPort2]
  Names {names2}
  Transport FCP
  Link vn2vn:tap1
"""

# A port on each of two fabrics that another process has, or this one; FCP and FC-NVMe on both.
ELSEWHERE = """\
[SoftPort1]
  Names {names1}
  Link unix:{fabric1}
[SoftPort2]
  Names {names2}
  Link unix:{fabric2}
"""
# The same ports on adapters that the target's own driver drives: virtual ones that the other process serves.
ADAPTERS = """\
[QFC]
  Hba vfio-user:{hba1}
  Hba vfio-user:{hba2}
"""
WITHIN = """\
[Fabric1]
  Listen unix:{fabric1}
[Fabric2]
  Domain 2
  Listen unix:{fabric2}
[SoftPort1]
  Names {names1}
  Link fabric:fabric1
[SoftPort2]
  Names {names2}
  Link fabric:fabric2
"""

# The same volumes by both: LUNs 0, 1, 300 and the namespaces 1 and 2.
BOTH = """\
  LUN300 Malloc1
[Transport]
  Type FC
[Subsystem1]
  NQN {nqn1}
  Listen FC {names1}
  Listen FC {names2}
  AllowAnyHost Yes
  SN LAB00000000000000001
  Namespace Disk0 1 {uuid}
  Namespace Malloc0 2
"""

# Two portals, one on each Ethernet, in portal groups of their own; behind both three nodes: without CHAP, with it, with it both ways.
PORTALS = """\
[SCSI]
  StateDirectory {state}
[iSCSI]
  NodeBase {node_base}
  AuthFile {auth_file}
  DiscoveryAuthMethod Auto
[PortalGroup11]
  Portal IP1 {address}:{iscsi_port}
[PortalGroup12]
  Portal IP2 {address2}:{iscsi_port}
[InitiatorGroup11]
  InitiatorName ANY
  Netmask ANY
"""
ISCSI = PORTALS + """\
[TargetNode1]
  TargetName disk1
  TargetAlias "Lab"
  Mapping PortalGroup11 InitiatorGroup11
  Mapping PortalGroup12 InitiatorGroup11
  AuthMethod Auto
  UseDigest Auto
  LUN0 Disk0
  LUN1 Malloc0
  QueueDepth 64
[TargetNode2]
  TargetName chap
  Mapping PortalGroup11 InitiatorGroup11
  AuthMethod CHAP
  AuthGroup AuthGroup1
  LUN0 Malloc1
[TargetNode3]
  TargetName mutual
  Mapping PortalGroup11 InitiatorGroup11
  AuthMethod CHAP Mutual
  AuthGroup AuthGroup1
  LUN0 Malloc1
"""
AUTH = """\
[AuthGroup1]
  Auth {CHAP_USER} {CHAP_SECRET} {CHAP_USER_IN} {CHAP_SECRET_IN}
"""

# The same volumes by FCP and iSCSI: one node at ports of both.
BY_BOTH = """\
  LUN300 Malloc1
  Mapping PortalGroup11 InitiatorGroup11
"""

# By the first word of a scenario's name; `-within` is for the scenarios whose head says `# fabric: target`.
CONFIGS = {
    "tcp": VOLUMES + TCP,
    "fcoe": VOLUMES + FCOE + NODE,
    "vn2vn": VOLUMES + VN2VN + NODE,
    "qla2xxx": VOLUMES + ELSEWHERE + NODE + BOTH,
    "qla": VOLUMES + ADAPTERS + NODE + BOTH,
    "iscsi": VOLUMES + ISCSI,
    "scsi": VOLUMES + ELSEWHERE + PORTALS + NODE.replace("TargetName ", "TargetName {node_base}:") + BY_BOTH,
    "boot": VOLUMES + ISCSI,
    "qla2xxx-within": VOLUMES + WITHIN + NODE + BOTH,
}

TRANSPORTS = [name for name in CONFIGS if not name.endswith("-within")]

# What the guest's scripts know of all this, as shell variables.
FOR_GUEST = {
    "ADDR": network.HOST, "PORT": PORT, "NQN1": NQN1, "NQN2": NQN2, "DISK_UUID": DISK_UUID, "DISK_MIB": DISK_MIB,
    "SN1": "LAB00000000000000001", "WWPN1": WWPN1, "WWPN2": WWPN2, "WWPN3": WWPN3, "NAMES1": NAMES1, "NAMES2": NAMES2,
    "ADDR2": network.HOST2, "NET2": network.GUEST2, "IQN": f"{NODE_BASE}:disk1", "IQN_CHAP": f"{NODE_BASE}:chap", "IQN_MUTUAL": f"{NODE_BASE}:mutual",
    **CHAP, "QLA_LOG": os.environ.get("LAB_QLA_LOG", "0"),
}  # fmt: skip


class Target(Program):
    """One target; it may be killed and started again with the same volumes."""

    what = "target"
    more = "LAB_TARGET_ARGS"

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, sockets: pathlib.Path, kind: str = "tcp", hbas: tuple = (), image=None):
        super().__init__(folder / "target.log", sockets / "rpc.sock")
        self.binary = binary
        self.kind = kind
        self.config = folder / "qfc.conf"
        self.disk = folder / "disk0.img"
        self.hbas = hbas  # that this process itself serves
        self.sockets = sockets
        if image:  # what a guest boots from: holes stay holes
            chroot.checked(["cp", "--sparse=always", image, self.disk])
        else:
            with open(self.disk, "wb") as disk:
                disk.truncate(DISK_MIB << 20)
        auth_file = folder / "auth.conf"
        auth_file.touch(mode=0o600)
        auth_file.write_text(AUTH.format(**CHAP))
        own1, own2 = hba.of_target(sockets)
        self.config.write_text(
            CONFIGS[kind].format(
                disk=self.disk, nqn1=NQN1, nqn2=NQN2, address=network.HOST, port=PORT, uuid=DISK_UUID,
                wwpn1=WWPN1, wwpn2=WWPN2, wwpn3=WWPN3, names1=NAMES1, names2=NAMES2,
                fabric1=fabric.listen(sockets, 1), fabric2=fabric.listen(sockets, 2),
                hba1=own1.socket, hba2=own2.socket,
                state=folder / "state", node_base=NODE_BASE, auth_file=auth_file, address2=network.HOST2, iscsi_port=ISCSI_PORT,
            )  # fmt: skip
        )

    def fabric_socket(self, number: int) -> pathlib.Path:
        return fabric.listen(self.sockets, number)

    def command(self) -> list:
        shared = ["-g"] if self.kind == "qla" else []  # who serves the adapters maps its memory
        return [self.binary, "-c", self.config, "-r", self.socket, "--no-huge", *shared, "-m", "0x1"]

    def start(self) -> None:
        super().start()
        for each in self.hbas:
            self.rpc(*each.create())

    def is_ready(self) -> bool:
        """It listens, or on Fibre Channel its RPC answers that the ports are there."""
        if self.kind == "tcp":
            return network.listening(network.HOST, PORT)
        if self.kind in ("iscsi", "boot"):
            return network.listening(network.HOST, ISCSI_PORT)
        try:
            return len(self.rpc("fc_get_ports")) == 2 and (self.kind != "scsi" or network.listening(network.HOST, ISCSI_PORT))
        except (OSError, ProgramError):
            return False


def find(given) -> pathlib.Path:
    """The target binary: the one given, else the newest of this tree's builds."""
    from .places import TREE

    if given:
        candidates = [pathlib.Path(given).absolute()]
    else:
        candidates = [TREE / "target" / kind / "qfc_tgt" for kind in ("release", "debug")]
    for path in candidates:
        if path.is_file():
            return path
    raise LabError(f"no target at {' or '.join(map(str, candidates))}: build it (cargo build --release) or give --target PATH")
