//! Commands as their IOCBs say them: SCSI (18h, 48h), NVMe (88h), task management (14h).

use super::Entry;
use super::commands::{Flow, Kind, Order};
use super::core::Core;
use super::data::{listed, refusal, room, segments};
use super::status;
use pci::Bus;
use ring::Tick;
use wire::IntoBytes;
use wire::fcnvme::{CMND_BYTES, CmndIu};
use wire::fcp::{Cmnd, CmndHead, MAX_CMND_BYTES, TaskManagement as Function};
use wire::isp::iocb::{
    Command6, Command7, CommandNvme, CompletionStatus, Dsd64, NvmeControl, Status, TaskManagement, TransferFlags,
    cdb_of, lun_of,
};

const SECOND: Tick = 1_000_000_000;

/// The shortest FCP_CMND.
const MIN_CMND_BYTES: usize = 32;

/// The data of a command, as its IOCB describes them.
struct Transfer<'a> {
    flags: TransferFlags,
    byte_count: u32,
    first: &'a [Dsd64],
    dseg_count: u16,
}

/// Why an IOCB is not carried out.
enum Flaw {
    /// It goes back with this entry status.
    Refused(u8),
    /// The host's memory is not there.
    Fault,
}

impl Core {
    fn expires(&self, seconds: u16) -> Tick {
        if seconds == 0 { Tick::MAX } else { self.now + Tick::from(seconds) * SECOND }
    }

    /// SCSI, with a CDB of up to 16 bytes.
    pub fn command_7(&mut self, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let iocb = *Command7::of(&entries[0]);
        let (flags, port) = (iocb.flags(), (iocb.vp_index, iocb.nport_handle.get()));
        let expires = self.expires(iocb.timeout.get());
        let mut order = Order::new(&entries[0], queue, iocb.handle.get(), Kind::Scsi, port, expires);
        order.lun = lun_of(&iocb.lun);
        let (byte_count, dseg_count) = (iocb.byte_count.get(), iocb.dseg_count.get());
        let transfer = Transfer { flags, byte_count, first: &iocb.dsd, dseg_count };
        let described = describe(bus, &mut order, entries, &transfer);
        let head = CmndHead {
            lun: order.lun,
            crn: iocb.crn,
            attribute: iocb.attribute().0,
            task_management: functions(flags),
            lengths: direction_bits(order.flow),
            cdb: cdb_of(&iocb.cdb),
        };
        order.iu = [head.as_bytes(), &order.count.to_be_bytes()].concat();
        self.submit_if(bus, order, described);
    }

    /// SCSI, with an FCP_CMND in memory.
    pub fn command_6(&mut self, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let iocb = *Command6::of(&entries[0]);
        let port = (iocb.vp_index, iocb.nport_handle.get());
        let expires = self.expires(iocb.timeout.get());
        let mut order = Order::new(&entries[0], queue, iocb.handle.get(), Kind::Scsi, port, expires);
        order.lun = lun_of(&iocb.lun);
        let (byte_count, dseg_count) = (iocb.byte_count.get(), iocb.dseg_count.get());
        let transfer = Transfer { flags: iocb.flags(), byte_count, first: &iocb.dsd, dseg_count };
        let described = describe(bus, &mut order, entries, &transfer).and_then(|()| {
            order.iu = read_iu(bus, iocb.cmnd_address.get(), iocb.cmnd_length.get(), MIN_CMND_BYTES..=MAX_CMND_BYTES)?;
            let sound = Cmnd::parse(&order.iu).is_some() && !CmndIu::is_nvme(&order.iu);
            if sound { Ok(()) } else { Err(Flaw::Refused(refusal::PARAMETER)) }
        });
        self.submit_if(bus, order, described);
    }

    /// NVMe.
    pub fn command_nvme(&mut self, bus: &mut dyn Bus, queue: u16, entries: &[Entry]) {
        let iocb = *CommandNvme::of(&entries[0]);
        let port = (iocb.vp_index, iocb.nport_handle.get());
        let control: NvmeControl = iocb.control();
        let expires = if control.async_event() { Tick::MAX } else { self.expires(iocb.timeout.get()) };
        let mut order = Order::new(&entries[0], queue, iocb.handle.get(), Kind::Nvme, port, expires);
        let flags = TransferFlags(0)
            .with_write(control.write())
            .with_read(control.read())
            .with_list(control.list())
            .with_dif(control.dif());
        let (byte_count, dseg_count) = (iocb.byte_count.get(), iocb.dseg_count.get());
        let transfer = Transfer { flags, byte_count, first: &iocb.dsd, dseg_count };
        let described = describe(bus, &mut order, entries, &transfer).and_then(|()| {
            order.iu = read_iu(bus, iocb.cmnd_address.get(), iocb.cmnd_length.get(), CMND_BYTES..=CMND_BYTES)?;
            if CmndIu::is_nvme(&order.iu) { Ok(()) } else { Err(Flaw::Refused(refusal::PARAMETER)) }
        });
        self.submit_if(bus, order, described);
    }

    /// A task management function: an FCP_CMND without a command.
    pub fn task_management(&mut self, bus: &mut dyn Bus, queue: u16, entry: &Entry) {
        let iocb = *TaskManagement::of(entry);
        let control = iocb.control();
        let function = Function(0)
            .with_clear_aca(control.clear_aca())
            .with_target_reset(control.target_reset())
            .with_clear_task_set(control.clear_task_set())
            .with_abort_task_set(control.abort_task_set())
            .with_lun_reset(control.lun_reset());
        if control.firmware_only() {
            let mut done = Status::new();
            done.handle = iocb.handle;
            return self.respond(queue, vec![*done.entry()]);
        }
        if !function.is_one() {
            return self.refuse(queue, entry, refusal::PARAMETER);
        }
        let (port, expires) = ((iocb.vp_index, iocb.nport_handle.get()), self.expires(iocb.timeout.get()));
        let kind = Kind::Task(function.target_reset());
        let mut order = Order::new(entry, queue, iocb.handle.get(), kind, port, expires);
        order.lun = lun_of(&iocb.lun);
        order.iu = Cmnd::task_management(order.lun, function).to_vec();
        self.submit_if(bus, order, Ok(()));
    }

    fn submit_if(&mut self, bus: &mut dyn Bus, order: Order, described: Result<(), Flaw>) {
        let known = self.port(order.vp).is_some();
        match described {
            Ok(()) if known => self.submit(bus, order),
            Ok(()) => self.refuse(order.queue, &order.entry, refusal::PARAMETER),
            Err(Flaw::Refused(status)) => self.refuse(order.queue, &order.entry, status),
            Err(Flaw::Fault) => {
                self.counters.faults += 1;
                self.respond(order.queue, vec![status::failed(&order, CompletionStatus::DMA_ERROR, 0)]);
            }
        }
    }
}

/// Which way the data go, how many, and where they are.
fn describe(bus: &mut dyn Bus, order: &mut Order, entries: &[Entry], transfer: &Transfer<'_>) -> Result<(), Flaw> {
    let flags = transfer.flags;
    let refused = Flaw::Refused(refusal::PARAMETER);
    if flags.dif() || flags.read() && flags.write() {
        return Err(refused);
    }
    order.flow = match (flags.read(), flags.write()) {
        _ if transfer.byte_count == 0 => Flow::None,
        (true, _) => Flow::In,
        (_, true) => Flow::Out,
        _ => Flow::None,
    };
    if order.flow == Flow::None {
        return Ok(());
    }
    order.count = transfer.byte_count;
    order.segments = match flags.list() {
        true => listed(bus, transfer.first[0]).map_err(|_| Flaw::Fault)?,
        false => segments(transfer.first, entries, transfer.dseg_count).map_err(Flaw::Refused)?,
    };
    if room(&order.segments) < u64::from(order.count) { Err(refused) } else { Ok(()) }
}

/// Reads an IU from the host's memory.
fn read_iu(bus: &mut dyn Bus, address: u64, len: u16, may: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, Flaw> {
    let len = usize::from(len);
    if !may.contains(&len) {
        return Err(Flaw::Refused(refusal::PARAMETER));
    }
    let mut iu = vec![0; len];
    bus.read(address, &mut iu).map_err(|_| Flaw::Fault)?;
    Ok(iu)
}

/// WRDATA and RDDATA of an FCP_CMND.
fn direction_bits(flow: Flow) -> u8 {
    match flow {
        Flow::None => 0,
        Flow::Out => 1,
        Flow::In => 2,
    }
}

/// Task management functions that a command IOCB carries.
fn functions(flags: TransferFlags) -> u8 {
    Function(0)
        .with_abort_task_set(flags.abort_task_set())
        .with_clear_task_set(flags.clear_task_set())
        .with_lun_reset(flags.lun_reset())
        .with_target_reset(flags.target_reset())
        .with_clear_aca(flags.clear_aca())
        .0
}
