//! A core without a stack: each command is answered with memory that it has.

use dma::{Class, Pool};
use fc::{Arrival, Fc4, FcpResponse, Queue, Residual, Response, SENSE_BYTES};
use ring::Tick;
use wire::fcnvme::CmndIu;
use wire::fcp::{Cmnd, Direction};
use wire::nvm::Rw;
use wire::nvme::NvmOpcode;

use crate::bench::{Bench, Served, Speech};
use crate::disk::{BLOCK, arena};

struct Bare {
    queue: Box<dyn Queue>,
    pool: Pool,
    response: Response,
}

impl Served for Bare {
    #[inline]
    fn poll(&mut self, now: Tick) {
        while let Some(arrival) = self.queue.next(now) {
            match arrival {
                Arrival::Command { xid, iu, .. } => {
                    let data = self.pool.take(BLOCK).expect("memory for all that are open");
                    // Which way it goes is at the same place: FCP_CMND byte 11; NVMe_CMND byte 7.
                    let write = match self.response {
                        Response::Fcp(_) => iu.bytes()[11] & 1 != 0,
                        _ => iu.bytes()[7] & 1 != 0,
                    };
                    if write {
                        self.queue.receive(xid, 0, data);
                    } else {
                        self.queue.transmit(xid, 0, data, Some(self.response));
                    }
                }
                Arrival::Received { xid, data, .. } => {
                    self.pool.give(data);
                    self.queue.respond(xid, self.response);
                }
                Arrival::Sent { data, .. } => self.pool.give(data),
                _ => {}
            }
        }
        self.queue.flush();
    }
}

/// FCP or NVMe, as little as it takes.
struct Words(Fc4);

impl Speech for Words {
    #[inline]
    fn unit(&mut self, write: bool, block: u64, context: u64) -> ([u8; 96], usize) {
        let direction = if write { Direction::Write } else { Direction::Read };
        let mut bytes = [0; 96];
        if self.0 == Fc4::Nvme {
            let opcode = if write { NvmOpcode::WRITE } else { NvmOpcode::READ };
            let unit = CmndIu::new(0, context as u32, direction, BLOCK, Rw::sqe(opcode, 1, block, 1, 0), false);
            return (unit.to_bytes(), 96);
        }
        let [a, b, c, d] = (block as u32).to_be_bytes();
        let opcode = if write { 0x2a } else { 0x28 };
        let unit = Cmnd::simple([0; 8], &[opcode, 0, a, b, c, d, 0, 0, 1, 0], direction, BLOCK);
        bytes[..32].copy_from_slice(&unit);
        (bytes, 32)
    }

    fn is_good(&self, _: &[u8]) -> bool {
        false
    }
}

pub fn fcp() -> Bench {
    let sense = [0; SENSE_BYTES];
    let good = FcpResponse { status: 0, qualifier: 0, residual: Residual::None, code: None, sense, sense_len: 0 };
    bench(Fc4::Fcp, Response::Fcp(good))
}

pub fn nvme() -> Bench {
    bench(Fc4::Nvme, Response::Nvme)
}

fn bench(fc4: Fc4, response: Response) -> Bench {
    let arena = arena();
    let pool = Pool::new(&arena, &[Class { size: BLOCK, count: 256 }]).expect("memory");
    Bench::new(&arena, fc4, |queue| Box::new(Bare { queue, pool, response }), Box::new(Words(fc4)))
}
