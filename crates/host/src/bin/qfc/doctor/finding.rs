//! What an examination found.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it must be.
    Ok,
    /// Worth knowing; a port works all the same.
    Note,
    /// A port does not work, or its hosts see nothing, until this is mended.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing: `adapter`, `driver`, `iommu`, `hugepages`, `firmware`, `target`, `link`, `service`, `zone`, `host`.
    pub check: &'static str,
    /// Which one: a PCI address, a port's name; empty when there is only one.
    pub subject: String,
    pub state: State,
    pub text: String,
    /// Commands that mend it; any one of them, unless the text says otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<String>,
}

impl Finding {
    fn new(state: State, check: &'static str, subject: &str, text: impl Into<String>) -> Self {
        Self { check, subject: subject.to_owned(), state, text: text.into(), mend: Vec::new() }
    }

    pub fn ok(check: &'static str, subject: &str, text: impl Into<String>) -> Self {
        Self::new(State::Ok, check, subject, text)
    }

    pub fn note(check: &'static str, subject: &str, text: impl Into<String>) -> Self {
        Self::new(State::Note, check, subject, text)
    }

    pub fn problem(check: &'static str, subject: &str, text: impl Into<String>) -> Self {
        Self::new(State::Problem, check, subject, text)
    }

    /// Adds a command that mends it.
    pub fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend.push(command.into());
        self
    }

    /// It stands in nobody's way after all.
    pub fn lessen(&mut self) {
        if self.state == State::Problem {
            self.state = State::Note;
        }
    }

    /// For people.
    pub fn lines(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Problem => "PROBLEM",
        };
        let subject = if self.subject.is_empty() { String::new() } else { format!("{}: ", self.subject) };
        let first = format!("{state:<8}{:<10}{subject}{}", self.check, self.text);
        let mend = self.mend.iter().map(|command| format!("\n{:18}-> {command}", ""));
        [first].into_iter().chain(mend).collect()
    }
}
