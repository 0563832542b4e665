//! `qfc perf`.

use crate::cli::{PerfArgs, WorkloadName};
use crate::{Failure, print};
use host::perf::{Job, Latency, Report, Workload};
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

pub fn run(args: &PerfArgs) -> Result<(), Failure> {
    let job = job(args);
    let tty = std::io::stderr().is_terminal();
    let mut progress = |at: Duration, ios: u64, in_time: Duration| {
        if tty {
            let iops = ios as f64 / in_time.as_secs_f64();
            let mib = iops * f64::from(job.io_bytes) / f64::from(1 << 20);
            eprint!("\r{:4} s  {iops:>10.0} IOPS  {mib:>8.1} MiB/s ", at.as_secs());
        }
    };
    let report = host::perf::run(&args.target.volume(&args.time)?, &args.connect.options()?, &job, &mut progress);
    if tty {
        eprint!("\r{:50}\r", "");
    }
    let report = report?;
    match &args.json {
        Some(file) => write_json(file, &report)?,
        None => print(&text(&report)),
    }
    Ok(())
}

/// JSON to a file, or to standard output for `-`.
pub fn write_json(file: &Path, value: &impl serde::Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).expect("plain data");
    if file == Path::new("-") {
        print(&json);
        return Ok(());
    }
    std::fs::write(file, json + "\n").map_err(|e| Failure::Text(format!("cannot write {}: {e}", file.display())))
}

fn job(args: &PerfArgs) -> Job {
    let workload = match args.workload {
        WorkloadName::Read => Workload::Read,
        WorkloadName::Write => Workload::Write,
        WorkloadName::Rw => Workload::Rw,
        WorkloadName::Randread => Workload::RandRead,
        WorkloadName::Randwrite => Workload::RandWrite,
        WorkloadName::Randrw => Workload::RandRw,
    };
    Job {
        workload,
        mix: args.mix,
        depth: args.depth,
        queues: args.queues,
        io_bytes: args.io_size,
        time: crate::target::time_of(&args.time),
        warmup: args.warmup,
        threads: args.threads,
        core: args.core,
        nsid: args.nsid,
        seed: args.seed,
    }
}

fn text(r: &Report) -> String {
    let mut out = format!(
        "{:?}, {} bytes, depth {} on {} queue{}, {:.1} s\n",
        r.workload,
        r.io_bytes,
        r.depth,
        r.queues,
        if r.queues == 1 { "" } else { "s" },
        r.seconds
    );
    out += &format!("{:.0} IOPS  {:.1} MiB/s  ({} commands)\n", r.iops, r.mib_per_s, r.ios);
    out += &latency("latency us", &r.latency_us);
    for (name, part) in [("  of reads", &r.read_latency_us), ("  of writes", &r.write_latency_us)] {
        out += &part.as_ref().map(|l| latency(name, l)).unwrap_or_default();
    }
    let times: Vec<String> = r.connect_us.iter().take(8).map(|us| format!("{us:.0}")).collect();
    let more = if r.connect_us.len() > 8 { " ..." } else { "" };
    out += &format!(
        "connect us  controller {:.0}  queues {}{more}  all queues {:.0}",
        r.admin_connect_us,
        times.join(" "),
        r.connect_total_us
    );
    out
}

fn latency(name: &str, l: &Latency) -> String {
    let Latency { avg, p50, p90, p99, p99_9, max } = l;
    format!("{name:<11} avg {avg:.1}  p50 {p50:.1}  p90 {p90:.1}  p99 {p99:.1}  p99.9 {p99_9:.1}  max {max:.1}\n")
}
