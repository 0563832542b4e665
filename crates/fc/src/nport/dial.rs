//! N_Port login as the one who asks: one PLOGI to a port at a time, whoever wants it.

use super::link::no_answer;
use super::plogi::size_of;
use super::{Dial, back_off};
use crate::fc2::{Failure, Payload};
use crate::node::{Core, PortKey, What};
use ring::Tick;
use wire::fc::PortId;
use wire::fc::els::{Command, Login, Reason, Refusal, accepted};

/// How often PLOGI is sent before the login has failed.
const TRIES: u32 = 4;

impl Core {
    /// Begins a PLOGI with a port unless one is under way.
    pub(super) fn dial(&mut self, key: PortKey, remote: PortId) {
        let now = self.now;
        let Some(port) = self.port_mut(key) else { return };
        let dial = port.dials.entry(remote).or_insert(Dial { attempts: 0, retry_at: Some(now) });
        if dial.attempts == 0 && dial.retry_at.is_some() {
            dial.retry_at = Some(now);
        }
        self.dials_due(key);
    }

    /// Begins a PLOGI after a while, unless the port has logged in by then.
    pub(super) fn dial_after(&mut self, key: PortKey, remote: PortId, wait: Tick) {
        let at = self.now + wait;
        let Some(port) = self.port_mut(key) else { return };
        port.dials.entry(remote).or_insert(Dial { attempts: 0, retry_at: Some(at) });
    }

    /// Sends what is due.
    pub(super) fn dials_due(&mut self, key: PortKey) {
        let (now, size) = (self.now, size_of(self.link.max_payload));
        let Some(port) = self.port(key) else { return };
        let due = |dial: &Dial| dial.retry_at.is_some_and(|at| at <= now);
        let due: Vec<PortId> = port.dials.iter().filter(|(_, dial)| due(dial)).map(|(id, _)| *id).collect();
        let login = Login::n_port(Command::PLOGI, port.names.port, port.names.node, size).to_bytes();
        for remote in due {
            // A PLOGI ends what there is with the other side; it ends here, too.
            self.peer_gone(key, remote);
            let sent = self.els(key, remote, &login, What::Plogi { remote });
            let later = now + self.timing.retry / 16;
            if let Some(dial) = self.port_mut(key).and_then(|port| port.dials.get_mut(&remote)) {
                dial.retry_at = if sent { None } else { Some(later) };
            }
        }
    }

    pub(super) fn plogi_answered(&mut self, key: PortKey, remote: PortId, result: Result<&Payload, Failure>) {
        let answer = result.map(|payload| accepted(payload.bytes()).map(|bytes| wire::parse::<Login>(bytes).copied()));
        let Some(port) = self.port(key) else { return };
        if !port.dials.contains_key(&remote) {
            return;
        }
        match answer {
            Ok(Ok(Some(login))) => self.plogi_accepted(key, remote, &login),
            Ok(Err(Refusal::Rejected(reject)))
                if !matches!(reject.reason, Reason::LOGICAL_BUSY | Reason::IN_PROGRESS | Reason::UNABLE) =>
            {
                self.dial_failed(key, remote, &format!("PLOGI: {reject}"));
            }
            Ok(Err(Refusal::Rejected(reject))) => self.dial_again(key, remote, &format!("PLOGI: {reject}")),
            Ok(_) => self.dial_failed(key, remote, "PLOGI is answered with what is no LS_ACC"),
            Err(failure) => self.dial_again(key, remote, &no_answer("PLOGI", failure)),
        }
    }

    fn plogi_accepted(&mut self, key: PortKey, remote: PortId, login: &Login) {
        self.peer_known(key, remote, login);
        self.dial_done(key, remote);
    }

    fn dial_again(&mut self, key: PortKey, remote: PortId, reason: &str) {
        let (now, timing) = (self.now, self.timing);
        let Some(dial) = self.port_mut(key).and_then(|port| port.dials.get_mut(&remote)) else { return };
        dial.attempts += 1;
        dial.retry_at = Some(now + back_off(timing.retry, timing.retry_limit, dial.attempts));
        if dial.attempts >= TRIES {
            self.dial_failed(key, remote, reason);
        }
    }

    /// The port is logged in, by our PLOGI or by its own: who waited for that goes on.
    pub(super) fn dial_done(&mut self, key: PortKey, remote: PortId) {
        if let Some(port) = self.port_mut(key) {
            port.dials.remove(&remote);
        }
        self.logins_connected(key, remote);
    }

    /// It will not be logged in: who waited for that fails.
    pub(super) fn dial_failed(&mut self, key: PortKey, remote: PortId, reason: &str) {
        let Some(port) = self.port_mut(key) else { return };
        if port.dials.remove(&remote).is_some() {
            self.logins_disconnected(key, remote, reason);
        }
    }
}
