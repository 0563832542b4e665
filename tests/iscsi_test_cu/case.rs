//! One case and how it ended.

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ran to its end and was content.
    Passed,
    /// It said that it cannot judge, and why.
    Skipped(Vec<String>),
    /// What it did not like.
    Failed(Vec<String>),
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// `SCSI.Read10.Simple`.
    pub name: String,
    /// The kind of logical unit that it ran on.
    pub kind: &'static str,
    /// How it ended.
    pub verdict: Verdict,
}

impl Case {
    /// What another kind of logical unit makes of it, if it asked for one.
    pub fn or(self, other: Self) -> Self {
        if self.wants_another() { other } else { self }
    }

    /// Whether it was skipped because the logical unit is of the wrong kind.
    pub fn wants_another(&self) -> bool {
        let kinds = ["not removable", "not write-protected", "LBPPB < 2"];
        let of_kind = |why: &String| kinds.iter().any(|kind| why.contains(kind));
        matches!(&self.verdict, Verdict::Skipped(why) if why.iter().any(of_kind))
    }

    /// What is wrong with it, unless it was to be skipped.
    pub fn complaint(&self, may_skip: bool) -> Option<String> {
        match &self.verdict {
            Verdict::Passed if may_skip => {
                Some(format!("{}: passes now; it is still among the expected skips", self.name))
            }
            Verdict::Skipped(_) if may_skip => None,
            Verdict::Passed => None,
            Verdict::Skipped(why) => Some(format!("{}: skipped: {}", self.name, why.join("; "))),
            Verdict::Failed(why) => Some(format!("{} ({}): {}", self.name, self.kind, why.join("\n    "))),
        }
    }
}
