//! `json_config`: a configuration file as `-c` and `load_config` read it, JSON or qfc.conf, with every call checked
//! against the real methods. Input: the file.

use crate::methods::app;
use ::app::Plan;

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let mut plan = Plan::parse("f", data);
    assert!(plan.failed || plan.calls.iter().all(|planned| planned.origin.starts_with('f')));
    plan.verify(&app().methods);
    let (early, late) = plan.phases(&app().methods);
    assert_eq!(early.len() + late.len(), plan.calls.len());
    // What it prints means the same; the sections are sorted by the first word of the method, so the order may differ.
    let printed = plan.to_json().to_string();
    let again = Plan::parse("f", printed.as_bytes());
    assert!(!again.failed, "{printed}: {:?}", again.remarks);
    assert_eq!(again.calls.len(), plan.calls.len(), "{printed}");
    assert_eq!(again.to_json().to_string(), printed);
}
