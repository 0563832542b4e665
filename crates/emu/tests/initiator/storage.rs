//! A target of `fc`, told by the second byte of a CDB what to do.

use fc::{
    Arrival, Config, Fc4, FcpResponse, Frames, Names, Node, Port, Queue, Residual, Response, RingLink, SENSE_BYTES,
    Service, SessionId, SoftPort, Wake, Xid,
};
use std::collections::HashMap;
use std::sync::Arc;
use wire::fc::Wwn;

/// What the second byte of a CDB means.
pub mod plot {
    pub const PLAIN: u8 = 0;
    /// Half of the data, and so it says.
    pub const HALF: u8 = 1;
    /// CHECK CONDITION with as many bytes of sense as the third byte says.
    pub const SENSE: u8 = 2;
    /// Never an answer.
    pub const HANG: u8 = 3;
    /// A response code that refuses.
    pub const REFUSE: u8 = 4;
    /// More data than there is room for.
    pub const OVER: u8 = 5;
    /// Says that all is well without having sent anything.
    pub const LIE: u8 = 6;
}

pub fn names(n: u64) -> Names {
    Names { node: Wwn(0x2000_0024_0000_0000 | n), port: Wwn(0x2100_0024_0000_0000 | n) }
}

pub fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect()
}

pub struct Storage {
    pub node: Node<RingLink>,
    pub port: Arc<SoftPort>,
    queues: Vec<(Fc4, Box<dyn Queue>)>,
    pool: dma::Pool,
    /// What hosts wrote.
    pub written: Vec<Vec<u8>>,
    pub aborted: usize,
    pub functions: Vec<u8>,
    pub sessions: i32,
    rsn: u32,
    writes: HashMap<Xid, Fc4>,
    pub hung: usize,
    known: Vec<SessionId>,
    logging_out: bool,
}

impl Storage {
    pub fn new(n: u64, frames: Frames, link: RingLink) -> Self {
        let nobody: Wake = Arc::new(|| {});
        let (node, port) = Node::new(Config::new(names(n), frames), link, nobody.clone());
        let attach = |fc4| {
            let service = Service { fc4, discovery: fc4 == Fc4::Nvme };
            let mut queues = port.attach(service, vec![nobody.clone()]).expect("a fresh port");
            (fc4, queues.remove(0))
        };
        let queues = vec![attach(Fc4::Fcp), attach(Fc4::Nvme)];
        let options = dma::Options { backing: dma::Backing::Ordinary, single_file: false, reserve: 0 };
        let arena = dma::Arena::new(options).expect("memory");
        let pool = dma::Pool::new(&arena, &[dma::Class { size: 256 << 10, count: 64 }]).expect("memory");
        Self {
            node,
            port,
            queues,
            pool,
            written: Vec::new(),
            aborted: 0,
            functions: Vec::new(),
            sessions: 0,
            rsn: 0,
            writes: HashMap::new(),
            hung: 0,
            known: Vec::new(),
            logging_out: false,
        }
    }

    pub fn turn(&mut self, now: u64) {
        self.node.poll(now);
        let mut queues = std::mem::take(&mut self.queues);
        for (fc4, queue) in &mut queues {
            while let Some(arrival) = queue.next(now) {
                self.serve(*fc4, queue.as_mut(), arrival);
            }
            if *fc4 == Fc4::Fcp && std::mem::take(&mut self.logging_out) {
                self.known.drain(..).for_each(|session| queue.logout(session));
            }
            queue.flush();
        }
        self.queues = queues;
    }

    /// Logs out all hosts of the FCP service.
    pub fn log_out(&mut self) {
        self.logging_out = true;
    }

    fn serve(&mut self, fc4: Fc4, queue: &mut dyn Queue, arrival: Arrival) {
        match arrival {
            Arrival::Command { xid, iu, .. } if fc4 == Fc4::Fcp => self.scsi(queue, xid, iu.bytes()),
            Arrival::Command { xid, iu, .. } => self.nvme(queue, xid, iu.bytes()),
            Arrival::Received { xid, data, ok } => {
                if ok {
                    self.written.push(data.bytes().to_vec());
                }
                self.pool.give(data);
                let fc4 = self.writes.remove(&xid);
                queue.respond(xid, if fc4 == Some(Fc4::Nvme) { Response::Nvme } else { good() });
            }
            Arrival::Sent { data, .. } => self.pool.give(data),
            Arrival::Abort { xid } => {
                self.aborted += 1;
                queue.terminate(xid);
            }
            Arrival::Request { xid, payload, .. } => queue.answer(xid, payload),
            Arrival::SessionUp(info) => {
                self.sessions += 1;
                if fc4 == Fc4::Fcp {
                    self.known.push(info.id);
                }
            }
            Arrival::SessionDown { .. } => self.sessions -= 1,
        }
    }

    fn scsi(&mut self, queue: &mut dyn Queue, xid: Xid, iu: &[u8]) {
        if iu[10] != 0 {
            self.functions.push(iu[10]);
            return queue.respond(xid, fcp(0, Residual::None, Some(0), 0));
        }
        let len = u32::from_be_bytes(iu[28..32].try_into().expect("4 bytes"));
        let (plot, sense) = (iu[13], iu[14]);
        match (plot, iu[11] & 3) {
            (plot::HANG, _) => self.hung += 1,
            (plot::SENSE, _) => queue.respond(xid, fcp(2, Residual::None, None, sense)),
            (plot::REFUSE, _) => queue.respond(xid, fcp(0, Residual::None, Some(4), 0)),
            (plot::LIE, _) => queue.respond(xid, good()),
            (plot::HALF, 2) => self.send(queue, xid, len / 2, fcp(0, Residual::Under(len - len / 2), None, 0)),
            (plot::OVER, 2) => self.send(queue, xid, len, fcp(0, Residual::Over(512), None, 0)),
            (_, 2) => self.send(queue, xid, len, good()),
            (_, 1) => self.receive(queue, xid, len, Fc4::Fcp),
            _ => queue.respond(xid, good()),
        }
    }

    fn send(&mut self, queue: &mut dyn Queue, xid: Xid, len: u32, response: Response) {
        let mut data = self.pool.take(len).expect("memory");
        data.bytes_mut().copy_from_slice(&pattern(len as usize));
        queue.transmit(xid, 0, data, Some(response));
    }

    fn receive(&mut self, queue: &mut dyn Queue, xid: Xid, len: u32, fc4: Fc4) {
        let data = self.pool.take(len).expect("memory");
        self.writes.insert(xid, fc4);
        queue.receive(xid, 0, data);
    }

    /// The opcode of the SQE says what to do; a command identifier of FFFFh is answered with an error.
    fn nvme(&mut self, queue: &mut dyn Queue, xid: Xid, iu: &[u8]) {
        let len = u32::from_be_bytes(iu[20..24].try_into().expect("4 bytes"));
        let cid = [iu[26], iu[27]];
        match iu[7] & 3 {
            _ if iu[24] == 0x7f => self.hung += 1,
            _ if cid == [0xff, 0xff] => {
                self.rsn += 1;
                let mut cqe = [0; 16];
                (cqe[12], cqe[13], cqe[14]) = (cid[0], cid[1], 4);
                queue.respond(xid, Response::NvmeExtended { result: 0, rsn: self.rsn, transferred: 0, cqe });
            }
            2 => self.send(queue, xid, len, Response::Nvme),
            1 => self.receive(queue, xid, len, Fc4::Nvme),
            _ => queue.respond(xid, Response::Nvme),
        }
    }
}

fn good() -> Response {
    fcp(0, Residual::None, None, 0)
}

fn fcp(status: u8, residual: Residual, code: Option<u8>, sense_len: u8) -> Response {
    let mut sense = [0; SENSE_BYTES];
    sense.iter_mut().zip(1..).for_each(|(byte, n)| *byte = n);
    Response::Fcp(FcpResponse { status, qualifier: 0, residual, code, sense, sense_len })
}
