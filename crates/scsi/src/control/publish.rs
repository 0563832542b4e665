//! Telling the cores: a message to each home, and the wait for all answers.

use crate::control::{Error, Transport};
use crate::message::{Ack, CoreReport, Message};
use ring::{Full, Sender};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// How often a full mailbox is tried again.
const RETRY: Duration = Duration::from_millis(1);

/// One core of one transport, as the control side reaches it.
#[derive(Clone)]
pub(crate) struct Home {
    name: String,
    sender: Sender<Message>,
}

/// What the homes said.
#[derive(Default)]
pub(crate) struct Answers {
    /// Why the first that could not do it could not.
    pub refused: Option<String>,
    /// Which did not answer in time.
    pub silent: Vec<String>,
}

/// The homes of a transport, with names for people.
pub(crate) fn homes(transport: &dyn Transport) -> Vec<Home> {
    let kind = transport.name();
    let named =
        |(n, sender): (usize, &Sender<Message>)| Home { name: format!("{kind} home {n}"), sender: sender.clone() };
    transport.homes().iter().enumerate().map(named).collect()
}

/// Asks all homes and waits until each has answered or `limit` is over.
pub(crate) fn ask(homes: &[Home], message: impl Fn(Ack) -> Message, limit: Duration) -> Answers {
    ask_each(homes, |_, ack| message(ack), limit)
}

/// The same with a message of its own for each, by its place in `homes`.
pub(crate) fn ask_each(homes: &[Home], message: impl Fn(usize, Ack) -> Message, limit: Duration) -> Answers {
    let until = Instant::now() + limit;
    let asked = homes.iter().enumerate().map(|(place, home)| {
        let (ack, answer) = sync_channel(1);
        (home, post(home, message(place, ack), until).then_some(answer))
    });
    let asked: Vec<_> = asked.collect();
    let mut answers = Answers::default();
    for (home, answer) in asked {
        match answer.map(|answer| await_one(&answer, until)) {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(why))) => {
                answers.refused.get_or_insert(format!("{}: {why}", home.name));
            }
            Some(Err(_)) | None => answers.silent.push(home.name.clone()),
        }
    }
    answers
}

/// What is on each home; those that did not say within `limit` are left out, with a warning.
pub(crate) fn reports(homes: &[Home], limit: Duration) -> Vec<(String, CoreReport)> {
    let until = Instant::now() + limit;
    let asked: Vec<_> = homes
        .iter()
        .map(|home| {
            let (to, answer) = sync_channel(1);
            (home, post(home, Message::Report { to }, until).then_some(answer))
        })
        .collect();
    let mut reports = Vec::new();
    for (home, answer) in asked {
        match answer.map(|answer| await_one(&answer, until)) {
            Some(Ok(report)) => reports.push((home.name.clone(), report)),
            _ => log::warn!(target: "scsi", "{} does not say what is there; it is left out", home.name),
        }
    }
    reports
}

fn post(home: &Home, message: Message, until: Instant) -> bool {
    let mut message = message;
    while let Err(Full(back)) = home.sender.send(message) {
        if Instant::now() >= until {
            return false;
        }
        message = back;
        std::thread::sleep(RETRY);
    }
    true
}

fn await_one<T>(answer: &Receiver<T>, until: Instant) -> Result<T, RecvTimeoutError> {
    answer.recv_timeout(until.saturating_duration_since(Instant::now()))
}

impl Home {
    /// The way to its mailbox.
    pub fn sender(&self) -> Sender<Message> {
        self.sender.clone()
    }
}

impl Answers {
    /// Everyone did it.
    pub fn is_done(&self) -> bool {
        self.refused.is_none() && self.silent.is_empty()
    }
}

/// The error that tells of those who did not answer.
pub(crate) fn silence(silent: &[String], limit: Duration) -> Result<(), Error> {
    if silent.is_empty() {
        return Ok(());
    }
    let (who, ms) = (silent.join(", "), limit.as_millis());
    let text = format!("{who} did not answer within {ms} ms; the change is made elsewhere, and there when it answers");
    Err(Error::Silent(text))
}
