//! A controller as a host sees it: its admin queue, how it is brought up and down, and its I/O queues.

mod admin;
mod keep;
mod namespace;

pub use namespace::Namespace;

use crate::fibre::Association;
use crate::{
    Address, Error, FcOptions, Identity, IscsiOptions, Link, LinkOptions, Payload, Place, Queue, QueueOptions, Result,
};
use keep::Keep;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::IntoBytes;
use wire::fabrics::{AUTHREQ_ASCR, AUTHREQ_ATR, Connect, ConnectData, Nqn, cattr};
use wire::identify;
use wire::limits::CNTLID_DYNAMIC;
use wire::nvme::{Cap, Cc, Csts, Property, Status, Vs};

/// How to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who this host is.
    pub host: Identity,
    /// Digests, alignment, time-outs, strictness.
    pub link: LinkOptions,
    /// Fibre Channel: which fabric, and who to be there.
    pub fc: FcOptions,
    /// iSCSI: who to be, what to offer and to prove.
    pub iscsi: IscsiOptions,
    /// Keep Alive Timeout; zero for none.
    pub kato: Duration,
    /// Entries of the admin queue.
    pub admin_entries: u16,
    /// Ask the controller not to keep SQHD on I/O queues.
    pub disable_sq_flow_control: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            host: Identity::default(),
            link: LinkOptions::default(),
            fc: FcOptions::default(),
            iscsi: IscsiOptions::usual(),
            kato: Duration::from_secs(15),
            admin_entries: 32,
            disable_sq_flow_control: false,
        }
    }
}

/// Bytes of an admin command's buffer: the largest log page piece that is asked for at once.
const ADMIN_BUFFER: u32 = 16 << 10;

/// A connected and enabled controller.
pub struct Controller {
    admin: Queue,
    /// Over Fibre Channel: what its queues belong to.
    association: Option<Arc<Association>>,
    address: Address,
    options: Options,
    /// Controller Capabilities.
    pub cap: Cap,
    /// Version.
    pub vs: Vs,
    /// Controller identifier.
    pub cntlid: u16,
    /// Identify Controller data.
    pub identify: Box<identify::Controller>,
    keep: Keep,
}

impl std::fmt::Debug for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controller")
            .field("address", &self.address)
            .field("cntlid", &self.cntlid)
            .field("admin", &self.admin)
            .finish()
    }
}

impl Controller {
    /// Connects the admin queue, enables the controller, identifies it, and starts keep-alive and (where there are any) asynchronous events.
    ///
    /// # Errors
    /// What the target refused or did wrong.
    pub fn connect(address: &Address, options: &Options) -> Result<Controller> {
        let (admin, association, cntlid) = admin_queue(address, options)?;
        let mut controller = Controller {
            admin,
            association,
            address: address.clone(),
            cap: Cap::default(),
            vs: Vs::default(),
            cntlid,
            identify: Box::new(wire::FromZeros::new_zeroed()),
            keep: Keep::new(options.kato),
            options: options.clone(),
        };
        controller.bring_up()?;
        Ok(controller)
    }

    fn bring_up(&mut self) -> Result<()> {
        self.cap = Cap(self.property(Property::CAP)?);
        self.vs = Vs(self.property(Property::VS)? as u32);
        if self.csts()?.rdy() {
            return Err(Error::Controller("a new controller says CSTS.RDY = 1 before CC.EN was set".to_owned()));
        }
        self.enable()?;
        self.identify = self.identify_controller()?;
        self.check_identify()?;
        self.start_events()
    }

    /// Sets CC.EN and waits for CSTS.RDY, at most CAP.TO.
    ///
    /// # Errors
    /// CSTS.CFS, a time-out, or no answer.
    pub fn enable(&mut self) -> Result<()> {
        let cc = Cc::default().with_en(true).with_iosqes(6).with_iocqes(4);
        let css = if self.cap.css_nvm() || !self.cap.css_none() { Cc::CSS_NVM } else { Cc::CSS_NONE };
        self.set_property(Property::CC, u64::from(cc.with_css(css).0))?;
        self.wait_ready(true)
    }

    fn wait_ready(&mut self, ready: bool) -> Result<()> {
        let limit = Duration::from_millis(500) * u32::from(self.cap.to().max(1));
        let begin = Instant::now();
        loop {
            let csts = self.csts()?;
            if csts.cfs() {
                return Err(Error::Controller("the controller failed: CSTS.CFS = 1".to_owned()));
            }
            if csts.rdy() == ready {
                return Ok(());
            }
            if begin.elapsed() >= limit {
                let what = format!("CC.EN = {}: CSTS.RDY did not follow", u8::from(ready));
                return Err(Error::Timeout { what, after: limit });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Controller Status.
    ///
    /// # Errors
    /// No answer.
    pub fn csts(&mut self) -> Result<Csts> {
        Ok(Csts(self.property(Property::CSTS)? as u32))
    }

    /// Controller reset: clears CC.EN, waits, and enables the controller again. I/O queues are gone after it.
    ///
    /// # Errors
    /// As [`Controller::enable`].
    pub fn reset(&mut self) -> Result<()> {
        self.set_property(Property::CC, 0)?;
        self.wait_ready(false)?;
        self.keep.forget_events();
        self.enable()?;
        self.start_events()
    }

    /// Shuts the controller down (CC.SHN) and leaves. I/O queues should be dropped before.
    ///
    /// # Errors
    /// The target did not follow; the connection is closed anyway.
    pub fn disconnect(mut self) -> Result<()> {
        let cc = Cc::default().with_en(true).with_iosqes(6).with_iocqes(4).with_shn(Cc::SHN_NORMAL);
        self.set_property(Property::CC, u64::from(cc.0))?;
        let (begin, limit) = (Instant::now(), self.options.link.timeout);
        while self.csts()?.shst() != Csts::SHST_COMPLETE {
            if begin.elapsed() > limit {
                return Err(Error::Timeout {
                    what: "CC.SHN: CSTS.SHST did not become complete".to_owned(),
                    after: limit,
                });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Connects I/O queue `qid` (from 1) with `entries` (2 or more; MQES is checked) and buffers of `buffer` bytes.
    ///
    /// # Errors
    /// As [`Controller::connect`]; the target refuses the queue.
    pub fn io_queue(&self, qid: u16, entries: u16, buffer: u32) -> Result<Queue> {
        // Over Fibre Channel the ERSP ratio, which is at least 1, must be below SQSIZE, which is one less than the entries.
        let entries = if self.association.is_some() { entries.max(3) } else { entries };
        let most = u32::from(self.cap.mqes_z()) + 1;
        if u32::from(entries) > most {
            return Err(Error::Controller(format!(
                "a queue of {entries} entries: the controller takes {most} at most (CAP.MQES); use a smaller -q"
            )));
        }
        let in_capsule =
            (self.identify.ioccsz.get() * wire::limits::CAPSULE_UNIT_BYTES).saturating_sub(wire::limits::SQE_BYTES);
        let off = self.options.disable_sq_flow_control;
        let strict = self.options.link.strict;
        let sizes = QueueOptions { entries, buffer: buffer.max(1024), in_capsule, flow_control: !off, strict };
        let mut queue = match (self.address.place, &self.association) {
            (Place::Tcp(socket), _) => Queue::tcp(Link::open(socket, &self.options.link)?, sizes),
            (Place::Fc(_), Some(association)) => Queue::Fc(Box::new(association.connect(qid, sizes)?)),
            (Place::Fc(_), None) => unreachable!("a controller over Fibre Channel has an association"),
        };
        let mut command = Connect::new(qid, entries, 0);
        command.cattr = if off { cattr::DISABLE_SQ_FLOW_CONTROL } else { 0 };
        let cntlid = connect(&mut queue, command, self.cntlid, &self.address, &self.options)?;
        if cntlid != self.cntlid {
            return Err(Error::Controller(format!(
                "Connect of queue {qid} answered controller {cntlid}, not {}",
                self.cntlid
            )));
        }
        Ok(queue)
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The admin queue itself, for commands that have no function here.
    pub fn admin(&mut self) -> &mut Queue {
        &mut self.admin
    }

    /// Most bytes of one command (MDTS); none when there is no limit.
    pub fn max_transfer(&self) -> Option<u64> {
        let unit = 1u64 << (12 + self.cap.mpsmin());
        (self.identify.mdts != 0).then(|| unit.checked_shl(u32::from(self.identify.mdts)).unwrap_or(u64::MAX))
    }
}

fn admin_queue(address: &Address, options: &Options) -> Result<(Queue, Option<Arc<Association>>, u16)> {
    let entries = options.admin_entries.max(wire::limits::ADMIN_QUEUE_MIN_MAX);
    let sizes = QueueOptions {
        entries,
        buffer: ADMIN_BUFFER,
        in_capsule: wire::limits::TCP_ADMIN_IN_CAPSULE_BYTES,
        flow_control: true,
        strict: options.link.strict,
    };
    let (mut admin, association) = match address.place {
        Place::Tcp(socket) => (Queue::tcp(Link::open(socket, &options.link)?, sizes), None),
        Place::Fc(target) => {
            let timeout = options.link.timeout;
            let (association, queue) =
                Association::create(target, &address.nqn, &options.host, &options.fc, sizes, timeout)?;
            (Queue::Fc(Box::new(queue)), Some(association))
        }
    };
    let kato = u32::try_from(options.kato.as_millis()).unwrap_or(u32::MAX);
    let cntlid = connect(&mut admin, Connect::new(0, entries, kato), CNTLID_DYNAMIC, address, options)?;
    if cntlid >= wire::limits::CNTLID_RESERVED {
        return Err(Error::Controller(format!(
            "Connect answered controller identifier {cntlid:#x}, which is reserved"
        )));
    }
    Ok((admin, association, cntlid))
}

/// The Connect command; its answer's controller identifier.
fn connect(queue: &mut Queue, command: Connect, cntlid: u16, address: &Address, options: &Options) -> Result<u16> {
    let nqn = |text: &str, what: &str| Nqn::new(text).map_err(|e| Error::Local(format!("the {what} NQN {text:?} {e}")));
    let (subnqn, hostnqn) = (nqn(&address.nqn, "subsystem's")?, nqn(&options.host.nqn, "host's")?);
    let data = ConnectData::new(options.host.id, cntlid, subnqn, hostnqn);
    let slot = queue.take().expect("a new queue has free slots");
    queue.buffer_mut(slot)[..1024].copy_from_slice(data.as_bytes());
    queue.start(slot, command.into_sqe(), Payload::Write(1024));
    let cqe = queue.wait_for(slot, "Connect", options.link.timeout)?;
    queue.give(slot);
    if !cqe.status().is_success() {
        let (subnqn, hostnqn) = (address.nqn.clone(), options.host.nqn.clone());
        return Err(Error::Refused { status: cqe.status(), dw0: cqe.dw0.get(), subnqn, hostnqn });
    }
    if (cqe.dw0.get() >> 16) as u16 & (AUTHREQ_ATR | AUTHREQ_ASCR) != 0 {
        return Err(Error::Refused {
            status: Status::AUTH_REQUIRED,
            dw0: 0,
            subnqn: address.nqn.clone(),
            hostnqn: options.host.nqn.clone(),
        });
    }
    Ok(cqe.dw0.get() as u16)
}
