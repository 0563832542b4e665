//! Get Features and Set Features (NVMe Base 2.0c 5.15 and 5.27).

use super::connect::offered_events;
use super::controller::Controller;
use super::feature_values::Values;
use super::nvm_command::Nvm;
use super::reply::{Fail, Step, Verdict};
use ring::Tag;
use wire::limits::NSID_ALL;
use wire::nvme::admin::capability;
use wire::nvme::{EventConfig, FeatureId, Features, QueueCount, Select, Sqe, Status};

/// The features of a controller with I/O queues.
pub(crate) const IO: [FeatureId; 10] = [
    FeatureId::ARBITRATION,
    FeatureId::POWER_MANAGEMENT,
    FeatureId::TEMPERATURE_THRESHOLD,
    FeatureId::ERROR_RECOVERY,
    FeatureId::VOLATILE_WRITE_CACHE,
    FeatureId::NUMBER_OF_QUEUES,
    FeatureId::WRITE_ATOMICITY_NORMAL,
    FeatureId::ASYNC_EVENT_CONFIG,
    FeatureId::KEEP_ALIVE_TIMER,
    FeatureId::HOST_ID,
];

/// The features of a discovery controller.
pub(crate) const DISCOVERY: [FeatureId; 3] =
    [FeatureId::ASYNC_EVENT_CONFIG, FeatureId::KEEP_ALIVE_TIMER, FeatureId::HOST_ID];

fn has(controller: &Controller, fid: FeatureId) -> bool {
    if controller.discovery { DISCOVERY.contains(&fid) } else { IO.contains(&fid) }
}

impl Nvm {
    pub(crate) fn get_features(&mut self, sqe: &Sqe, controller: Tag) -> Verdict {
        let asked = Features::of(sqe);
        let known = self.controllers.get(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        if !has(known, asked.fid) {
            return Err(Status::INVALID_FIELD.into());
        }
        match (asked.sel, asked.fid) {
            (Select::SUPPORTED_CAPABILITIES, fid) => Ok(Step::Done(capabilities(fid).into())),
            // 128 bits, as CTRATT and EXHID say.
            (Select::CURRENT, FeatureId::HOST_ID) if asked.dw11 & 1 == 0 => {
                Err(Status::HOST_ID_INCONSISTENT_FORMAT.into())
            }
            (Select::CURRENT, FeatureId::HOST_ID) => self.answer_of(sqe, 16),
            (Select::CURRENT, _) => self.value(known, known.granted, known.alive.timeout_ms, &known.values, asked),
            // Nothing is saved, so what is saved is the default.
            (Select::DEFAULT | Select::SAVED, _) => {
                let granted = if known.discovery { 0 } else { self.limits.config.transport.max_io_qpairs_per_ctrlr };
                let values = Values::new(offered_events(known.discovery));
                self.value(known, granted, 0, &values, asked)
            }
            _ => Err(Status::INVALID_FIELD.into()),
        }
    }

    fn value(&self, known: &Controller, granted: u16, kato_ms: u32, values: &Values, asked: Features) -> Verdict {
        let value = match asked.fid {
            FeatureId::TEMPERATURE_THRESHOLD => threshold(values, asked.dw11)?,
            FeatureId::VOLATILE_WRITE_CACHE => 1,
            FeatureId::NUMBER_OF_QUEUES => queue_count(granted),
            FeatureId::ASYNC_EVENT_CONFIG => values.events.0,
            FeatureId::KEEP_ALIVE_TIMER if known.alive.any_command => 0,
            FeatureId::KEEP_ALIVE_TIMER => kato_ms,
            fid => values.get(fid).ok_or(Status::INVALID_FIELD)?,
        };
        Ok(Step::Done(value.into()))
    }

    /// The data of Get Features for the host identifier.
    pub(crate) fn host_identifier(&mut self, controller: Tag, data: &mut [u8]) -> Result<u64, Fail> {
        let known = self.controllers.get(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        data.copy_from_slice(&known.hostid);
        Ok(0)
    }

    pub(crate) fn set_features(&mut self, sqe: &Sqe, controller: Tag) -> Verdict {
        let asked = Features::of(sqe);
        let known = self.controllers.get(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        if !has(known, asked.fid) {
            return Err(Status::INVALID_FIELD.into());
        }
        if asked.save {
            return Err(Status::FEATURE_ID_NOT_SAVEABLE.into());
        }
        let of_one_namespace = !matches!(sqe.nsid.get(), 0 | NSID_ALL);
        if of_one_namespace && asked.fid != FeatureId::ERROR_RECOVERY {
            return Err(Status::FEATURE_NOT_NAMESPACE_SPECIFIC.into());
        }
        self.set(controller, asked)
    }

    fn set(&mut self, controller: Tag, asked: Features) -> Verdict {
        match asked.fid {
            FeatureId::NUMBER_OF_QUEUES => self.set_queue_count(controller, QueueCount(asked.dw11)),
            FeatureId::KEEP_ALIVE_TIMER => self.set_keep_alive(controller, asked.dw11),
            FeatureId::ASYNC_EVENT_CONFIG => self.set_events(controller, EventConfig(asked.dw11)),
            // It came with Connect (Base 2.0c 5.27.1.25).
            FeatureId::HOST_ID => Err(Status::COMMAND_SEQUENCE_ERROR.into()),
            // The cache is what the volumes have; it cannot be turned off.
            FeatureId::VOLATILE_WRITE_CACHE if asked.dw11 & 1 == 0 => Err(Status::FEATURE_NOT_CHANGEABLE.into()),
            FeatureId::VOLATILE_WRITE_CACHE => Ok(Step::Done(0)),
            fid => self.set_value(controller, fid, asked.dw11),
        }
    }

    fn set_value(&mut self, controller: Tag, fid: FeatureId, dw11: u32) -> Verdict {
        let known = self.controllers.get_mut(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        let fits = match fid {
            FeatureId::TEMPERATURE_THRESHOLD => set_threshold(&mut known.values, dw11),
            fid => known.values.set(fid, dw11).unwrap_or(false),
        };
        if fits { Ok(Step::Done(0)) } else { Err(Status::INVALID_FIELD.into()) }
    }

    /// As many I/O queues as the host wants and we have: one number, since queues come in pairs.
    fn set_queue_count(&mut self, controller: Tag, asked: QueueCount) -> Verdict {
        let most = self.limits.config.transport.max_io_qpairs_per_ctrlr;
        let known = self.controllers.get_mut(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        if asked.nsq_z() == 0xffff || asked.ncq_z() == 0xffff {
            return Err(Status::INVALID_FIELD.into());
        }
        if !known.attached.is_empty() {
            return Err(Status::COMMAND_SEQUENCE_ERROR.into());
        }
        known.granted = (asked.nsq_z().max(asked.ncq_z()) + 1).min(most);
        Ok(Step::Done(queue_count(known.granted).into()))
    }

    fn set_keep_alive(&mut self, controller: Tag, kato_ms: u32) -> Verdict {
        let discovery = self.controllers.get(controller).is_some_and(|c| c.discovery);
        let alive = self.keep_alive(kato_ms, discovery);
        let known = self.controllers.get_mut(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        known.alive = alive;
        self.controllers.sooner(alive.deadline());
        Ok(Step::Done(0))
    }

    fn set_events(&mut self, controller: Tag, config: EventConfig) -> Verdict {
        let known = self.controllers.get_mut(controller).ok_or(Status::COMMAND_SEQUENCE_ERROR)?;
        let offered = offered_events(known.discovery).with_smart(0xff);
        if config.0 & !offered.0 != 0 {
            return Err(Status::INVALID_FIELD.into());
        }
        known.values.events = config;
        Ok(Step::Done(0))
    }
}

fn queue_count(granted: u16) -> u32 {
    let count_z = granted.saturating_sub(1);
    QueueCount::default().with_nsq_z(count_z).with_ncq_z(count_z).0
}

/// What can be done with a feature (SEL 3).
fn capabilities(fid: FeatureId) -> u32 {
    match fid {
        FeatureId::HOST_ID | FeatureId::VOLATILE_WRITE_CACHE => 0,
        FeatureId::ERROR_RECOVERY => capability::CHANGEABLE | capability::NAMESPACE_SPECIFIC,
        _ => capability::CHANGEABLE,
    }
}

/// THSEL and TMPSEL of a temperature threshold: only the composite temperature is there.
fn which_threshold(dw11: u32) -> Option<usize> {
    let (sensor, kind) = (dw11 >> 16 & 0xf, dw11 >> 20 & 3);
    (sensor == 0 && kind < 2).then_some(kind as usize)
}

fn threshold(values: &Values, dw11: u32) -> Result<u32, Fail> {
    let kind = which_threshold(dw11).ok_or(Status::INVALID_FIELD)?;
    Ok(values.thresholds[kind].into())
}

fn set_threshold(values: &mut Values, dw11: u32) -> bool {
    // Sensor 15 sets all of them, which is the one.
    let all = if dw11 >> 16 & 0xf == 0xf { dw11 & !(0xf << 16) } else { dw11 };
    match which_threshold(all) {
        Some(kind) => values.thresholds[kind] = dw11 as u16,
        None => return false,
    }
    true
}
