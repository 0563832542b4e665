//! What the port's thread runs each turn: orders to the node, and its events back to those who wait.

use super::port::{Answer, Ended, Order};
use fc::fc2::{Direction, Failure, Payload};
use fc::{Fc4, Iu, Link, Names, Node, NodeEvent, NotSent, Peer, PortKey, SessionId, Xid};
use reactor::{Poller, Wake};
use ring::{Mailbox, Sender, Tick};
use std::collections::{HashMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// How long the target may take for a command: longer than a target that is being started again.
const COMMAND: Tick = 30_000_000_000;

/// A login that is under way.
struct Login {
    target: Names,
    fc4: Fc4,
    to: Answer<SessionId>,
}

/// A command for which no exchange was free.
struct Waiting {
    context: u64,
    session: SessionId,
    iu: Iu,
    direction: Direction,
}

/// Commands of one queue that are out, by slot.
struct Outside {
    to: Sender<Ended>,
    exchanges: Vec<Option<Xid>>,
    open: usize,
    closing: bool,
}

pub(super) struct NodePoller {
    node: Node<Box<dyn Link>>,
    orders: Mailbox<Order>,
    online: Option<Result<(), String>>,
    ask_online: Vec<Answer<()>>,
    logins: Vec<Login>,
    services: HashMap<u64, Answer<Box<[u8]>>>,
    next_service: u64,
    lanes: HashMap<u32, Outside>,
    waiting: VecDeque<Waiting>,
}

impl NodePoller {
    pub fn new(node: Node<Box<dyn Link>>, orders: Mailbox<Order>) -> Self {
        Self {
            node,
            orders,
            online: None,
            ask_online: Vec::new(),
            logins: Vec::new(),
            services: HashMap::new(),
            next_service: 0,
            lanes: HashMap::new(),
            waiting: VecDeque::new(),
        }
    }

    fn obey(&mut self, order: Order, now: Tick) {
        match order {
            Order::Online { to } => match &self.online {
                Some(result) => drop(to.try_send(result.clone())),
                None => self.ask_online.push(to),
            },
            Order::Login { target, fc4, to } => {
                self.logins.push(Login { target, fc4, to });
                self.node.login(PortKey::PHYSICAL, Peer::Name(target.port), fc4);
            }
            Order::Logout { session } => self.node.logout(session),
            Order::LinkService { session, request, timeout, to } => self.serve(session, &request, timeout, to, now),
            Order::OpenLane { lane, to } => {
                self.lanes.insert(lane, Outside { to, exchanges: Vec::new(), open: 0, closing: false });
            }
            Order::Command { lane, slot, session, iu, direction } => {
                let context = u64::from(lane) << 16 | u64::from(slot);
                if let Some(outside) = self.lanes.get_mut(&lane) {
                    outside.open += 1;
                }
                self.waiting.push_back(Waiting { context, session, iu, direction });
            }
            Order::Abort { lane, slot } => {
                let outside = self.lanes.get(&lane);
                let exchange = outside.and_then(|outside| *outside.exchanges.get(usize::from(slot))?);
                if let Some(xid) = exchange {
                    self.node.abort(xid, now);
                }
            }
            Order::CloseLane { lane } => self.close_lane(lane, now),
        }
    }

    fn serve(&mut self, session: SessionId, request: &[u8], timeout: Duration, to: Answer<Box<[u8]>>, now: Tick) {
        let context = self.next_service;
        self.next_service += 1;
        match self.node.ls(session, request, timeout.as_nanos() as Tick, context, now) {
            Ok(()) => drop(self.services.insert(context, to)),
            Err(why) => drop(to.try_send(Err(why.to_string()))),
        }
    }

    fn close_lane(&mut self, lane: u32, now: Tick) {
        let Some(outside) = self.lanes.get_mut(&lane) else { return };
        outside.closing = true;
        if outside.open == 0 {
            self.lanes.remove(&lane);
            return;
        }
        outside.exchanges.iter().flatten().for_each(|xid| self.node.abort(*xid, now));
    }

    /// Sends what waits, in order, as long as exchanges are free.
    fn send(&mut self, now: Tick) -> usize {
        let mut work = 0;
        while let Some(Waiting { context, session, iu, direction }) = self.waiting.pop_front() {
            match self.node.command(session, iu.bytes(), direction, COMMAND, context, now) {
                Ok(xid) => self.note(context, xid),
                Err((NotSent::Busy, direction)) => {
                    self.waiting.push_front(Waiting { context, session, iu, direction });
                    return work;
                }
                Err((_, direction)) => self.end(context, direction.into_data(), Err(Failure::LinkDown), 0),
            }
            work += 1;
        }
        work
    }

    fn note(&mut self, context: u64, xid: Xid) {
        let Some(outside) = self.lanes.get_mut(&((context >> 16) as u32)) else { return };
        let slot = (context & 0xffff) as usize;
        if outside.exchanges.len() <= slot {
            outside.exchanges.resize(slot + 1, None);
        }
        outside.exchanges[slot] = Some(xid);
    }

    fn end(&mut self, context: u64, data: dma::Data, iu: Result<Iu, Failure>, moved: u32) {
        let (lane, slot) = ((context >> 16) as u32, context as u16);
        let Some(outside) = self.lanes.get_mut(&lane) else {
            // Nobody is left who could give the memory back to its pool.
            return std::mem::forget(data);
        };
        outside.open -= 1;
        if let Some(exchange) = outside.exchanges.get_mut(usize::from(slot)) {
            *exchange = None;
        }
        // The ring has a place for each command of the lane.
        if let Err(ring::Full(ended)) = outside.to.send(Ended { slot, data, iu, moved }) {
            std::mem::forget(ended.data);
        }
        if outside.closing && outside.open == 0 {
            self.lanes.remove(&lane);
        }
    }

    fn on_event(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Online { .. } => self.tell_online(Ok(())),
            NodeEvent::Refused { reason, .. } => self.tell_online(Err(reason)),
            NodeEvent::Offline { .. } | NodeEvent::LinkDown => self.online = None,
            NodeEvent::SessionUp { info, .. } => {
                let same = |login: &Login| login.target.port == info.peer.port && login.fc4 == info.fc4;
                self.answer_login(same, Ok(info.id));
            }
            NodeEvent::LoginFailed { peer, fc4, reason, .. } => {
                let same = |login: &Login| peer == Peer::Name(login.target.port) && login.fc4 == fc4;
                self.answer_login(same, Err(reason));
            }
            NodeEvent::Ended { context, data, result, received, sent, .. } => {
                let iu = result.map(|payload| self.iu(payload));
                self.end(context, data, iu, received.max(sent));
            }
            NodeEvent::LsReply { context, result } => {
                let reply = result.map(|payload| self.bytes(payload)).map_err(|why| why.to_string());
                if let Some(to) = self.services.remove(&context) {
                    let _ = to.try_send(reply);
                }
            }
            // A target that ends an association: its commands end, too, and say so.
            NodeEvent::LsRequest { session, .. } => self.node.logout(session),
            NodeEvent::CtReply { result, .. } => {
                if let Ok(payload) = result {
                    self.node.recycle(payload);
                }
            }
            NodeEvent::LinkUp
            | NodeEvent::PeerUp { .. }
            | NodeEvent::PeerDown { .. }
            | NodeEvent::SessionDown { .. }
            | NodeEvent::Rscn { .. } => {}
        }
    }

    fn tell_online(&mut self, result: Result<(), String>) {
        for to in self.ask_online.drain(..) {
            let _ = to.try_send(result.clone());
        }
        self.online = Some(result);
    }

    fn answer_login(&mut self, same: impl Fn(&Login) -> bool, result: Result<SessionId, String>) {
        if let Some(at) = self.logins.iter().position(same) {
            let _ = self.logins.remove(at).to.try_send(result);
        }
    }

    fn iu(&mut self, payload: Payload) -> Iu {
        let iu = Iu::new(payload.bytes());
        self.node.recycle(payload);
        iu
    }

    fn bytes(&mut self, payload: Payload) -> Box<[u8]> {
        let bytes = payload.bytes().into();
        self.node.recycle(payload);
        bytes
    }
}

impl Poller for NodePoller {
    fn name(&self) -> &str {
        "fc_port"
    }

    fn poll(&mut self, now: Tick) -> usize {
        let mut work = 0;
        while let Some(order) = self.orders.next() {
            work += 1;
            self.obey(order, now);
        }
        work += self.send(now) + self.node.poll(now);
        while let Some(event) = self.node.next_event() {
            work += 1;
            self.on_event(event);
        }
        work
    }

    fn wake(&mut self) -> Wake {
        if !self.orders.is_empty() || !self.waiting.is_empty() || self.node.is_pending() {
            return Wake::Ready;
        }
        self.node.deadline().map_or(Wake::Event, Wake::At)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.node.fd()
    }
}
