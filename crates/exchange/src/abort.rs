//! Abort, in one place: ABTS, NVMe Abort, task management, logout and a lost connection are all this.

use crate::exchange::{Exchange, Need, State};
use crate::{CommandSet, Group, Outcome, Port};
use ring::Tag;

impl<P, S> Group<P, S>
where
    P: Port,
    S: CommandSet<Command = P::Command, Reply = P::Reply, Origin = P::Origin>,
{
    /// Notes the abort and hurries whoever holds the data. Nobody takes data from its holder.
    pub(crate) fn on_abort(&mut self, tag: Tag) {
        self.counters.aborts.add(1);
        let exchange = self.open(tag);
        let (state, need) = (exchange.state, exchange.need);
        if std::mem::replace(&mut exchange.aborted, true) {
            return;
        }
        match state {
            State::Waiting => {
                self.buffers.stop_waiting(tag);
                self.finish(tag, Outcome::Aborted);
            }
            State::Fetching => self.port.cancel(tag),
            State::Executing => {
                let (Need::Io { target, .. } | Need::Step { target, .. }) = need else {
                    unreachable!("only operations execute")
                };
                if let Some(device) = self.targets.get_mut(target) {
                    device.channel.cancel(tag);
                    device.dirty = true;
                }
            }
            // The answer comes all the same; the next step does not.
            State::Controlling | State::Resting => {}
            State::Parked => {
                self.set.unpark(tag);
                self.finish(tag, Outcome::Aborted);
            }
            State::Paused => {
                self.set.unpark(tag);
                self.end_steps(tag, Outcome::Aborted);
            }
            // The reply is on its way: too late.
            State::Replying => {}
        }
    }

    /// The command set wants a command ended early.
    pub(crate) fn hurry(&mut self, tag: Tag) {
        let open = self.exchanges.get(tag.index()).and_then(Option::as_ref).filter(|exchange| exchange.tag == tag);
        if open.is_some_and(|exchange| exchange.state != State::Controlling) {
            self.on_abort(tag);
        }
    }

    pub(crate) fn abort_by_id(&mut self, queue: u32, id: u32, token: u64) {
        let set = &self.set;
        // A host may give the name again as soon as it has the reply, so one that is replied to does not count.
        let named = |exchange: &&mut Exchange<P::Command>| {
            exchange.queue == queue && exchange.state != State::Replying && set.id(&exchange.command) == id
        };
        match self.exchanges.iter_mut().flatten().find(named) {
            // What the command set is answering is too far: nothing hurries it, and it might be this very abort.
            Some(victim) if victim.state != State::Controlling && victim.aborter.is_none() => {
                victim.aborter = Some(token);
                let tag = victim.tag;
                self.on_abort(tag);
            }
            _ => self.set.abort_ended(token, false),
        }
    }
}
