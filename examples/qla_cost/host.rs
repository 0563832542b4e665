//! The initiator of the model.

use dma::{Arena, Class, Data, Pool};
use fc::fc2::{Direction, Payload};
use fc::{Config, Fc4, Frames, Node, NodeEvent, Peer, PortKey, RingLink, SessionId};
use ring::Tick;
use std::sync::Arc;
use wire::fc::PortId;

use crate::bench::{HOST, MS, Speech, nobody};
use crate::disk::BLOCK;

pub struct Host {
    node: Node<RingLink>,
    pool: Pool,
    pub session: Option<SessionId>,
    pub open: usize,
    pub over: u64,
    context: u64,
    /// The command of the set-up that is out.
    asked: Option<u64>,
    pub answer: Option<Vec<u8>>,
}

impl Host {
    pub fn new(arena: &Arc<Arena>, link: RingLink, frames: Frames) -> Self {
        let (node, _) = Node::new(Config::initiator(HOST, frames), link, nobody());
        let pool = Pool::new(arena, &[Class { size: BLOCK, count: 256 }]).expect("memory");
        let (session, open, over, context, asked, answer) = (None, 0, 0, 0, None, None);
        Self { node, pool, session, open, over, context, asked, answer }
    }

    pub fn login(&mut self, id: PortId, fc4: Fc4) {
        self.node.login(PortKey::PHYSICAL, Peer::Id(id), fc4);
    }

    pub fn start(&mut self, unit: &[u8], write: bool, now: Tick) {
        let data: Data = self.pool.take(BLOCK).expect("memory for all that are open");
        self.send(unit, if write { Direction::Out(data) } else { Direction::In(data) }, now);
        self.open += 1;
    }

    pub fn ask(&mut self, unit: &[u8], out: Option<&[u8]>, now: Tick) {
        let data = match out {
            None => Direction::None,
            Some(bytes) => {
                let mut data = self.pool.take(bytes.len() as u32).expect("memory");
                data.bytes_mut().copy_from_slice(bytes);
                Direction::Out(data)
            }
        };
        self.send(unit, data, now);
        self.asked = Some(self.context);
    }

    pub fn service(&mut self, request: &[u8], now: Tick) {
        let session = self.session.expect("logged in");
        self.node.ls(session, request, 5_000 * MS, 0, now).expect("sent");
    }

    fn send(&mut self, unit: &[u8], data: Direction, now: Tick) {
        self.context += 1;
        let session = self.session.expect("logged in");
        let sent = self.node.command(session, unit, data, 60_000 * MS, self.context, now);
        assert!(sent.is_ok(), "an exchange is free");
    }

    pub fn poll(&mut self, speech: Option<&dyn Speech>, now: Tick) {
        self.node.poll(now);
        while let Some(event) = self.node.next_event() {
            match event {
                NodeEvent::Ended { context, data, result, received, sent, .. } => {
                    self.pool.give(data);
                    self.ended(context, result.expect("a response"), received + sent, speech);
                }
                NodeEvent::SessionUp { info, .. } => self.session = Some(info.id),
                NodeEvent::LoginFailed { reason, .. } => panic!("{reason}"),
                NodeEvent::SessionDown { .. } => panic!("the session ended"),
                NodeEvent::LsReply { result, .. } => {
                    let payload = result.expect("an answer");
                    self.answer = Some(payload.bytes().to_vec());
                    self.node.recycle(payload);
                }
                _ => {}
            }
        }
    }

    fn ended(&mut self, context: u64, response: Payload, moved: u32, speech: Option<&dyn Speech>) {
        if self.asked == Some(context) {
            self.asked = None;
            self.answer = Some(response.bytes().to_vec());
        } else {
            let good = speech.is_some_and(|speech| speech.is_good(response.bytes()));
            assert!(moved == BLOCK && good, "{moved} bytes: {:?}", response.bytes());
            self.open -= 1;
            self.over += 1;
        }
        self.node.recycle(response);
    }
}
