//! An N_Port of the adapter, and how far it is. The physical port has virtual port index 0.

use crate::board::Board;
use fc::{Fc4, Names, PortState, Service, Topology};
use ring::Tick;
use std::collections::VecDeque;
use std::sync::Arc;
use wire::fc::{PortId, Wwn};

/// How far a port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Taken down by the operator.
    Disabled,
    /// No link; a virtual port: its physical port is not online.
    LinkDown,
    /// The firmware logs in with the fabric.
    FabricLogin,
    /// PLOGI with the name server.
    Directory,
    /// Registrations.
    Register,
    /// State change registration.
    Changes,
    Online,
    /// The fabric refuses it, or the adapter was given up.
    Refused,
}

/// A service and its lanes, by number.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub service: Service,
    pub lanes: Vec<usize>,
    /// FCP: which gets the next session.
    pub next_lane: usize,
}

/// A port.
pub(super) struct NPort {
    pub vp: u8,
    pub names: Names,
    pub board: Arc<Board>,
    pub stage: Stage,
    pub id: PortId,
    pub topology: Option<Topology>,
    pub fabric: Option<Wwn>,
    pub reason: Option<String>,
    pub offers: [Option<Offer>; 2],
    /// CT requests that are still to be sent.
    pub registrations: VecDeque<Vec<u8>>,
    /// One of them is under way.
    pub registering: bool,
    pub retry_at: Option<Tick>,
    pub attempts: u32,
    /// It is to be shown again.
    pub changed: bool,
    pub announced: bool,
}

impl NPort {
    pub fn new(vp: u8, names: Names, board: Arc<Board>) -> Self {
        Self {
            vp,
            names,
            board,
            stage: Stage::LinkDown,
            id: PortId(0),
            topology: None,
            fabric: None,
            reason: None,
            offers: [None, None],
            registrations: VecDeque::new(),
            registering: false,
            retry_at: None,
            attempts: 0,
            changed: true,
            announced: false,
        }
    }

    pub fn offer(&self, fc4: Fc4) -> Option<&Offer> {
        self.offers[fc4 as usize].as_ref()
    }

    /// It has an address that frames reach it by.
    pub fn is_addressed(&self) -> bool {
        matches!(self.stage, Stage::Directory | Stage::Register | Stage::Changes | Stage::Online)
    }

    /// The next stage; what was tried before does not count there.
    pub fn enter(&mut self, stage: Stage) {
        (self.stage, self.changed) = (stage, true);
        (self.attempts, self.retry_at, self.reason) = (0, None, None);
    }

    /// It has no address any more.
    pub fn leave(&mut self, stage: Stage) {
        self.enter(stage);
        (self.id, self.topology, self.fabric) = (PortId(0), None, None);
        self.registrations.clear();
        self.registering = false;
    }

    pub fn state(&self) -> PortState {
        match self.stage {
            Stage::Disabled => PortState::Disabled,
            Stage::LinkDown => PortState::LinkDown,
            Stage::Online => PortState::Online,
            Stage::Refused => PortState::Refused,
            _ => PortState::LoggingIn,
        }
    }
}
