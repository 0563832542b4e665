//! The table of what was seen.

use crate::case::{Case, Verdict};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Writes the table.
pub fn write(path: &Path, cases: &[Case], skips: &[(&str, &str)]) {
    std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder can be made");
    std::fs::write(path, text(cases, skips)).expect("the table can be written");
}

/// The table as text.
pub fn text(cases: &[Case], skips: &[(&str, &str)]) -> String {
    let count = |of: &[&Case], which: fn(&Verdict) -> bool| of.iter().filter(|case| which(&case.verdict)).count();
    let all: Vec<&Case> = cases.iter().collect();
    let mut text =
        String::from("# iscsi-test-cu\n\nWritten by `cargo test --test iscsi_test_cu` (part of `make test`). ");
    let _ = writeln!(
        text,
        "Suite: {}, options `--dataloss --allow-sanitize`, with a second path.\nEach case runs on a thin logical unit (512n) and, if it asks for another kind, on \
         one with larger physical blocks (512e), a removable and a read-only one.\n",
        version()
    );
    let _ = writeln!(
        text,
        "{} cases: {} passed, {} skipped, {} failed.\n",
        all.len(),
        count(&all, is_passed),
        count(&all, is_skipped),
        count(&all, is_failed)
    );
    text.push_str("| suite | cases | passed | skipped | failed | on |\n|---|---|---|---|---|---|\n");
    for of in cases.chunk_by(|a, b| suite(a) == suite(b)) {
        let of: Vec<&Case> = of.iter().collect();
        let kinds: BTreeSet<&str> = of.iter().map(|case| case.kind).collect();
        let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
        let (passed, skipped, failed) = (count(&of, is_passed), count(&of, is_skipped), count(&of, is_failed));
        let _ = writeln!(text, "| {} | {} | {passed} | {skipped} | {failed} | {kinds} |", suite(of[0]), of.len());
    }
    exceptions(&mut text, cases, skips);
    text
}

fn exceptions(text: &mut String, cases: &[Case], skips: &[(&str, &str)]) {
    let reason = |case: &Case| skips.iter().find(|(name, _)| *name == case.name).map_or("", |(_, why)| why);
    for case in cases {
        match &case.verdict {
            Verdict::Passed => {}
            Verdict::Skipped(why) => {
                let _ = writeln!(text, "\n- {} skipped («{}»): {}", case.name, why.join("; "), reason(case));
            }
            Verdict::Failed(why) => {
                let _ = writeln!(text, "\n- {} FAILED: {}", case.name, why.first().map_or("", String::as_str));
            }
        }
    }
}

fn suite(case: &Case) -> &str {
    case.name.rsplit_once('.').map_or(&case.name, |(suite, _)| suite)
}

fn is_passed(verdict: &Verdict) -> bool {
    *verdict == Verdict::Passed
}

fn is_skipped(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Skipped(_))
}

fn is_failed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(_))
}

/// The package that the suite is from.
fn version() -> String {
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Package} ${Version}", "libiscsi-bin"]).output();
    let said = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if said.is_empty() { "libiscsi-bin, version unknown".into() } else { said }
}
