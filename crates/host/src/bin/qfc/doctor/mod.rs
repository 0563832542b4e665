//! `qfc doctor`: what stands between this machine and a working Fibre Channel port, each with the command that mends it.
//!
//! It only reads: files of the machine (`machine`), and answers of the target and of the fabric beside it, if they run (`target`).

mod finding;
mod machine;
mod target;
#[cfg(test)]
mod tests;

use crate::cli::{DoctorArgs, SOCKET};
use crate::{Failure, print, rpc};
use finding::{Finding, State};
use machine::Machine;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use target::Side;

/// A process that is there answers in less.
const PATIENCE: Duration = Duration::from_secs(5);

pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let findings = examine(args);
    let problems = findings.iter().filter(|finding| finding.state == State::Problem).count();
    if args.json {
        print(&format!("{:#}", json!({ "problems": problems, "findings": findings })));
    } else {
        findings.iter().for_each(|finding| print(&finding.lines()));
        print(&match problems {
            0 => "nothing stands in the way".to_owned(),
            1 => "1 problem".to_owned(),
            n => format!("{n} problems"),
        });
    }
    if problems > 0 { Err(Failure::Finding) } else { Ok(()) }
}

fn examine(args: &DoctorArgs) -> Vec<Finding> {
    let running = ask(&args.socket, "spdk_get_version", json!({})).is_some();
    let mut findings = Machine(args.root.clone()).examine(running);
    if !running {
        findings.push(no_target(&args.socket));
        return findings;
    }
    findings.push(Finding::ok("target", "", format!("runs, and answers at {}", args.socket.display())));
    let here = |method: &str, params: Value| ask(&args.socket, method, params);
    let beside = |method: &str, params: Value| ask(&args.fabric_socket, method, params);
    let rpc = match args.socket == Path::new(SOCKET) {
        true => "qfc rpc".to_owned(),
        false => format!("qfc rpc -s {}", args.socket.display()),
    };
    let switch_rpc = format!("qfc rpc -s {}", args.fabric_socket.display());
    let switch = args.fabric_socket.exists().then_some(Side { ask: &beside, rpc: &switch_rpc });
    let of_target = target::examine(Side { ask: &here, rpc: &rpc }, switch);
    if of_target.iter().any(|finding| finding.check == "link" && finding.state == State::Ok) {
        findings.iter_mut().filter(|finding| finding.check == "adapter").for_each(Finding::lessen);
    }
    findings.extend(of_target);
    findings
}

fn no_target(socket: &Path) -> Finding {
    Finding::problem("target", "", format!("no target answers at {}", socket.display()))
        .mend("qfc_tgt -c /etc/qfc/qfc.conf -g    (or: sudo systemctl start qfc_tgt)")
        .mend("qfc doctor -s SOCKET    (if it runs with -r SOCKET)")
}

/// The result of a method; none when it cannot be had.
fn ask(socket: &Path, method: &str, params: Value) -> Option<Value> {
    let mut answer = rpc::call(socket, PATIENCE, method, Some(params)).ok()?;
    answer.get_mut("result").map(Value::take)
}
