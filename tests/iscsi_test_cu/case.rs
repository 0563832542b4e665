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
    /// The more telling of two runs on different logical units: a failure, else a pass.
    pub fn or(self, other: Self) -> Self {
        match (&self.verdict, &other.verdict) {
            (Verdict::Skipped(_), Verdict::Skipped(_)) => self,
            (Verdict::Skipped(_), _) => other,
            (Verdict::Passed, Verdict::Failed(_)) => other,
            _ => self,
        }
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
