//! `conf`: a `qfc.conf`. Input: the file.

/// One input.
pub fn run(data: &[u8]) {
    if data.len() > crate::INPUT_MAX {
        return;
    }
    let plan = conf::parse_and_translate("f", data);
    let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    for remark in &plan.diagnostics {
        assert!(!remark.message.is_empty() && remark.line <= lines, "{remark} of {lines} lines");
        let text = remark.to_string();
        assert!(!text.contains(|c: char| c.is_control()), "a terminal could take it for something else: {text:?}");
    }
    for call in plan.calls.iter().chain(&plan.not_yet) {
        assert!(call.params.is_object() && (1..=lines).contains(&call.line), "{call:?}");
    }
    let json = conf::to_json_config(&plan).to_string();
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    assert_eq!(plan, conf::parse_and_translate("f", data), "the same file means the same");
}
