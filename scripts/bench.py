#!/usr/bin/env python3
"""Measures qfc_tgt over NVMe/TCP on loopback, and writes the figures as JSON with machine and commit.

  scripts/bench.py                     our target with our initiator (`qfc perf`)
  scripts/bench.py --spdk DIR          our target and SPDK's nvmf_tgt in alternation, with SPDK's spdk_nvme_perf for both;
                                       DIR is a built SPDK source tree (DIR/build/bin/nvmf_tgt)
  scripts/bench.py --list              the cases

The target runs on one core and the initiator on another. Machines are noisy: a figure here means something only beside the
others of the same run, so quote ratios of medians. Standard library only.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NQN = "nqn.2026-11.org.qfc:bench"
BLOCK = 4096
MIB = 256

# name: workload, bytes, depth per queue, queues, volume
CASES = {}
for workload in ("randread", "randwrite"):
    for queues in (1, 4):
        for depth in (1, 32, 128):
            if queues == 4 and depth == 1:
                continue
            CASES[f"4k-{workload}-q{depth}-P{queues}"] = (workload, 4096, max(1, depth // queues), queues, "malloc")
for workload in ("read", "write"):
    CASES[f"128k-{workload}-q32-P1"] = (workload, 131072, 32, 1, "malloc")
for workload in ("randread", "randwrite"):
    CASES[f"null-4k-{workload}-q32-P1"] = (workload, 4096, 32, 1, "null")


class Rpc:
    """A JSON-RPC client on a Unix socket."""

    def __init__(self, path):
        self.path, self.id = path, 0

    def __call__(self, method, **params):
        self.id += 1
        request = {"jsonrpc": "2.0", "id": self.id, "method": method}
        if params:
            request["params"] = params
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(self.path)
            sock.sendall(json.dumps(request).encode())
            answer = b""
            while True:
                answer += sock.recv(1 << 16)
                try:
                    reply = json.loads(answer)
                    break
                except ValueError:
                    continue
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error']}")
        return reply["result"]


class Target:
    """A running target: ours or SPDK's, both configured by the same calls."""

    def __init__(self, name, argv, port, core, workdir):
        self.name, self.port = name, port
        self.sock = str(workdir / f"{name}.sock")
        self.log = open(workdir / f"{name}.log", "wb")
        started = time.monotonic()
        self.process = subprocess.Popen(["taskset", "-c", str(core), *argv, "-r", self.sock], stdout=self.log, stderr=self.log)
        self.rpc = Rpc(self.sock)
        self.wait()
        self.rpc("nvmf_create_transport", trtype="TCP")
        self.configured = set()
        self.volume("malloc")
        self.listen()
        self.start_ms = (time.monotonic() - started) * 1e3

    def wait(self):
        for _ in range(2000):
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended at start; see {self.log.name}")
            try:
                self.rpc("framework_wait_init")
                return
            except (OSError, RuntimeError):
                time.sleep(0.01)
        raise SystemExit(f"{self.name} does not answer on {self.sock}")

    def volume(self, kind):
        """One subsystem a kind of volume."""
        if kind in self.configured:
            return
        self.configured.add(kind)
        self.rpc(f"bdev_{kind}_create", name=f"{kind}0", num_blocks=MIB * (1 << 20) // BLOCK, block_size=BLOCK)
        self.rpc("nvmf_create_subsystem", nqn=f"{NQN}-{kind}", serial_number="BENCH", allow_any_host=True)
        self.rpc("nvmf_subsystem_add_ns", nqn=f"{NQN}-{kind}", namespace={"bdev_name": f"{kind}0"})

    def listen(self):
        for kind in ("malloc", "null"):
            self.volume(kind)
            address = {"trtype": "TCP", "adrfam": "IPv4", "traddr": "127.0.0.1", "trsvcid": str(self.port)}
            self.rpc("nvmf_subsystem_add_listener", nqn=f"{NQN}-{kind}", listen_address=address)

    def busy(self):
        """Busy and idle time so far, in seconds."""
        stats = self.rpc("framework_get_reactors")
        rate = stats["tick_rate"]
        return tuple(sum(r[key] for r in stats["reactors"]) / rate for key in ("busy", "idle"))

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = {key: int(value) for key, value in re.findall(r"(VmRSS|HugetlbPages):\s+(\d+) kB", status)}
        return sum(found.values())

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def sampled(target, process, warmup, seconds):
    """The busy share of the target in the middle of a run of `process`."""
    time.sleep(warmup + 0.2 * seconds)
    before = target.busy()
    time.sleep(0.6 * seconds)
    after = target.busy()
    busy, idle = (b - a for a, b in zip(before, after))
    output = process.communicate(timeout=60 + seconds)[0].decode(errors="replace")
    return busy / max(busy + idle, 1e-9), output


def with_spdk_perf(args, target, case):
    workload, size, depth, queues, volume = CASES[case]
    argv = ["taskset", "-c", str(args.initiator_core), f"{args.spdk}/build/bin/spdk_nvme_perf", "--no-huge", "-s", "256"]
    argv += ["-c", hex(1 << args.initiator_core), "-q", str(depth * queues), "-P", str(queues), "-o", str(size)]
    argv += ["-w", workload, "-t", str(args.seconds), "-a", str(args.warmup), "-LL"]
    argv += ["-r", f"trtype:TCP adrfam:IPv4 traddr:127.0.0.1 trsvcid:{target.port} subnqn:{NQN}-{volume}"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # spdk_nvme_perf starts its environment for about a second before it begins.
    share, output = sampled(target, process, args.warmup + 1.0, args.seconds)
    total = re.search(r"^Total\s*:\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)", output, re.M)
    if not total:
        raise SystemExit(f"spdk_nvme_perf failed on {target.name} {case}:\n{output[-2000:]}")
    percentiles = {}
    for percent, value in re.findall(r"^\s*([\d.]+)%\s*:\s*([\d.]+)us", output, re.M):
        percentiles.setdefault(float(percent), float(value))
    iops = float(total[1])
    return {"iops": iops, "mibs": float(total[2]), "avg_us": float(total[3]), "p50_us": percentiles.get(50.0),
            "p99_us": percentiles.get(99.0), "p999_us": percentiles.get(99.9), "busy_share": share,
            "busy_us_per_io": share * 1e6 / iops}


def with_qfc_perf(args, target, case):
    workload, size, depth, queues, volume = CASES[case]
    argv = [str(ROOT / "target/release/qfc"), "perf", f"tcp://127.0.0.1:{target.port}/{NQN}-{volume}"]
    argv += ["-w", workload, "-o", str(size), "-q", str(depth), "-P", str(queues), "-t", str(args.seconds)]
    argv += ["--warmup", str(args.warmup), "--core", str(args.initiator_core), "--json", "-"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    share, output = sampled(target, process, args.warmup, args.seconds)
    if process.returncode != 0:
        raise SystemExit(f"qfc perf failed on {case}: {output[-2000:]}")
    result = json.loads(output)
    latency, iops = result["latency_us"], result["iops"]
    return {"iops": iops, "mibs": result["mib_per_s"], "avg_us": latency["avg"], "p50_us": latency["p50"],
            "p99_us": latency["p99"], "p999_us": latency["p99_9"], "connect_us": statistics.median(result["connect_us"]),
            "busy_share": share, "busy_us_per_io": share * 1e6 / max(iops, 1)}


def connect_times(args, target):
    """Microseconds to connect one I/O queue, and 64 of them one after the other."""
    argv = [str(ROOT / "target/release/qfc"), "perf", f"tcp://127.0.0.1:{target.port}/{NQN}-malloc", "-q", "1", "-t", "1", "--json", "-"]
    one = json.loads(subprocess.run([*argv, "-P", "1"], capture_output=True, check=True).stdout)
    many = json.loads(subprocess.run([*argv, "-P", "64"], capture_output=True, check=True).stdout)
    return {"queue_us": round(one["connect_total_us"]), "64_queues_us": round(many["connect_total_us"])}


def targets(args, workdir):
    memory = [] if args.huge else ["--no-huge"]
    ours = [str(ROOT / "target/release/qfc_tgt"), "-m", hex(1 << args.target_core), *memory]
    made = [Target("qfc", ours, args.port, args.target_core, workdir)]
    if args.spdk:
        theirs = [f"{args.spdk}/build/bin/nvmf_tgt", "-m", hex(1 << args.target_core), "-u"]
        theirs += ["-s", "700"] + ([] if args.huge else ["--no-huge"])
        made.append(Target("spdk", theirs, args.port + 1, args.target_core, workdir))
    return made


def idle(target, seconds=3):
    time.sleep(1)
    before = target.cpu_seconds()
    time.sleep(seconds)
    return {"rss_and_huge_mib": round(target.memory_kib() / 1024, 1), "start_ms": round(target.start_ms, 1),
            "idle_cpu_percent": round(100 * (target.cpu_seconds() - before) / seconds, 2)}


class Paused:
    """Only one of the targets may poll at a time: the other one is stopped."""

    def __init__(self, running, all_of_them):
        self.others = [target for target in all_of_them if target is not running]

    def __enter__(self):
        for target in self.others:
            os.kill(target.process.pid, 19)

    def __exit__(self, *_):
        for target in self.others:
            os.kill(target.process.pid, 18)


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {"cpu": cpu[1] if cpu else "?", "cores": os.cpu_count(), "kernel": platform.release(),
            "commit": commit.stdout.strip(), "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M")}


def medians(runs):
    keys = [key for key, value in runs[0].items() if isinstance(value, (int, float))]
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in keys if all(run[key] is not None for run in runs)}


def ratios(results):
    """Ours over theirs, pair by pair: median, and the medians' geometric mean over the cases."""
    out, product, busy_product = {}, 1.0, 1.0
    for case, by_target in results.items():
        pairs = list(zip(by_target["qfc"], by_target["spdk"]))
        one = {key: statistics.median(a[key] / b[key] for a, b in pairs) for key in ("iops", "busy_us_per_io", "p99_us")}
        out[case] = {key: round(value, 3) for key, value in one.items()}
        product *= one["iops"]
        busy_product *= one["busy_us_per_io"]
    count = max(len(results), 1)
    out["geometric mean"] = {"iops": round(product ** (1 / count), 3), "busy_us_per_io": round(busy_product ** (1 / count), 3)}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spdk", metavar="DIR", help="a built SPDK source tree to compare with")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("--case", action="append", help="only this case (may be repeated)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--huge", action="store_true", help="both targets with hugepages (they must be reserved)")
    parser.add_argument("--target-core", type=int, default=0)
    parser.add_argument("--initiator-core", type=int, default=1)
    parser.add_argument("--port", type=int, default=4520)
    parser.add_argument("--out", help="file for the JSON (default: standard output)")
    args = parser.parse_args()
    if args.list:
        return print("\n".join(CASES))
    run = with_spdk_perf if args.spdk else with_qfc_perf
    if args.spdk:
        args.seconds = int(args.seconds)
    cases = args.case or list(CASES)
    results = {case: {} for case in cases}
    with tempfile.TemporaryDirectory() as directory:
        made = targets(args, pathlib.Path(directory))
        try:
            quiet = {target.name: idle(target) for target in made}
            extra = {} if args.spdk else {"connect": connect_times(args, made[0])}
            for case in cases:
                for _ in range(args.rounds):
                    for target in made:
                        with Paused(target, made):
                            figures = run(args, target, case)
                        results[case].setdefault(target.name, []).append(figures)
                        print(f"{case:26} {target.name:5} {figures['iops']:10.0f} IOPS  p99 {figures['p99_us'] or 0:8.1f} us  "
                              f"busy {figures['busy_us_per_io']:6.2f} us/IO", file=sys.stderr, flush=True)
        finally:
            for target in made:
                target.stop()
    report = {"machine": machine(), "initiator": "spdk_nvme_perf" if args.spdk else "qfc perf", "hugepages": args.huge,
              "seconds": args.seconds, "rounds": args.rounds, "idle": quiet,
              **extra, "medians": {case: {name: medians(runs) for name, runs in by.items()} for case, by in results.items()}}
    if args.spdk:
        report["ratios qfc/spdk"] = ratios(results)
    text = json.dumps(report, indent=1)
    if args.out:
        pathlib.Path(args.out).write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
