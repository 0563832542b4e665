"""What a scenario runs on: guest, HBAs and who serves them, a second guest when it asks for one.

A guest cannot outlive the process that serves its HBAs, so both are kept
together from scenario to scenario, while each scenario has its own target.
"""

import pathlib
import time

from . import hba, san
from .fabric import Fabric
from .guest import Guest, GuestError
from .places import say
from .target import NODE_BASE

BOOT_TRIES = 2


class Rig:
    """A guest and what it needs; `kind` is a scenario's rig."""

    def __init__(self, kind: tuple, kernel, whole: pathlib.Path, taps: list, work: pathlib.Path, binary: pathlib.Path, sockets: pathlib.Path):
        self.kind, self.kernel, self.whole, self.taps, self.work = kind, kernel, whole, taps, work
        self.guest = self.second = self.fabric = None
        self.failed_boots = 0
        self.hbas, self.more = hba.hbas(kind[0], sockets) if kind[0] else ((), ())
        self.dhcp = san.Dhcp(work, f"{NODE_BASE}:disk1") if kind[2] else None
        if kind[0] and not self.within:
            self.fabric = Fabric(binary, work, sockets, self.hbas + self.more + hba.of_target(sockets))

    @property
    def within(self) -> tuple:
        """The HBAs that the target has to serve."""
        return self.hbas + self.more if self.kind[1] else ()

    def ready(self) -> Guest:
        """The guest, booted when there is none; the target runs already when the HBAs are in it."""
        if self.guest is None:
            if self.failed_boots >= BOOT_TRIES:
                raise GuestError("not tried: this kernel does not boot")
            if self.fabric:
                self.fabric.discard()
                self.fabric.start()
            self.guest = self.boot(self.taps, self.hbas, "console")
        return self.guest

    def boot(self, taps: list, hbas: tuple, console: str) -> Guest:
        start = time.monotonic()
        if self.dhcp:
            self.dhcp.end()
            self.dhcp.start()
        guest = Guest(self.kernel, None if self.dhcp else self.whole, taps, hbas, self.work / console)
        try:
            guest.wait_ready()
        except GuestError as error:
            self.failed_boots += 1
            guest.end()
            raise GuestError(f"no boot: {error}") from error
        say(f"kernel {guest.version} booted in {time.monotonic() - start:.1f} s")
        return guest

    def second_guest(self) -> Guest:
        if self.second is None:
            raise GuestError("there is no second guest")
        return self.second

    def boot_second(self) -> None:
        self.end_second()
        self.second = self.boot([], self.more, "second")

    def end_second(self) -> None:
        """As by SIGKILL: nothing in it can say goodbye."""
        if self.second:
            self.second.end()
        self.second = None

    def end_guests(self) -> None:
        self.end_second()
        if self.guest:
            self.guest.end()
        self.guest = None

    def trouble(self):
        """What is wrong with the switch, if anything."""
        if not self.fabric or self.fabric.process is None:
            return None
        if self.fabric.process.poll() is not None:
            return f"qfc_fabric ended by itself with status {self.fabric.process.returncode}: {self.fabric.last_line()}"
        return self.fabric.panicked()

    def end(self) -> None:
        self.end_guests()
        if self.dhcp:
            self.dhcp.end()
        if self.fabric:
            self.fabric.discard()

    def logs(self) -> dict:
        """Files that tell what happened, by the ending that they are kept under, and where each scenario's part began."""
        files = {"console": self.work / "console", "second.console": self.work / "second", "qemu": self.work / "console.qemu"}
        if self.dhcp:
            files["dhcp.log"] = self.dhcp.log
        if self.fabric:
            files["fabric.log"] = self.fabric.log
        return files
