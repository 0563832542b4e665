"""Runs scenarios on guests and reports them, one line each."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from . import initramfs, kernels, network, san
from .fabric import FABRICS
from .guest import Guest, GuestError
from .places import cache, forget_unused
from .program import ProgramError
from .rig import Rig
from .target import FOR_GUEST, Target

# Beyond a scenario's own limit, which the guest watches: for tidying up, and for a hung guest.
GRACE = 60.0
# For a part that a scenario lets the second guest run, and for a program on this side.
PART_LIMIT = 90.0
PROGRAM_LIMIT = 60.0


class HostSide:
    """What a scenario may ask for with `host ACTION ARGUMENTS`.

    Each public method is an action; what it returns is the scenario's answer,
    an exception its failure.
    """

    def __init__(self, target: Target, rig: Rig):
        self._target = target
        self._rig = rig
        self._taken_down = {}  # port name -> where it was

    def start(self) -> str:
        """Start the target again after `kill9` or `stop`."""
        self._target.start()
        return ""

    def kill9(self) -> str:
        """Kill the target with SIGKILL."""
        self._target.kill9()
        return ""

    def stop(self) -> str:
        """End the target with SIGTERM; it has to end with status 0."""
        self._target.stop()
        return ""

    def grow(self, mib: str) -> str:
        """Make the file of Disk0 larger: `host grow MIB`. The target hears of it when it is told to look (`bdev_uring_rescan`)."""
        os.truncate(self._target.disk, int(mib) << 20)
        return ""

    def logged(self, text: str) -> str:
        """Whether the target has printed this: `yes` or `no`."""
        return "yes" if text in self._target.log.read_text(errors="replace") else "no"

    def network(self, call: str) -> str:
        """Switch an interface of this side: `host network tap1 down`, and `up`."""
        name, _, how = call.partition(" ")
        network.set_up(name, {"up": True, "down": False}[how])
        return ""

    def rpc(self, call: str) -> str:
        """A JSON-RPC call: `host rpc METHOD 'PARAMS-AS-JSON'`; its result as JSON."""
        method, _, params = call.partition(" ")
        return json.dumps(self._target.rpc(method, json.loads(params) if params else None))

    def fabric(self, call: str) -> str:
        """A JSON-RPC call to who has the switch of the HBAs."""
        method, _, params = call.partition(" ")
        return json.dumps(self._switch().rpc(method, json.loads(params) if params else None))

    def held(self) -> str:
        """What the process that serves the HBAs holds: mappings of guests' memory, descriptors, and frames that are free."""
        process = pathlib.Path(f"/proc/{self._switch().process.pid}")
        mappings = process.joinpath("maps").read_text().count("memfd:memory-backend")  # as QEMU names it
        free = self._switch().rpc("fabric_get_stats", {"fabric": "fabric1"})["free_frames"]
        return f"{mappings} {len(os.listdir(process / 'fd'))} {free}"

    def cable(self, call: str) -> str:
        """Pull and plug the cable of a virtual HBA: `host cable WWPN out`, and `in`."""
        wwpn, _, how = call.partition(" ")
        (hba,) = [hba for hba in self._rig.hbas + self._rig.more if hba.wwpn == wwpn]
        self._switch().rpc("fabric_hba_set_cable", {"name": hba.name, "in": {"in": True, "out": False}[how]})
        return ""

    def switch_port(self, call: str) -> str:
        """Take the F_Port where a port is logged in down, and the same up again: `host switch_port WWPN down`, and `up`."""
        wwpn, _, how = call.partition(" ")
        if how == "down":
            self._taken_down[wwpn] = self._at(wwpn)
        fabric, port = self._taken_down[wwpn]
        self._switch().rpc(f"fabric_port_{how}", {"fabric": fabric, "port": port})
        return ""

    def second(self, call: str) -> str:
        """The second guest: `host second boot`, `kill9`, `part NAME VARIABLE=VALUE...` (guest/parts)."""
        how, _, part = call.partition(" ")
        name, _, more = part.partition(" ")
        try:
            if how == "part":
                failed = drive(self._rig.second_guest(), "part", name, PART_LIMIT, self, more)
                if failed:
                    raise ProgramError(f"second guest, {name}: {failed}")
            else:
                {"boot": self._rig.boot_second, "kill9": self._rig.end_second}[how]()
        except GuestError as error:
            raise ProgramError(f"second guest: {error}") from error
        return ""

    def second_hba(self, letter: str) -> str:
        """Names of an HBA of the second guest, as FC-NVMe writes them."""
        (hba,) = [hba for hba in self._rig.more if hba.letter == letter]
        return f"nn-0x{hba.wwnn}:pn-0x{hba.wwpn}"

    def qfc(self, line: str) -> str:
        """Our own initiator on a fabric: `host qfc 1 verify -t fcp ...`; it has to end with status 0. What it printed, in one line."""
        number, _, rest = line.partition(" ")
        command = [self._target.binary.with_name("qfc"), *rest.split(), "--fabric", f"unix:{self._target.fabric_socket(int(number))}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_LIMIT)
        printed = " ".join((done.stdout + done.stderr).split())
        if done.returncode:
            raise ProgramError(f"qfc {rest}: status {done.returncode}: {printed}")
        return printed

    def _switch(self):
        return self._rig.fabric or self._target

    def _at(self, wwpn: str) -> tuple:
        """Fabric and F_Port of a port that is logged in."""
        for number in FABRICS:
            name = f"fabric{number}"
            for port in self._switch().rpc("fabric_get_ports", {"fabric": name}):
                if any(wwpn in json.dumps(n_port) for n_port in port["n_ports"]):
                    return name, port["port"]
        raise ProgramError(f"{wwpn} is at no switch")

    def do(self, line: str) -> str:
        """Do what one `host` line asks for."""
        name, _, rest = line.partition(" ")
        if name.startswith("_") or name == "do" or not hasattr(self, name):
            raise ProgramError(f"no action {name}")
        return getattr(self, name)(*([rest] if rest else []))


class Run:
    """All scenarios of one call of the lab."""

    def __init__(self, binary: pathlib.Path):
        self.binary = binary
        self.taps = network.enter()
        forget_unused("runs/*")
        self.folder = cache() / "runs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        self.folder.mkdir(parents=True)
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="qfc-lab-"))
        self.passed = self.failed = self.skipped = 0
        self.san = None  # the disk that guests boot from, made for each kernel

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.sockets, ignore_errors=True)
        with contextlib.suppress(OSError):  # stays when logs were kept in it
            self.folder.rmdir()

    def on_kernel(self, kernel: kernels.Kernel, scenarios: list, image: pathlib.Path) -> None:
        """Run scenarios, those of one rig on one guest as long as it lives."""
        fitting = [s for s in scenarios if not s.kernels or kernel.name in s.kernels]
        for scenario in scenarios:
            if scenario not in fitting:
                self.report("skipped", scenario.name, kernel.short, 0, f"only for kernel {' '.join(scenario.kernels)}")
        work = pathlib.Path(tempfile.mkdtemp(prefix=f"guest-{kernel.name}-", dir=self.folder))
        rig = None
        try:
            whole = initramfs.with_scripts(image, work)
            self.san = san.disk(kernel, image, work) if any(s.from_san for s in fitting) else None
            for scenario in sorted(fitting, key=lambda s: s.rig):  # stable: by name within a rig
                if rig is None or rig.kind != scenario.rig:
                    if rig:
                        rig.end()
                    rig = Rig(scenario.rig, kernel, whole, self.taps, work, self.binary, self.sockets)
                self.one(rig, kernel, scenario)
        finally:
            if rig:
                rig.end()
            shutil.rmtree(work)

    def one(self, rig: Rig, kernel, scenario) -> None:
        """Run one scenario."""
        start = time.monotonic()
        folder = rig.work / scenario.name
        folder.mkdir()
        kind = scenario.transport + ("-within" if scenario.within else "")
        target = Target(self.binary, folder, self.sockets, kind, rig.within, self.san if scenario.from_san else None)
        version, reason = kernel.short, None
        offsets = {name: file.stat().st_size for name, file in rig.logs().items() if file.exists()}
        try:
            if scenario.target_first:
                target.start()
            guest = rig.ready()
            version, start = guest.version, time.monotonic()
            network.all_up()  # the scenario before may have cut it
            if not scenario.target_first:
                target.start()
            reason = drive(guest, "run", scenario.script, scenario.limit, HostSide(target, rig))
            if scenario.target_first:
                rig.end_guests()
            target.stop()
        except ProgramError as error:  # what the scenario itself found is told first
            reason = reason or str(error)
        except GuestError as error:
            reason = str(error)
            rig.end_guests()
        finally:
            rig.end_second()
            target.discard()
        spent = time.monotonic() - start
        reason = reason or target.panicked() or rig.trouble()
        if rig.trouble():
            rig.end_guests()
        self.report("failed" if reason else "passed", scenario.name, version, spent, reason)
        if reason:
            self.keep(scenario, kernel, rig, folder, offsets)
        shutil.rmtree(folder)

    def report(self, outcome, name, version, spent, reason) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)
        print(f"{outcome} {name} kernel {version} {spent:.1f} s" + (f": {reason}" if reason else ""), flush=True)

    def keep(self, scenario, kernel, rig, folder, offsets) -> None:
        """Keep what tells why a scenario failed, and say where."""
        name = f"{scenario.name}-{kernel.name}"
        for ending, source in {**rig.logs(), "target.log": folder / "target.log"}.items():
            content = source.read_bytes()[offsets.get(ending, 0) :] if source.exists() else b""
            if content:
                kept = self.folder / f"{name}.{ending}"
                kept.write_bytes(content)
                print(f"  kept {kept}", flush=True)

    def closing_line(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def drive(guest: Guest, verb: str, name: str, limit: float, host: HostSide, more: str = ""):
    """Start a scenario, or a part of one, and serve it until it is done; None, or why it failed."""
    known = {**FOR_GUEST, "HBAS": ",".join(hba.for_guest() for hba in guest.hbas)}
    settings = " ".join(f"{key}={value}" for key, value in known.items())
    deadline = time.monotonic() + limit + GRACE
    guest.send(f"{verb} {name} {limit:.0f} {settings} {more}")
    while True:
        verb, _, rest = guest.receive(deadline).partition(" ")
        if verb == "host":
            guest.send(answer(host, rest))
        elif verb == "done":
            status, _, reason = rest.partition(" ")
            return None if status == "0" else reason or f"status {status}"
        else:
            raise GuestError(f"guest said {verb!r}")


def answer(host: HostSide, line: str) -> str:
    try:
        return f"ok {host.do(line)}"
    except (ProgramError, OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
        return f"failed {' '.join(str(error).split())}"


def prepare(names: list, scenarios: list) -> list:
    """Kernels and their images, fetched and built as needed."""
    from . import chroot

    modules = sorted({module for scenario in scenarios for module in scenario.modules})
    chroot.prepare()
    ready = []
    for name in names:
        kernel = kernels.prepare(name)
        ready.append((kernel, initramfs.base(kernel, modules)))
    return ready
