//! The same commands to the same kind of volume on two ways, compared answer by answer: status, sense data, residual and data.
//!
//! - Over FCP on the soft fabric and over iSCSI: byte for byte the same, but for what names ports and transports.
//! - To Debian's user-space target `tgt`: the same but where the standard lets targets differ; `tgt.rs` lists that with clauses.

mod answer;
mod script;
mod side;
mod tgt;

use answer::Answer;
use script::Step;
use side::{Side, both};

/// The answers that a side gives to all steps.
fn answers(side: &mut Side, steps: &[Step]) -> Vec<Answer> {
    side.settle();
    let run = |step: &Step| side.run(step).unwrap_or_else(|error| panic!("{}: {error}", step.name));
    steps.iter().map(run).collect()
}

#[test]
fn fcp_and_iscsi_answer_the_same() {
    let (mut fcp, mut iscsi) = both();
    let steps = script::steps(fcp.blocks());
    let over_fcp = answers(&mut fcp, &steps);
    let over_iscsi = answers(&mut iscsi, &steps);
    let differ =
        |((step, a), b): ((&Step, &Answer), &Answer)| a.difference(b, step).map(|why| format!("{}: {why}", step.name));
    let found: Vec<String> = steps.iter().zip(&over_fcp).zip(&over_iscsi).filter_map(differ).collect();
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), steps.len(), found.join("\n"));
    // A script that everything refuses alike would prove nothing.
    let good = over_fcp.iter().filter(|answer| answer.is_good()).count();
    assert!(good * 3 > steps.len(), "{good} of {} answers are GOOD", steps.len());
}
