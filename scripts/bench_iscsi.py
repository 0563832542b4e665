#!/usr/bin/env python3
"""Measures qfc_tgt over iSCSI on loopback beside Debian's tgt and SPDK's iscsi_tgt, in alternation, and writes JSON.

  scripts/bench_iscsi.py                   our target and tgtd (Debian package `tgt`)
  scripts/bench_iscsi.py --spdk DIR        and SPDK's; DIR is a built SPDK source tree (DIR/build/bin/iscsi_tgt)
  scripts/bench_iscsi.py --list            the cases

The initiator is `qfc perf`, and for the cases named iscsi-perf that of libiscsi (package `libiscsi-bin`; it only reads). Each target
has core 0 for itself, the initiator core 1; the targets that are not measured are stopped meanwhile. tgtd serves a file on tmpfs
(it has no volume in its own memory), or nothing in the null cases, where all three serve nothing. Machines are noisy: a figure
here means something only beside the others of the same run, so quote ratios of medians. Standard library only.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from bench import BLOCK, MIB, ROOT, Paused, Rpc, machine, medians

NODE = "iqn.2026-11.org.qfc:"
VOLUMES = ("ram", "null")

# name: initiator, workload, bytes, depth per session, sessions, volume
CASES = {}
for workload in ("randread", "randwrite"):
    for depth, sessions in ((1, 1), (32, 1), (64, 1), (32, 4)):
        CASES[f"4k-{workload}-q{depth}-P{sessions}"] = ("qfc", workload, 4096, depth, sessions, "ram")
for workload in ("read", "write"):
    CASES[f"128k-{workload}-q32-P1"] = ("qfc", workload, 131072, 32, 1, "ram")
for workload in ("randread", "randwrite"):
    CASES[f"null-4k-{workload}-q32-P1"] = ("qfc", workload, 4096, 32, 1, "null")
CASES["iscsi-perf-4k-randread-q32"] = ("iscsi-perf", "randread", 4096, 32, 1, "ram")
CASES["iscsi-perf-null-4k-randread-q32"] = ("iscsi-perf", "randread", 4096, 32, 1, "null")


class Target:
    """A running target on one core."""

    def __init__(self, name, argv, port, args, workdir):
        self.name, self.port = name, port
        self.log = open(workdir / f"{name}.log", "wb")
        command = ["taskset", "-c", str(args.target_core), *argv]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def cpu_seconds(self):
        """Processor time of all its threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait(self, ready):
        for _ in range(2000):
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended at start; see {self.log.name}")
            if ready():
                return
            time.sleep(0.01)
        raise SystemExit(f"{self.name} does not answer; see {self.log.name}")


class WithRpc(Target):
    """Ours or SPDK's: configured by the same calls, polling, with an account of its busy time."""

    def __init__(self, name, argv, port, args, workdir, options=None):
        sock = str(workdir / f"{name}.sock")
        super().__init__(name, [*argv, "-r", sock], port, args, workdir)
        self.rpc = Rpc(sock)
        if options:
            self.wait(lambda: self.answers("rpc_get_methods"))
            self.rpc("iscsi_set_options", **options)
            self.rpc("framework_start_init")
        self.wait(lambda: self.answers("framework_wait_init"))
        self.rpc("iscsi_create_portal_group", tag=1, portals=[{"host": "127.0.0.1", "port": str(port)}])
        self.rpc("iscsi_create_initiator_group", tag=1, initiators=["ANY"], netmasks=["127.0.0.0/8"])
        for kind, volume in (("malloc", "ram"), ("null", "null")):
            self.rpc(f"bdev_{kind}_create", name=volume, num_blocks=MIB * (1 << 20) // BLOCK, block_size=BLOCK)
            self.rpc("iscsi_create_target_node", name=NODE + volume, alias_name=volume, queue_depth=128,
                     luns=[{"bdev_name": volume, "lun_id": 0}], pg_ig_maps=[{"pg_tag": 1, "ig_tag": 1}], disable_chap=True)

    def answers(self, method):
        try:
            self.rpc(method)
            return True
        except (OSError, RuntimeError):
            return False

    def busy(self):
        stats = self.rpc("framework_get_reactors")
        return sum(reactor["busy"] for reactor in stats["reactors"]) / stats["tick_rate"]

    def lun(self):
        return 0


class Tgt(Target):
    """Debian's tgtd: sleeps when there is nothing to do, so its processor time is its busy time."""

    def __init__(self, args, port, workdir, memory):
        self.control = str(args.tgt_control)
        super().__init__("tgt", ["tgtd", "-f", "-C", self.control, "--iscsi", f"portal=127.0.0.1:{port}"], port, args, workdir)
        self.wait(lambda: self.admin("--op", "show", "--mode", "sys", check=False))
        image = memory / "tgt.img"
        with open(image, "wb") as file:
            file.write(os.urandom(1 << 20) * MIB)
        self.admin("--op", "update", "--mode", "sys", "--name", "State", "-v", "ready", check=False)
        for tid, (volume, backing) in enumerate((("ram", ("-b", str(image))), ("null", ("--bstype", "null", "-b", str(image)))), 1):
            self.admin("--op", "new", "--mode", "target", "--tid", str(tid), "-T", NODE + volume)
            self.admin("--op", "new", "--mode", "logicalunit", "--tid", str(tid), "--lun", "1", "--blocksize", str(BLOCK), *backing)
            self.admin("--op", "bind", "--mode", "target", "--tid", str(tid), "-I", "ALL")

    def admin(self, *words, check=True):
        done = subprocess.run(["tgtadm", "-C", self.control, "--lld", "iscsi", *words], capture_output=True, text=True)
        if check and done.returncode != 0:
            raise SystemExit(f"tgtadm {' '.join(words)}: {done.stderr}")
        return done.returncode == 0

    def busy(self):
        return self.cpu_seconds()

    def lun(self):
        return 1


def sampled(target, process, warmup, seconds):
    """The target's own account of its busy share, and its processor time, in the middle of a run of `process`."""
    time.sleep(warmup + 0.2 * seconds)
    before, start = (target.busy(), target.cpu_seconds()), time.monotonic()
    time.sleep(0.6 * seconds)
    after, spent = (target.busy(), target.cpu_seconds()), time.monotonic() - start
    shares = [(b - a) / spent for a, b in zip(before, after)]
    output = process.communicate(timeout=60 + seconds)[0].decode(errors="replace")
    return shares, output


def figures(iops, shares):
    """Processor time of a target that polls holds what it polled in vain: per I/O it is an upper bound."""
    busy, cpu = (share * 1e6 / max(iops, 1) for share in shares)
    return {"iops": iops, "busy_share": shares[0], "busy_us_per_io": busy, "cpu_us_per_io": cpu}


def with_qfc_perf(args, target, case):
    _, workload, size, depth, sessions, volume = CASES[case]
    argv = [args.qfc, "perf", f"iscsi://127.0.0.1:{target.port}/{NODE}{volume}/{target.lun()}"]
    # tgtd leaves ExpDataSN 0: overlooked for all three.
    argv += ["-w", workload, "-o", str(size), "-q", str(depth), "-P", str(sessions), "-t", str(args.seconds), "--lenient"]
    argv += ["--warmup", str(args.warmup), "--core", str(args.initiator_core), "--json", "-"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=sys.stderr)
    shares, output = sampled(target, process, args.warmup, args.seconds)
    if process.returncode != 0:
        raise SystemExit(f"qfc perf failed on {target.name} {case}")
    result = json.loads(output)
    latency = result["latency_us"]
    return {**figures(result["iops"], shares), "p50_us": latency["p50"], "p99_us": latency["p99"]}


def with_iscsi_perf(args, target, case):
    _, _, size, depth, _, volume = CASES[case]
    url = f"iscsi://127.0.0.1:{target.port}/{NODE}{volume}/{target.lun()}"
    argv = ["taskset", "-c", str(args.initiator_core), "iscsi-perf", "-r", "-m", str(depth), "-b", str(size // BLOCK)]
    argv += ["-t", str(int(args.seconds + args.warmup)), url]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shares, output = sampled(target, process, args.warmup, args.seconds)
    found = re.findall(r"iops average (\d+)", output)
    if not found:
        raise SystemExit(f"iscsi-perf failed on {target.name} {case}: {output[-2000:]}")
    return figures(float(found[-1]), shares)


def fill(args, target):
    """Writes the whole RAM volume, so that no page of it is touched for the first time while something is measured."""
    url = f"iscsi://127.0.0.1:{target.port}/{NODE}ram/{target.lun()}"
    argv = [args.qfc, "perf", url, "-w", "write", "-o", "256k", "-q", "8", "-t", "1", "--warmup", "0", "--lenient", "--json", "-"]
    written = 0
    while written < MIB << 20:
        done = subprocess.run([*argv], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{target.name} cannot be filled: {done.stderr}")
        # Each run begins at the start: only one that gets through to the end counts.
        written = json.loads(done.stdout)["ios"] << 18
        argv[argv.index("-t") + 1] = str(min(60, 2 * int(argv[argv.index("-t") + 1])))


def targets(args, workdir, memory):
    made = [WithRpc("qfc", [args.qfc_tgt, "-m", hex(1 << args.target_core), "--no-huge"], args.port, args, workdir)]
    made.append(Tgt(args, args.port + 1, workdir, memory))
    if args.spdk:
        theirs = [f"{args.spdk}/build/bin/iscsi_tgt", "-m", hex(1 << args.target_core), "-u", "-s", "1400", "--no-huge", "--wait-for-rpc"]
        options = {"max_sessions": 16, "max_queue_depth": 128}
        made.append(WithRpc("spdk", theirs, args.port + 2, args, workdir, options))
    return made


def ratios(results, other):
    """Ours over theirs, pair by pair: medians, and their geometric mean over the cases."""
    out, products = {}, {"iops": [], "busy_us_per_io": [], "cpu_us_per_io": []}
    for case, by in results.items():
        pairs = list(zip(by["qfc"], by[other]))
        keys = [key for key in ("iops", "busy_us_per_io", "cpu_us_per_io", "p99_us") if key in by["qfc"][0]]
        one = {key: statistics.median(ours[key] / max(theirs[key], 1e-9) for ours, theirs in pairs) for key in keys}
        out[case] = {key: round(value, 3) for key, value in one.items()}
        for key in products:
            products[key].append(one[key])
    out["geometric mean"] = {key: round(statistics.geometric_mean(values), 3) for key, values in products.items()}
    return out


def measure(args, made, cases):
    results = {case: {} for case in cases}
    for target in made:
        with Paused(target, made):
            fill(args, target)
    for case in cases:
        run = with_iscsi_perf if CASES[case][0] == "iscsi-perf" else with_qfc_perf
        for _ in range(args.rounds):
            for target in made:
                with Paused(target, made):
                    one = run(args, target, case)
                results[case].setdefault(target.name, []).append(one)
                print(f"{case:32} {target.name:5} {one['iops']:10.0f} IOPS  p99 {one.get('p99_us', 0):8.1f} us  "
                      f"busy {one['busy_us_per_io']:6.2f}  processor {one['cpu_us_per_io']:6.2f} us/IO", file=sys.stderr, flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spdk", metavar="DIR", help="a built SPDK source tree to compare with")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("--case", action="append", help="only this case (may be repeated)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--target-core", type=int, default=0)
    parser.add_argument("--initiator-core", type=int, default=1)
    parser.add_argument("--port", type=int, default=4560)
    parser.add_argument("--nice", type=int, default=0, help="priority of targets and initiators alike, for a busy machine")
    parser.add_argument("--tgt-control", type=int, default=4560, help="tgtd's control port")
    parser.add_argument("--qfc", default=str(ROOT / "target/release/qfc"))
    parser.add_argument("--qfc-tgt", default=str(ROOT / "target/release/qfc_tgt"))
    parser.add_argument("--out", help="file for the JSON (default: standard output)")
    args = parser.parse_args()
    if args.list:
        return print("\n".join(CASES))
    os.nice(args.nice)
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        made = []
        try:
            made = targets(args, pathlib.Path(directory), pathlib.Path(memory))
            results = measure(args, made, args.case or list(CASES))
        finally:
            for target in made:
                target.stop()
    others = [target.name for target in made if target.name != "qfc"]
    report = {"machine": machine(), "load": os.getloadavg(), "nice": args.nice, "seconds": args.seconds, "rounds": args.rounds,
              "medians": {case: {name: medians(runs) for name, runs in by.items()} for case, by in results.items()},
              **{f"ratios qfc/{other}": ratios(results, other) for other in others}}
    text = json.dumps(report, indent=1)
    if args.out:
        pathlib.Path(args.out).write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
