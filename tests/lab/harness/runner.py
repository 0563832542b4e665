"""Runs scenarios on guests and reports them, one line each."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
import time

from . import initramfs, kernels, network
from .guest import Guest, GuestError
from .places import cache, forget_unused, say
from .scenarios import FOLDER
from .target import FOR_GUEST, Target, TargetError

# Beyond a scenario's own limit, which the guest watches: for tidying up, and for a hung guest.
GRACE = 60.0
BOOT_TRIES = 2


class HostSide:
    """What a scenario may ask for with `host ACTION ARGUMENTS`.

    Each public method is an action; what it returns is the scenario's answer,
    an exception its failure.
    """

    def __init__(self, target: Target):
        self._target = target

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

    def network(self, call: str) -> str:
        """Switch an interface of this side: `host network tap1 down`, and `up`."""
        name, _, how = call.partition(" ")
        network.set_up(name, {"up": True, "down": False}[how])
        return ""

    def rpc(self, call: str) -> str:
        """A JSON-RPC call: `host rpc METHOD 'PARAMS-AS-JSON'`; its result as JSON."""
        method, _, params = call.partition(" ")
        return json.dumps(self._target.rpc(method, json.loads(params) if params else None))

    def do(self, line: str) -> str:
        """Do what one `host` line asks for."""
        name, _, rest = line.partition(" ")
        if name.startswith("_") or name == "do" or not hasattr(self, name):
            raise TargetError(f"no action {name}")
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
        self.failed_boots = 0  # of the kernel at hand

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.sockets, ignore_errors=True)
        with contextlib.suppress(OSError):  # stays when logs were kept in it
            self.folder.rmdir()

    def on_kernel(self, kernel: kernels.Kernel, scenarios: list, image: pathlib.Path) -> None:
        """Run scenarios, on one guest as long as it lives."""
        fitting = [s for s in scenarios if not s.kernels or kernel.name in s.kernels]
        for scenario in scenarios:
            if scenario not in fitting:
                self.report("skipped", scenario.name, kernel.short, 0, f"only for kernel {' '.join(scenario.kernels)}")
        work = pathlib.Path(tempfile.mkdtemp(prefix=f"guest-{kernel.name}-", dir=self.folder))
        guest, self.failed_boots = None, 0
        try:
            whole = initramfs.with_scripts(image, FOLDER, work)
            for scenario in fitting:
                guest = self.one(guest, kernel, whole, scenario, work)
        finally:
            if guest:
                guest.end()
            shutil.rmtree(work)

    def one(self, guest, kernel, whole, scenario, work):
        """Run one scenario; the guest to use for the next one, if it is still good."""
        start = time.monotonic()
        folder = work / scenario.name
        folder.mkdir()
        target = Target(self.binary, folder, self.sockets, scenario.transport)
        version, offset, reason = kernel.short, 0, None
        try:
            guest = guest or self.boot(kernel, whole, work)
            version, offset, start = guest.version, guest.console_size(), time.monotonic()
            network.all_up()  # the scenario before may have cut it
            target.start()
            reason = drive(guest, scenario, target)
            target.stop()
        except TargetError as error:  # what the scenario itself found is told first
            reason = reason or str(error)
        except GuestError as error:
            reason = str(error)
            if guest:
                guest.end()
            guest = None
        finally:
            target.discard()
        spent = time.monotonic() - start
        reason = reason or panicked(target)
        self.report("failed" if reason else "passed", scenario.name, version, spent, reason)
        if reason:
            self.keep(scenario, kernel, work, folder, offset)
        shutil.rmtree(folder)
        return guest

    def boot(self, kernel, whole, work) -> Guest:
        if self.failed_boots >= BOOT_TRIES:
            raise GuestError("not tried: this kernel does not boot")
        start = time.monotonic()
        guest = Guest(kernel, whole, self.taps, work / "console")
        try:
            guest.wait_ready()
        except GuestError as error:
            self.failed_boots += 1
            guest.end()
            raise GuestError(f"no boot: {error}") from error
        say(f"kernel {guest.version} booted in {time.monotonic() - start:.1f} s")
        return guest

    def report(self, outcome, name, version, spent, reason) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)
        print(f"{outcome} {name} kernel {version} {spent:.1f} s" + (f": {reason}" if reason else ""), flush=True)

    def keep(self, scenario, kernel, work, folder, offset) -> None:
        """Keep what tells why a scenario failed, and say where."""
        name = f"{scenario.name}-{kernel.name}"
        kept = [self.folder / f"{name}.console", self.folder / f"{name}.target.log", self.folder / f"{name}.qemu"]
        with open(work / "console", "rb") if (work / "console").exists() else open(os.devnull, "rb") as console:
            console.seek(offset)
            kept[0].write_bytes(console.read())
        for source, there in ((folder / "target.log", kept[1]), (work / "console.qemu", kept[2])):
            if source.exists() and source.stat().st_size:
                shutil.copy(source, there)
        for path in kept:
            if path.exists():
                print(f"  kept {path}", flush=True)

    def closing_line(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def drive(guest: Guest, scenario, target: Target):
    """Start a scenario and serve it until it is done; None, or why it failed."""
    settings = " ".join(f"{name}={value}" for name, value in FOR_GUEST.items())
    deadline = time.monotonic() + scenario.limit + GRACE
    host = HostSide(target)
    guest.send(f"run {scenario.name} {scenario.limit:.0f} {settings}")
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
    except (TargetError, OSError, ValueError, TypeError) as error:
        return f"failed {' '.join(str(error).split())}"


def panicked(target: Target):
    """A panic that the target survived is a failure all the same."""
    for line in target.log.read_text(errors="replace").splitlines() if target.log.exists() else []:
        if "panicked at" in line:
            return line.strip()
    return None


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
