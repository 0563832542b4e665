"""An interactive guest, beside a running target."""

import pathlib
import subprocess
import tempfile

from . import guest, initramfs
from .places import say
from .scenarios import FOLDER
from .target import FOR_GUEST, NQN1, PORT, Target
from . import network


def run(session, kernel, image) -> int:
    """Until the guest is switched off."""
    with tempfile.TemporaryDirectory(prefix="shell-", dir=session.folder) as name:
        work = pathlib.Path(name)
        target = Target(session.binary, work, session.sockets)
        target.start()
        try:
            say(f"target: {target.config}, log {target.log}, RPC {target.socket}")
            say(f"in the guest: nvme connect -t tcp -a {network.HOST} -s {PORT} -n {NQN1}")
            settings = " ".join(f"{name}={value}" for name, value in FOR_GUEST.items())
            whole = initramfs.with_scripts(image, FOLDER, work)
            command = guest.machine(kernel, whole, session.taps, f"lab.shell {settings}")
            return subprocess.call(
                [*command, "-serial", "mon:stdio"], pass_fds=session.taps, env=guest.environment()
            )
        finally:
            target.discard()
