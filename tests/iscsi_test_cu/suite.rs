//! What cases there are, and running the cases of a suite.

use crate::case::{Case, Verdict};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a suite may take: the longest needs seconds.
const LIMIT: Duration = Duration::from_secs(180);
/// Complaints that are kept of a case.
const KEPT: usize = 12;

/// Cases that belong together.
#[derive(Debug)]
pub struct Suite {
    /// `SCSI.Read10`.
    pub name: String,
    /// `Simple`, ...
    pub cases: Vec<String>,
}

/// The suites of the families SCSI and iSCSI.
pub fn list() -> Vec<Suite> {
    let output = Command::new("iscsi-test-cu").arg("--list").output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut suites: Vec<Suite> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("SCSI.") || line.starts_with("iSCSI.")) {
        match line.split('.').collect::<Vec<_>>()[..] {
            [family, suite] => suites.push(Suite { name: format!("{family}.{suite}"), cases: Vec::new() }),
            [_, _, case] => suites.last_mut().expect("a suite stands before its cases").cases.push(case.to_owned()),
            _ => {}
        }
    }
    suites
}

impl Suite {
    /// Runs all its cases against the logical unit at the first URL; the second is another path to it.
    pub fn run(&self, urls: &[String; 2], kind: &'static str) -> Vec<Case> {
        let said = self.output(urls);
        self.cases.iter().map(|case| self.case(case, &said, kind)).collect()
    }

    fn output(&self, urls: &[String; 2]) -> String {
        let mut command = Command::new("iscsi-test-cu");
        command.args(["--dataloss", "--allow-sanitize", "--verbose", "--test", &self.name]).args(urls);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it runs");
        let mut out = child.stdout.take().expect("its output is ours");
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = out.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let begun = Instant::now();
        while child.try_wait().expect("a child can be waited for").is_none() {
            if begun.elapsed() > LIMIT {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        reader.join().expect("the reader ends with the output")
    }

    /// What the output says of a case: the text from its line to that of the next case.
    fn case(&self, case: &str, said: &str, kind: &'static str) -> Case {
        let name = format!("{}.{case}", self.name);
        let Some(at) = said.find(&format!("  Test: {case} ...")) else {
            let why = format!("it did not run; the last words: {}", tail(said));
            return Case { name, kind, verdict: Verdict::Failed(vec![why]) };
        };
        let text = &said[at + 8..];
        let text = &text[..text.find("\n  Test: ").or_else(|| text.find("\nRun Summary")).unwrap_or(text.len())];
        Case { name, kind, verdict: verdict(text) }
    }
}

fn verdict(text: &str) -> Verdict {
    let lines = || text.lines().map(str::trim);
    // What the tool says while it tidies up may follow on the same line.
    if !lines().any(|line| line.starts_with("passed") || line.contains("...passed")) {
        let telling = lines().filter(|line| !line.is_empty() && *line != "FAILED").skip(1).take(KEPT);
        return Verdict::Failed(telling.map(str::to_owned).collect());
    }
    let mut skipped: Vec<String> = text
        .split("[SKIPPED]")
        .skip(1)
        .filter_map(|part| part.lines().next())
        .map(|why| why.trim().to_owned())
        .collect();
    skipped.dedup();
    if skipped.is_empty() { Verdict::Passed } else { Verdict::Skipped(skipped) }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}
