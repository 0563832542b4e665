//! What a command costs on the exchange engine: 4 KiB reads and writes of FCP, a target's engine alone, its frames made by a script
//! that answers as a host does. Prints one JSON object. The script's frames are in it (one copy of 4 KiB for a write), and so are
//! an owner that does nothing and the copies of the data into and out of frames.
//!
//! `cost [seconds for each case]`

use dma::{Arena, Backing, Class, Options, Pool};
use fc::fc2::{Fc2, Limits, Upcall};
use fc::{FcpResponse, FrameBox, Frames, Residual, Response, SENSE_BYTES};
use nix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::time::Duration;
use wire::fc::{FCtl, FrameHeader, PortId, RCtl, Type, UNASSIGNED};

const HOST: PortId = PortId(0x010100);
const DISK: PortId = PortId(0x010200);
const BYTES: u32 = 4096;
const FRAME: usize = 2048;

struct Bench {
    engine: Fc2,
    frames: Frames,
    pool: Pool,
    writes: bool,
    now: u64,
    over: u64,
}

fn good() -> Response {
    let (code, sense, sense_len, qualifier) = (None, [0; SENSE_BYTES], 0, 0);
    Response::Fcp(FcpResponse { status: 0, qualifier, residual: Residual::None, code, sense, sense_len })
}

impl Bench {
    fn new(writes: bool, depth: u32) -> Self {
        let frames = Frames::new(4096);
        let arena = Arena::new(Options { backing: Backing::Ordinary, single_file: false, reserve: 0 }).expect("memory");
        let pool = Pool::new(&arena, &[Class { size: BYTES, count: 2 * depth }]).expect("memory");
        let engine = Fc2::new(Limits::default(), frames.clone());
        Self { engine, frames, pool, writes, now: 1, over: 0 }
    }

    fn frame(&mut self, header: &FrameHeader, payload: &[u8]) -> FrameBox {
        let mut frame = self.frames.take().expect("a frame");
        frame.set(header, payload);
        frame
    }

    /// `depth` commands, from their frames to their responses.
    fn round(&mut self, depth: u32) {
        self.now += 10_000;
        for ox_id in 0..depth as u16 {
            let header = FrameHeader::new(RCtl::UNSOLICITED_COMMAND, Type::FCP, HOST, DISK)
                .with_f_ctl(FCtl::REQUEST)
                .with_exchange(ox_id, UNASSIGNED);
            let frame = self.frame(&header, &[0; 32]);
            self.engine.arrive(frame, self.now);
        }
        let until = self.over + u64::from(depth);
        while self.over < until {
            self.serve();
            self.carry();
        }
        self.engine.turn(self.now);
    }

    /// The owner.
    fn serve(&mut self) {
        while let Some(upcall) = self.engine.next() {
            match upcall {
                Upcall::Command { xid, payload, .. } => {
                    black_box(payload.bytes());
                    self.engine.recycle(payload);
                    self.engine.accept(xid, 2112, 0);
                    let data = self.pool.take(BYTES).expect("memory");
                    if self.writes {
                        self.engine.receive(xid, 0, data).expect("it is open");
                    } else {
                        self.engine.transmit(xid, 0, data, Some(good())).expect("it is open");
                    }
                }
                Upcall::Received { xid, data, .. } => {
                    self.pool.give(data);
                    self.engine.respond(xid, good()).expect("it is open");
                }
                Upcall::Sent { data, .. } => {
                    self.pool.give(data);
                    self.over += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// The link and the host.
    fn carry(&mut self) {
        while let Some(frame) = self.engine.next_frame(self.now) {
            let header = *frame.header();
            black_box(frame.payload());
            self.frames.give(frame);
            if header.r_ctl == RCtl::DATA_DESCRIPTOR {
                for at in [0, FRAME] {
                    let last = at + FRAME == BYTES as usize;
                    let data = FrameHeader::new(RCtl::SOLICITED_DATA, Type::FCP, HOST, DISK)
                        .with_f_ctl(FCtl(if last { 0x09_0008 } else { 8 }))
                        .with_exchange(header.ox_id(), header.rx_id())
                        .with_parameter(at as u32);
                    let frame = self.frame(&data, &[7; FRAME]);
                    self.engine.arrive(frame, self.now);
                }
            }
        }
    }
}

/// Time that this thread was on a processor: on a shared machine, time that others had does not count.
fn on_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every Linux has this clock").into()
}

/// Nanoseconds of processor time for each command: the least of twenty parts of the time, and their median.
fn measure(writes: bool, depth: u32, time: Duration) -> (f64, f64) {
    let mut bench = Bench::new(writes, depth);
    let mut part = || {
        let (start, before) = (on_cpu(), bench.over);
        while on_cpu() - start < time / 20 {
            (0..64).for_each(|_| bench.round(depth));
        }
        (on_cpu() - start).as_nanos() as f64 / (bench.over - before) as f64
    };
    part();
    let mut parts: Vec<f64> = (0..20).map(|_| part()).collect();
    parts.sort_by(f64::total_cmp);
    (parts[0], parts[10])
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).map_or(1.0, |text| text.parse().expect("seconds"));
    let mut rows = Vec::new();
    for (name, writes) in [("read_4k", false), ("write_4k", true)] {
        for depth in [1, 32, 128] {
            let (least, median) = measure(writes, depth, Duration::from_secs_f64(seconds));
            rows.push(format!(
                r#"    {{"case": "{name}", "depth": {depth}, "ns_least": {least:.0}, "ns_median": {median:.0}}}"#
            ));
        }
    }
    println!(
        "{{\n  \"what\": \"ns of processor time for each FCP command on a target's engine\",\n  \"cases\": [\n{}\n  ]\n}}",
        rows.join(",\n")
    );
}
