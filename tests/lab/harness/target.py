"""The target under test: its configuration file, its process, its RPC socket.

Each scenario gets a target of its own, started from a fresh configuration and
fresh volumes, and stopped after it. The configuration is the INI dialect that
users write; nothing else of the project is used here.
"""

import json
import pathlib
import signal
import socket
import subprocess
import time

from . import network
from .places import LabError
from .processes import end_with_parent

PORT = 4420
NQN1 = "nqn.2026-01.example.lab:one"
NQN2 = "nqn.2026-01.example.lab:two"
DISK_UUID = "6f1a2b3c-4d5e-4f60-8172-93a4b5c6d7e8"
DISK_MIB = 64
START_LIMIT = 20.0
STOP_LIMIT = 20.0

# Fibre Channel names of the target's ports, the first on tap0, the second on tap1. Linux makes its port's name of the MAC address,
# 2000525400123456: the first is greater, the second smaller, which decides who logs in with whom where there is no switch.
WWPN1, WWPN2 = "21000024ff000001", "10000024ff000002"
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

# By the first word of a scenario's name.
CONFIGS = {"tcp": VOLUMES + TCP, "fcoe": VOLUMES + FCOE + NODE, "vn2vn": VOLUMES + VN2VN + NODE}

# What the guest's scripts know of all this, as shell variables.
FOR_GUEST = {
    "ADDR": network.HOST, "PORT": PORT, "NQN1": NQN1, "NQN2": NQN2, "DISK_UUID": DISK_UUID, "DISK_MIB": DISK_MIB,
    "SN1": "LAB00000000000000001", "WWPN1": WWPN1, "WWPN2": WWPN2,
}  # fmt: skip


class TargetError(Exception):
    """The target did not do what every scenario expects of it."""


class Target:
    """One target; it may be killed and started again with the same volumes."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, sockets: pathlib.Path, transport: str = "tcp"):
        self.binary = binary
        self.transport = transport
        self.log = folder / "target.log"
        self.config = folder / "qfc.conf"
        self.disk = folder / "disk0.img"
        self.socket = sockets / "rpc.sock"
        self.process = None
        with open(self.disk, "wb") as disk:
            disk.truncate(DISK_MIB << 20)
        self.config.write_text(
            CONFIGS[transport].format(
                disk=self.disk, nqn1=NQN1, nqn2=NQN2, address=network.HOST, port=PORT, uuid=DISK_UUID,
                wwpn1=WWPN1, wwpn2=WWPN2, names1=NAMES1, names2=NAMES2,
            )  # fmt: skip
        )

    def start(self) -> None:
        """Start it and wait until it can be reached."""
        command = [self.binary, "-c", self.config, "-r", self.socket, "--no-huge", "-m", "0x1"]
        with open(self.log, "ab") as log:
            log.write(f"lab: {' '.join(map(str, command))}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent
            )
        end = time.monotonic() + START_LIMIT
        while not self.is_ready():
            if self.process.poll() is not None:
                raise TargetError(f"target ended at its start with status {self.process.returncode}: {self.last_line()}")
            if time.monotonic() > end:
                raise TargetError(f"target cannot be reached {START_LIMIT:.0f} s after its start: {self.last_line()}")
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """It listens, or on Fibre Channel its RPC answers that the ports are there."""
        if self.transport == "tcp":
            return network.listening(network.HOST, PORT)
        try:
            return len(self.rpc("fc_get_ports")) == 2
        except (OSError, TargetError):
            return False

    def last_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1].strip() if lines else "(no output)"

    def kill9(self) -> None:
        """What a crash or the OOM killer does to it."""
        self.check_running()
        self.process.kill()
        self.process.wait()

    def check_running(self) -> None:
        if self.process is None or self.process.poll() is not None:
            status = None if self.process is None else self.process.returncode
            raise TargetError(f"target ended by itself with status {status}: {self.last_line()}")

    def stop(self) -> None:
        """End it as a service manager does; it has to obey in time, with status 0."""
        self.check_running()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise TargetError(f"target still ran {STOP_LIMIT:.0f} s after SIGTERM") from None
        if status != 0:
            raise TargetError(f"target ended with status {status} after SIGTERM: {self.last_line()}")

    def discard(self) -> None:
        """Whatever state it is in: gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def rpc(self, method: str, params=None):
        """One JSON-RPC 2.0 call; its result, or a TargetError with the error object."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            request["params"] = params
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.socket))
            connection.sendall(json.dumps(request).encode())
            answer = receive_json(connection)
        if "error" in answer:
            raise TargetError(f"{method}: {json.dumps(answer['error'])}")
        return answer["result"]


def receive_json(connection: socket.socket):
    """Read until what has come is one whole JSON value."""
    text = b""
    while True:
        part = connection.recv(65536)
        if not part:
            raise TargetError(f"RPC connection closed after {text!r}")
        text += part
        try:
            return json.loads(text)
        except ValueError:
            continue


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
