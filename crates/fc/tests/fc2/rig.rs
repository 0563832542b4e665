//! Engines, memory and frames by hand.

use dma::{Arena, Backing, Class, Data, Options, Pool};
use fc::fc2::{Fc2, Limits, Payload, Route, Upcall};
use fc::{FcpResponse, Frame, FrameBox, Frames, Residual, Response, SENSE_BYTES, Xid};
use ring::Tick;
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED};

pub const MS: Tick = 1_000_000;
pub const SECOND: Tick = 1000 * MS;
pub const HOST: PortId = PortId(0x010100);
pub const DISK: PortId = PortId(0x010200);
pub const FRAMES: usize = 256;

pub fn limits() -> Limits {
    Limits { exchanges: 16, reserve: 4, max_burst: 8192, ..Limits::default() }
}

/// A pool of memory.
pub fn pool(count: u32) -> Pool {
    let options = Options { backing: Backing::Ordinary, single_file: false, reserve: 0 };
    let arena = Arena::new(options).expect("ordinary memory");
    Pool::new(&arena, &[Class { size: 65536, count }]).expect("ordinary memory")
}

/// Memory whose bytes are those of their places, moved by `shift`.
pub fn painted(pool: &mut Pool, len: u32, shift: u32) -> Data {
    let mut data = pool.take(len).expect("memory");
    data.bytes_mut().iter_mut().zip(shift..).for_each(|(byte, at)| *byte = paint(at));
    data
}

pub fn paint(at: u32) -> u8 {
    (at.wrapping_mul(0x9e37_79b9) >> 24) as u8
}

pub fn is_painted(bytes: &[u8], shift: u32) -> bool {
    bytes.iter().zip(shift..).all(|(byte, at)| *byte == paint(at))
}

pub fn route() -> Route {
    Route { local: HOST, remote: DISK, max_payload: 2112 }
}

pub fn good() -> Response {
    response(0, Residual::None)
}

pub fn response(status: u8, residual: Residual) -> Response {
    let (code, sense, sense_len, qualifier) = (None, [0; SENSE_BYTES], 0, 0);
    Response::Fcp(FcpResponse { status, qualifier, residual, code, sense, sense_len })
}

/// One engine, and a peer that is played by the test.
pub struct Rig {
    pub engine: Fc2,
    pub frames: Frames,
    pub pool: Pool,
    pub now: Tick,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(limits(), FRAMES)
    }

    pub fn with(limits: Limits, count: usize) -> Self {
        Self::on(limits, Frames::new(count))
    }

    pub fn on(limits: Limits, frames: Frames) -> Self {
        Self { engine: Fc2::new(limits, frames.clone()), frames, pool: pool(20), now: SECOND }
    }

    /// A frame comes.
    pub fn arrive(&mut self, header: FrameHeader, payload: &[u8]) {
        let mut frame = self.frames.take().expect("a frame");
        frame.set(&header, payload);
        self.engine.arrive(frame, self.now);
    }

    /// All frames that are to be sent.
    pub fn sent(&mut self) -> Vec<FrameBox> {
        let mut all = Vec::new();
        while let Some(frame) = self.engine.next_frame(self.now) {
            all.push(Frame::new(frame.header(), frame.payload()));
            self.frames.give(frame);
        }
        all
    }

    /// The one frame that is to be sent.
    pub fn one(&mut self) -> FrameBox {
        let mut all = self.sent();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub fn none(&mut self) {
        let all = self.sent();
        assert!(all.is_empty(), "{all:?}");
    }

    pub fn upcall(&mut self) -> Upcall {
        self.engine.next().expect("something happened")
    }

    pub fn quiet(&mut self) {
        let upcall = self.engine.next();
        assert!(upcall.is_none(), "{upcall:?}");
    }

    /// Time passes.
    pub fn pass(&mut self, time: Tick) {
        let end = self.now + time;
        while let Some(due) = self.engine.deadline().filter(|due| *due <= end) {
            assert!(due > self.now || due <= end, "time stands still");
            self.now = self.now.max(due);
            self.engine.turn(self.now);
        }
        self.now = end;
        self.engine.turn(end);
    }

    /// A command of the host comes and is accepted. Its name and RX_ID are not known to the host yet.
    pub fn command(&mut self, ox_id: u16) -> Xid {
        self.arrive(command_header(ox_id), &[0; 32]);
        let Upcall::Command { xid, payload, .. } = self.upcall() else { panic!("a command") };
        self.engine.recycle(payload);
        self.engine.accept(xid, 2112, u64::from(ox_id) + 1000);
        xid
    }

    /// The memory comes home.
    pub fn home(&mut self, data: Data) {
        self.pool.give(data);
    }

    pub fn recycle(&mut self, payload: Payload) {
        self.engine.recycle(payload);
    }

    /// Nothing is left but what keeps identifiers out of use.
    pub fn check_end(&mut self) {
        self.quiet();
        self.none();
        assert_eq!(self.engine.open(), self.engine.qualified(), "exchanges are left");
        assert!(self.pool.is_whole(), "memory is away");
        self.pass(60 * SECOND);
        while !self.sent().is_empty() {
            self.pass(60 * SECOND);
        }
        assert_eq!(self.engine.open(), 0, "identifiers are kept for ever");
    }
}

pub fn from_host(r_ctl: RCtl, f_ctl: u32, ox_id: u16, rx_id: u16) -> FrameHeader {
    FrameHeader::new(r_ctl, Type::FCP, HOST, DISK).with_f_ctl(FCtl(f_ctl)).with_exchange(ox_id, rx_id)
}

pub fn from_disk(r_ctl: RCtl, f_ctl: u32, ox_id: u16, rx_id: u16) -> FrameHeader {
    FrameHeader::new(r_ctl, Type::FCP, DISK, HOST).with_f_ctl(FCtl(f_ctl)).with_exchange(ox_id, rx_id)
}

pub fn command_header(ox_id: u16) -> FrameHeader {
    from_host(RCtl::UNSOLICITED_COMMAND, 0x29_0000, ox_id, UNASSIGNED)
}

/// A data frame of the host.
pub fn host_data(ox_id: u16, rx_id: u16, at: u32, last: bool) -> FrameHeader {
    from_host(RCtl::SOLICITED_DATA, if last { 0x09_0008 } else { 8 }, ox_id, rx_id).with_parameter(at)
}

/// A data frame of the disk.
pub fn disk_data(ox_id: u16, rx_id: u16, at: u32, last: bool) -> FrameHeader {
    from_disk(RCtl::SOLICITED_DATA, if last { 0x88_0008 } else { 0x80_0008 }, ox_id, rx_id).with_parameter(at)
}

pub fn abts(ox_id: u16, rx_id: u16) -> FrameHeader {
    FrameHeader::new(RCtl::ABTS, Type::BLS, HOST, DISK)
        .with_f_ctl(FCtl(0x09_0000))
        .with_exchange(ox_id, rx_id)
        .with_sequence(5, 1)
}

/// FCP_RSP: status, flags, residual.
pub fn fcp_rsp(status: u8, flags: u8, residual: u32) -> [u8; 24] {
    let mut payload = [0; 24];
    (payload[10], payload[11]) = (flags, status);
    payload[12..16].copy_from_slice(&residual.to_be_bytes());
    payload
}

pub fn xfer_rdy(at: u32, len: u32) -> [u8; 12] {
    let mut payload = [0; 12];
    payload[..4].copy_from_slice(&at.to_be_bytes());
    payload[4..8].copy_from_slice(&len.to_be_bytes());
    payload
}

pub fn bytes(at: u32, len: u32) -> Vec<u8> {
    (at..at + len).map(paint).collect()
}
