//! Commands that start the port: firmware options, memory of the host, control block.

use super::super::queues::{AtioQueue, RequestQueue, ResponseQueue, Ring};
use super::super::{Behind, Chip, Stage};
use super::{Reply, refused};
use pci::Bus;
use ring::Tick;
use wire::isp::icb::{ICB_VERSION, Icb};
use wire::isp::mailbox::{A64, Mailboxes, Offload, Status};
use wire::{FromZeros, IntoBytes};

/// Bytes that an exchange or login in the host's memory would take.
const OFFLOAD_BYTES: u16 = 128;

/// The queues of a control block.
struct Base {
    request: RequestQueue,
    response: ResponseQueue,
    atio: Option<AtioQueue>,
}

impl<F: Behind> Chip<F> {
    /// 38h.
    pub(super) fn set_options(&mut self, mailboxes: &Mailboxes) -> Reply {
        self.options = [mailboxes[1], mailboxes[2], mailboxes[3]];
        Reply::ok()
    }

    /// 28h.
    pub(super) fn get_options(&self) -> Reply {
        let [one, two, three] = self.options;
        Reply::ok().with(1, one).with(2, two).with(3, three)
    }

    /// 34h: all exchanges and logins have room in the adapter; memory of the host is taken and not used.
    pub(super) fn memory_offload(&self, mailboxes: &Mailboxes) -> Reply {
        match Offload(mailboxes[1]) {
            Offload::EXCHANGE_STATUS | Offload::LOGIN_STATUS => {
                Reply::ok().with(4, OFFLOAD_BYTES).with(10, self.resources.exchanges)
            }
            Offload::EXCHANGE_CONFIGURE | Offload::LOGIN_CONFIGURE => Reply::ok(),
            _ => Reply::status(Status::PARAMETER_ERROR),
        }
    }

    /// 48h, 60h: makes the queues and lets the link come up.
    pub(super) fn initialize(&mut self, mailboxes: &Mailboxes, bus: &mut dyn Bus, now: Tick) -> Result<Reply, Reply> {
        if self.stage != Stage::Running {
            return Err(refused());
        }
        let mut icb = Icb::new_zeroed();
        bus.read(A64::get(mailboxes), icb.as_mut_bytes())?;
        log::debug!("isp: {icb:04x?}");
        let base = self.base(&icb).map_err(|field| Reply::error(Status::PARAMETER_ERROR, field))?;
        self.check_memory(&icb, bus)?;
        self.queues.drop_all();
        let added = self.queues.add_response(0, base.response).and_then(|()| self.queues.add_request(0, base.request));
        added.map_err(|_| refused())?;
        self.queues.set_atio(base.atio);
        self.stage = Stage::Started;
        self.stop_firmware(now);
        self.firmware.start(&icb, self.options, now);
        Ok(Reply::ok())
    }

    /// The queues of a control block; else the offset of the field that is wrong.
    fn base(&self, icb: &Icb) -> Result<Base, u16> {
        check(icb.version.get() == ICB_VERSION, 0)?;
        check((256..=2112).contains(&icb.frame_payload.get()), 4)?;
        let two = icb.options_2();
        let shadow = self.has_shadows() && (two.shadow_request() || two.shadow_response());
        let response = Ring::new(icb.response_address.get(), icb.response_length.get(), shadow).ok_or(52u16)?;
        let request = Ring::new(icb.request_address.get(), icb.request_length.get(), shadow).ok_or(44u16)?;
        let vector = self.vector(icb.response_vector.get()).ok_or(68u16)?;
        Ok(Base {
            response: ResponseQueue::new(response, icb.response_in.get(), vector).ok_or(28u16)?,
            request: RequestQueue::new(request, icb.request_out.get(), 0).ok_or(30u16)?,
            atio: self.atio_queue(icb)?,
        })
    }

    /// Target mode needs one; a host without it may name a length and no address.
    fn atio_queue(&self, icb: &Icb) -> Result<Option<AtioQueue>, u16> {
        if icb.atio_address.get() == 0 && !icb.options_1().target_mode() {
            return Ok(None);
        }
        let ring = Ring::new(icb.atio_address.get(), icb.atio_length.get(), false).ok_or(80u16)?;
        let vector = if icb.options_2().atio_intx() { 0 } else { icb.atio_vector.get() };
        let vector = self.vector(vector).ok_or(70u16)?;
        AtioQueue::new(ring, icb.atio_in.get(), vector).map(Some).ok_or(76)
    }

    /// A vector as control blocks have it: 0 is none; `None` is more than there are.
    pub(super) fn vector(&self, vector: u16) -> Option<Option<u16>> {
        (vector < self.identity.vectors).then_some(Some(vector).filter(|vector| *vector != 0))
    }

    /// Both ends of each queue must be there.
    fn check_memory(&self, icb: &Icb, bus: &mut dyn Bus) -> Result<(), Reply> {
        let request = (icb.request_address.get(), icb.request_length.get());
        let response = (icb.response_address.get(), icb.response_length.get());
        let atio = (icb.atio_address.get(), icb.atio_length.get());
        for (address, length) in [request, response, atio].into_iter().filter(|(address, _)| *address != 0) {
            let mut entry = [0; 64];
            bus.read(address, &mut entry)?;
            bus.read(address.saturating_add(64 * (u64::from(length).saturating_sub(1))), &mut entry)?;
        }
        Ok(())
    }
}

fn check(sound: bool, field: u16) -> Result<(), u16> {
    if sound { Ok(()) } else { Err(field) }
}
