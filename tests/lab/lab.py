"""Runs the target against stock Debian kernels in virtual machines. See README.md."""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing is written into the source tree
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import kernels, places, runner, scenarios, shell, target  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run scenarios")
    run.add_argument("--scenario", default="*", help="name or glob, several with commas (default: all)")
    run.add_argument("--kernel", help="6.1, 6.12, 7, several with commas, or all (default: all; with --short: 7)")
    run.add_argument("--short", action="store_true", help="only the short set, on one kernel")
    run.add_argument("--target", help="the target binary (default: this tree's newest build, release first)")
    prepare = commands.add_parser("prepare", help="fetch and build all that runs need")
    prepare.add_argument("--kernel", default="all")
    interactive = commands.add_parser("shell", help="a shell in a guest, with a target running")
    interactive.add_argument("kernel")
    interactive.add_argument("--target")
    interactive.add_argument("--transport", default="tcp", choices=sorted(target.TRANSPORTS), help="the target's configuration")
    commands.add_parser("list", help="the scenarios and what they prove")
    commands.add_parser("clean", help="remove everything fetched, built and kept")
    return parser.parse_args()


def kernel_names(given: str) -> list:
    names = list(kernels.KERNELS) if given == "all" else given.split(",")
    for name in names:
        if name not in kernels.KERNELS:
            raise places.LabError(f"no kernel {name}: there are {', '.join(kernels.KERNELS)}")
    return names


def as_root() -> bool:
    """Go on as root: already, or by starting anew through sudo. False when there is no way."""
    if os.geteuid() == 0:
        return True
    sudo = shutil.which("sudo")
    ask = [] if sys.stdin.isatty() else ["-n"]
    if not sudo or subprocess.run([sudo, *ask, "true"], stderr=subprocess.DEVNULL).returncode:
        return False
    kept = [f"QFC_LAB_DIR={places.cache()}", *(f"{k}={v}" for k, v in os.environ.items() if k.startswith("LAB_"))]
    os.execv(sudo, [sudo, *ask, "env", *kept, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def main() -> int:
    options = arguments()
    if options.command == "list":
        return list_scenarios()
    if not as_root():
        wanted = scenarios.chosen(getattr(options, "scenario", "*"), getattr(options, "short", False))
        print("lab skipped: needs root or sudo to make the guest images")
        print(f"0 passed, 0 failed, {len(wanted)} skipped")
        return 0
    if options.command == "clean":
        places.clean()
        return 0
    subprocess.run([str(places.TREE / "scripts/lab-packages.sh")], check=True)
    if options.command == "prepare":
        with places.locked():
            runner.prepare(kernel_names(options.kernel), scenarios.all_scenarios())
        return 0
    return {"run": run, "shell": interactive}[options.command](options)


def list_scenarios() -> int:
    for scenario in scenarios.all_scenarios():
        print(f"{scenario.name}{' (short)' if scenario.short else ''}\n    {scenario.proves}")
    return 0


def run(options: argparse.Namespace) -> int:
    binary = target.find(options.target)
    chosen = scenarios.chosen(options.scenario, options.short)
    names = kernel_names(options.kernel or ("7" if options.short else "all"))
    with places.locked():
        ready = runner.prepare(names, scenarios.all_scenarios())
    with runner.Run(binary) as session:
        for kernel, image in ready:
            session.on_kernel(kernel, chosen, image)
        print(session.closing_line(), flush=True)
        return 1 if session.failed else 0


def interactive(options: argparse.Namespace) -> int:
    binary = target.find(options.target)
    with places.locked():
        ((kernel, image),) = runner.prepare(kernel_names(options.kernel)[:1], scenarios.all_scenarios())
    with runner.Run(binary) as session:
        return shell.run(session, kernel, image, options.transport)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except (places.LabError, subprocess.CalledProcessError) as error:
        sys.exit(f"lab: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
