//! `qfc verify`.

use crate::cli::VerifyArgs;
use crate::perf::write_json;
use crate::{Failure, print};
use host::verify::{Job, Report, State};
use std::io::IsTerminal;

/// Findings printed one a line.
const SHOWN: usize = 20;

pub fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let mut options = args.connect.options()?;
    options.link.hdgst |= args.digest;
    options.link.ddgst |= args.digest;
    let tty = std::io::stderr().is_terminal();
    let mut reconnects = 0;
    let mut progress = |r: &Report| {
        if r.reconnects > reconnects {
            reconnects = r.reconnects;
            eprintln!("{}connection lost ({reconnects}), connecting again", if tty { "\r" } else { "" });
        }
        if tty {
            eprint!(
                "\r{} writes, {} reads, {} blocks checked, {} wrong ",
                r.writes,
                r.reads,
                r.blocks_checked,
                r.wrong.values().sum::<u64>()
            );
        }
    };
    let report = host::verify::run(&args.target.volume(&args.time)?, &options, &job(args), &mut progress);
    if tty {
        eprint!("\r{:78}\r", "");
    }
    let report = report?;
    match &args.json {
        Some(file) => write_json(file, &report)?,
        None => print(&text(&report)),
    }
    if report.is_good() { Ok(()) } else { Err(Failure::Finding) }
}

fn job(args: &VerifyArgs) -> Job {
    let state = match (&args.check, &args.state, args.resume) {
        (Some(path), _, _) => State::Check(path.clone()),
        (None, Some(path), true) => State::Resume(path.clone()),
        (None, Some(path), false) => State::New(path.clone()),
        (None, None, _) => State::None,
    };
    Job {
        time: crate::target::time_of(&args.time),
        depth: args.depth,
        queues: args.queues,
        io_bytes: args.io_size,
        reads: args.mix,
        size: args.size,
        flush_every: args.flush_every,
        nsid: args.nsid,
        seed: args.seed,
        reconnect: args.reconnect,
        sweep: !args.no_sweep,
        state,
    }
}

fn text(r: &Report) -> String {
    let mut out = String::new();
    for finding in r.findings.iter().take(SHOWN) {
        out += &format!("{finding}\n");
    }
    if r.findings.len() > SHOWN {
        out += &format!("... and more; --json FILE has the first {}\n", r.findings.len());
    }
    for (what, count) in &r.errors {
        out += &format!("{what}: {count} times\n");
    }
    out += &format!(
        "{} writes, {} reads, {} flushes in {:.1} s; {} blocks written, {} checks of blocks\n",
        r.writes, r.reads, r.flushes, r.seconds, r.blocks_written, r.blocks_checked
    );
    if r.reconnects > 0 || r.retryable_errors > 0 {
        out += &format!(
            "{} reconnects (longest outage {:.2} s), {} commands given up by the controller, {} blocks with an unacknowledged last write\n",
            r.reconnects, r.longest_outage, r.retryable_errors, r.blocks_uncertain
        );
    }
    let wrong: Vec<String> = r.wrong.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    out += &if r.is_good() {
        "GOOD: every block is what it must be".to_owned()
    } else {
        format!("BAD: {}", if wrong.is_empty() { "commands failed".to_owned() } else { wrong.join(", ") })
    };
    out
}
