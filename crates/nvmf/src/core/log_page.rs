//! Get Log Page (NVMe Base 2.0c 5.16): which pages there are, and how much of one is wanted.

use super::aer::Kind;
use super::identify::FIRMWARE;
use super::nvm_command::Nvm;
use super::reply::{Fail, Verdict};
use super::{feature, smart};
use ring::Tag;
use wire::identify::NsList;
use wire::log::{Effect, Effects, FeatureEffects, FirmwareSlots, SupportedLogs};
use wire::nvme::{AdminOpcode, Csi, FeatureId, GetLogPage, LogId, NvmOpcode, Sqe, Status};
use wire::{IntoBytes, U32};

const IO: [LogId; 7] = [
    LogId::SUPPORTED_LOG_PAGES,
    LogId::ERROR,
    LogId::SMART,
    LogId::FIRMWARE_SLOT,
    LogId::CHANGED_NAMESPACES,
    LogId::COMMANDS_SUPPORTED_AND_EFFECTS,
    LogId::FEATURE_IDS_SUPPORTED_AND_EFFECTS,
];

const DISCOVERY: [LogId; 4] =
    [LogId::SUPPORTED_LOG_PAGES, LogId::ERROR, LogId::FEATURE_IDS_SUPPORTED_AND_EFFECTS, LogId::DISCOVERY];

impl Nvm {
    pub(crate) fn plan_log_page(&mut self, sqe: &Sqe, controller: Tag) -> Verdict {
        let asked = GetLogPage::of(sqe);
        let page = self.page(controller, asked)?;
        if asked.ot || !asked.offset.is_multiple_of(4) || asked.offset > page.len() as u64 {
            return Err(Status::INVALID_FIELD.into());
        }
        match u32::try_from(asked.bytes) {
            Ok(len) if len <= self.limits.max_data => self.answer_of(sqe, len),
            _ => Err(Status::INVALID_FIELD.into()),
        }
    }

    /// Fills in what is wanted of a page; what is beyond its end stays zero.
    pub(crate) fn log_page(&mut self, sqe: &Sqe, controller: Tag, data: &mut [u8]) -> Result<u64, Fail> {
        let asked = GetLogPage::of(sqe);
        let page = self.page(controller, asked)?;
        let start = usize::try_from(asked.offset).unwrap_or(usize::MAX).min(page.len());
        let part = &page[start..];
        let len = part.len().min(data.len());
        data[..len].copy_from_slice(&part[..len]);
        if !asked.rae {
            self.was_read(controller, asked.lid);
        }
        Ok(0)
    }

    /// A page, whole.
    fn page(&self, controller: Tag, asked: GetLogPage) -> Result<Vec<u8>, Fail> {
        let known = self.controllers.get(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        let pages = if known.discovery { &DISCOVERY[..] } else { &IO[..] };
        if !pages.contains(&asked.lid) {
            return Err(Status::INVALID_LOG_PAGE.into());
        }
        let subsystem = self.subsystems.get(known.subsystem).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        let page = match asked.lid {
            LogId::SUPPORTED_LOG_PAGES => SupportedLogs::new(pages).as_bytes().to_vec(),
            LogId::ERROR => known.errors.page(),
            LogId::SMART => smart::page(known, &subsystem.view, self.now),
            LogId::FIRMWARE_SLOT => FirmwareSlots::one(wire::padded(FIRMWARE)).as_bytes().to_vec(),
            LogId::CHANGED_NAMESPACES => changed(known.changed.iter().copied()),
            LogId::COMMANDS_SUPPORTED_AND_EFFECTS if asked.csi == Csi::NVM => effects(),
            LogId::FEATURE_IDS_SUPPORTED_AND_EFFECTS => features(known.discovery),
            LogId::DISCOVERY => {
                let origin = self.queues.get(known.queue).map(|q| q.origin);
                let origin = origin.ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
                self.discovery_page(&known.hostnqn, origin)
            }
            _ => return Err(Status::INVALID_FIELD.into()),
        };
        Ok(page)
    }

    /// A page was read and its event not retained.
    fn was_read(&mut self, controller: Tag, lid: LogId) {
        let Some(known) = self.controllers.get_mut(controller) else { return };
        match lid {
            LogId::CHANGED_NAMESPACES => {
                known.changed.clear();
                known.events.clear(Kind::Namespaces);
            }
            LogId::DISCOVERY => known.events.clear(Kind::Discovery),
            _ => return,
        }
        self.report_events(controller);
    }
}

fn changed(nsids: impl Iterator<Item = u32>) -> Vec<u8> {
    NsList::after(0, nsids).as_bytes().to_vec()
}

fn effects() -> Vec<u8> {
    let admin = [
        AdminOpcode::GET_LOG_PAGE,
        AdminOpcode::IDENTIFY,
        AdminOpcode::ABORT,
        AdminOpcode::SET_FEATURES,
        AdminOpcode::GET_FEATURES,
        AdminOpcode::ASYNC_EVENT_REQUEST,
        AdminOpcode::KEEP_ALIVE,
    ];
    let mut page = Effects::none();
    for opcode in admin {
        page.admin[usize::from(opcode.0)] = U32::new(Effect::SUPPORTED.0);
    }
    for opcode in (0..=255).map(NvmOpcode).filter(|opcode| super::nvm::is_served(*opcode)) {
        let writes = matches!(opcode, NvmOpcode::WRITE | NvmOpcode::WRITE_ZEROES | NvmOpcode::DATASET_MANAGEMENT);
        let effect = if writes { Effect::WRITES } else { Effect::SUPPORTED };
        page.io[usize::from(opcode.0)] = U32::new(effect.0);
    }
    page.as_bytes().to_vec()
}

fn features(discovery: bool) -> Vec<u8> {
    let all = if discovery { &feature::DISCOVERY[..] } else { &feature::IO[..] };
    let scope = |fid: FeatureId| match fid {
        FeatureId::ERROR_RECOVERY => FeatureEffects::SCOPE_NAMESPACE,
        _ => FeatureEffects::SCOPE_CONTROLLER,
    };
    all.iter().fold(FeatureEffects::none(), |page, fid| page.with(*fid, scope(*fid))).as_bytes().to_vec()
}
