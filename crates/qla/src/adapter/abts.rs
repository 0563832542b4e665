//! Aborts of initiators: every lane that may have the exchange is asked; who has it ends it; then ABTS is answered.

use super::Adapter;
use super::entries::What;
use crate::lane::ToLane;
use std::collections::BTreeMap;
use wire::fc::bls;
use wire::isp::iocb::{AbtsReceived, AbtsResponse, AbtsResponseFlags, UNKNOWN_EXCHANGE};

struct UnderWay {
    abts: AbtsReceived,
    /// Lanes that have not said yet whether they have it.
    asked: Vec<usize>,
}

/// Aborts that lanes deal with, by token.
#[derive(Default)]
pub(super) struct Aborts {
    all: BTreeMap<u32, UnderWay>,
    last: u32,
}

impl Aborts {
    /// The chip is in reset.
    pub fn clear(&mut self) {
        self.all.clear();
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }
}

impl Adapter {
    /// ABTS came.
    pub(super) fn abts(&mut self, abts: &AbtsReceived) {
        self.counters.aborts += 1;
        let (vp, peer) = (abts.vp_index, abts.frame.s_id.port_id());
        let exchange = abts.exchange_to_abort.get();
        let mut lanes: Vec<usize> = self
            .peers
            .logins()
            .filter(|login| login.vp == vp && login.info.peer_id == peer)
            .flat_map(|login| login.lanes.iter().copied())
            .collect();
        lanes.sort_unstable();
        lanes.dedup();
        if exchange == UNKNOWN_EXCHANGE || !bls::aborts_exchange(abts.frame.parameter.get()) || lanes.is_empty() {
            return self.answer_abts(abts, false, false);
        }
        self.aborts.last = self.aborts.last.wrapping_add(1);
        let token = self.aborts.last;
        lanes.iter().for_each(|lane| self.lanes.push(*lane, ToLane::Abort { exchange, token }));
        self.aborts.all.insert(token, UnderWay { abts: *abts, asked: lanes });
    }

    /// A lane says whether it had the exchange; if so, it is over.
    pub(super) fn aborted(&mut self, lane: usize, token: u32, found: bool) {
        let Some(under_way) = self.aborts.all.get_mut(&token) else { return };
        under_way.asked.retain(|other| *other != lane);
        if found || under_way.asked.is_empty() {
            let abts = under_way.abts;
            self.aborts.all.remove(&token);
            self.answer_abts(&abts, found, false);
        }
    }

    /// A lane is gone: it answers nothing.
    pub(super) fn aborts_without(&mut self, lane: usize) {
        let tokens: Vec<u32> = self.aborts.all.keys().copied().collect();
        tokens.into_iter().for_each(|token| self.aborted(lane, token, false));
    }

    /// BA_ACC, or BA_RJT for an exchange that nobody has. `again`: with an order to the firmware to end the exchange.
    fn answer_abts(&mut self, abts: &AbtsReceived, accept: bool, again: bool) {
        let abts = *abts;
        self.send(What::Abts { abts, accept, again }, 0, |handle| {
            let mut response = if accept {
                AbtsResponse::accept(&abts, handle)
            } else {
                let (reason, explanation) = (bls::Reason::UNABLE.0, bls::Explanation::NONE.0);
                AbtsResponse::reject(&abts, handle, reason, explanation)
            };
            response.control_flags.set(AbtsResponseFlags(0).with_terminate(again).0);
            *response.entry()
        });
    }

    /// The answer was sent; or not, because the exchange is open at the firmware still: then once more, with the order to end it.
    pub(super) fn abts_answered(&mut self, abts: &AbtsReceived, accept: bool, again: bool, completion: &AbtsResponse) {
        if completion.is_not_terminated() && !again {
            self.answer_abts(abts, accept, true);
        } else if completion.comp_status.get() != 0 {
            log::warn!("{}: an abort could not be answered ({:#x})", self.chip.address, completion.comp_status.get());
        }
    }
}
