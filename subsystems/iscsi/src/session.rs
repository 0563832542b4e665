//! A session: its numbers, what was agreed, and what waits for older commands.

use crate::names::Names;
use iscsi::{Agreement, Parameters, SessionKind};
use ring::{Tag, Tick};
use scsi::{Origin, Task};
use wire::iscsi::{BHS_BYTES, sn_less};

/// What is to be done with a numbered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is the next one, or immediate.
    Now,
    /// Older ones are missing.
    Wait,
    /// Outside the window, or a second one of that number: it never was (RFC 7143 4.2.2.1).
    Ignore,
}

/// A request that waits for older ones.
pub(crate) struct Held {
    /// Its number. An immediate request acts when all before this number are in.
    pub cmd_sn: u32,
    /// It is immediate: it takes no number.
    pub immediate: bool,
    /// Where it came from.
    pub connection: u32,
    /// What it is.
    pub what: What,
}

/// What waits.
pub(crate) enum What {
    /// A SCSI command, whose data may still be coming.
    Command(Tag, Task),
    /// Another request, whole.
    Request(Box<([u8; BHS_BYTES], Vec<u8>)>),
    /// Nothing: that number counts as received (RFC 7143 11.5.5).
    Nothing,
}

/// A session.
pub(crate) struct Session {
    pub tsih: u16,
    /// Who logged in where; parameters of connections are not taken from here.
    pub agreement: Agreement,
    /// The nexus; `None` for a discovery session.
    pub origin: Option<Origin>,
    /// Next command number.
    pub exp_cmd_sn: u32,
    /// Places of the window.
    pub depth: u16,
    /// Numbered commands that were taken and not replied to.
    pub counted: u16,
    /// Commands and functions that are open, by task tag.
    pub names: Names,
    /// Free places for early data.
    pub places: Vec<u16>,
    /// Bytes of early data of a place.
    pub early_bytes: u32,
    /// Early data: unsolicited data of commands that have no buffer yet. Most is never touched, and so takes no memory.
    pub early: Box<[u8]>,
    /// What waits for older ones, in no order.
    pub held: Vec<Held>,
    /// Since when something waits.
    pub gap_since: Tick,
    /// Connections, lost ones with open commands included.
    pub connections: Vec<u32>,
    /// Open commands that the group has.
    pub open: u32,
    /// ABORT TASK functions that are open.
    pub aborting: u32,
    /// It ends when its commands and connections are gone.
    pub closing: bool,
    /// No more commands are wanted.
    pub quiet: bool,
    /// The connection on which it is logged out.
    pub leaving: Option<u32>,
}

impl Session {
    /// A new session. Not on the I/O path: it allocates all that its commands will need.
    pub fn new(tsih: u16, agreement: Agreement, origin: Option<Origin>, depth: u16, immediate: u16) -> Self {
        let places = if origin.is_some() { depth + immediate } else { 0 };
        let parameters = &agreement.parameters;
        let early_bytes = if parameters.immediate_data || !parameters.initial_r2t {
            parameters.first_burst_length.min(parameters.max_burst_length)
        } else {
            0
        };
        Self {
            tsih,
            exp_cmd_sn: agreement.cmd_sn,
            origin,
            depth,
            counted: 0,
            names: Names::new(usize::from(places)),
            places: (0..places).rev().collect(),
            early_bytes,
            early: vec![0; early_bytes as usize * usize::from(places)].into(),
            held: Vec::with_capacity(usize::from(depth)),
            gap_since: 0,
            connections: Vec::with_capacity(4),
            open: 0,
            aborting: 0,
            closing: false,
            quiet: false,
            leaving: None,
            agreement,
        }
    }

    /// Whether it has logical units.
    pub fn is_normal(&self) -> bool {
        matches!(self.agreement.kind, SessionKind::Normal { .. })
    }

    /// What was agreed for the session.
    pub fn parameters(&self) -> &Parameters {
        &self.agreement.parameters
    }

    /// Commands that may be open at once, at most.
    pub fn most(depth: u16, immediate: u16) -> usize {
        usize::from(depth + immediate)
    }

    /// The last command number that is allowed. It never goes back: a number that is taken has its command counted.
    pub fn max_cmd_sn(&self) -> u32 {
        let free = u32::from(self.depth.saturating_sub(self.counted));
        self.exp_cmd_sn.wrapping_add(free).wrapping_sub(1)
    }

    /// What is to be done with a request.
    pub fn turn(&self, cmd_sn: u32, immediate: bool) -> Turn {
        if immediate {
            return Turn::Now;
        }
        let after = sn_less(self.max_cmd_sn(), cmd_sn);
        let before = sn_less(cmd_sn, self.exp_cmd_sn);
        let known = || self.held.iter().any(|held| !held.immediate && held.cmd_sn == cmd_sn);
        match cmd_sn == self.exp_cmd_sn {
            _ if before || after => Turn::Ignore,
            true => Turn::Now,
            false if known() => Turn::Ignore,
            false => Turn::Wait,
        }
    }

    /// A numbered request was taken.
    pub fn advance(&mut self) {
        self.exp_cmd_sn = self.exp_cmd_sn.wrapping_add(1);
    }

    /// Puts a request aside.
    pub fn hold(&mut self, held: Held, now: Tick) {
        if self.held.is_empty() {
            self.gap_since = now;
        }
        self.held.push(held);
    }

    /// The next of those that were put aside, if its time has come.
    pub fn next_held(&mut self) -> Option<Held> {
        let exp = self.exp_cmd_sn;
        // A function acts before the command that has the number that it waited for.
        let due = |held: &&(usize, &Held)| {
            if held.1.immediate { !sn_less(exp, held.1.cmd_sn) } else { held.1.cmd_sn == exp }
        };
        let place = self.held.iter().enumerate().filter(|held| due(&held)).max_by_key(|held| held.1.immediate);
        let place = place.map(|(place, _)| place)?;
        Some(self.held.swap_remove(place))
    }

    /// The early memory of a place.
    pub fn early(&mut self, place: u16) -> &mut [u8] {
        let from = usize::from(place) * self.early_bytes as usize;
        &mut self.early[from..from + self.early_bytes as usize]
    }
}
