"""An interactive guest, beside a running target."""

import pathlib
import subprocess
import tempfile

from . import guest, hba, initramfs, network
from .fabric import Fabric
from .places import say
from .scenarios import WITH_HBAS
from .target import FOR_GUEST, NQN1, PORT, Target


def run(session, kernel, image, transport: str) -> int:
    """Until the guest is switched off."""
    with tempfile.TemporaryDirectory(prefix="shell-", dir=session.folder) as name:
        work = pathlib.Path(name)
        target, hbas, fabric = Target(session.binary, work, session.sockets, transport), (), None
        if transport in WITH_HBAS:
            hbas, _ = hba.hbas("usual", session.sockets)
            fabric = Fabric(session.binary, work, session.sockets, hbas + hba.of_target(session.sockets))
        try:
            if fabric:
                fabric.start()
                say(f"switch: {fabric.config}, log {fabric.log}, RPC {fabric.socket}")
            target.start()
            say(f"target: {target.config}, log {target.log}, RPC {target.socket}")
            if transport == "tcp":
                say(f"in the guest: nvme connect -t tcp -a {network.HOST} -s {PORT} -n {NQN1}")
            known = {**FOR_GUEST, "HBAS": ",".join(each.for_guest() for each in hbas)}
            settings = " ".join(f"{name}={value}" for name, value in known.items())
            whole = initramfs.with_scripts(image, work)
            command = guest.machine(kernel, whole, session.taps, hbas, f"lab.shell {settings}")
            return subprocess.call(
                [*command, "-serial", "mon:stdio"], pass_fds=session.taps, env=guest.environment()
            )
        finally:
            target.discard()
            if fabric:
                fabric.discard()
