//! What `fc_set_options` sets, and what an adapter is asked for because of it.

use crate::params::{Transport, invalid};
use app::RpcError;
use fc::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of all ports that are made from now on. What is not said stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Which protocols are served on ports that do not say: `FCP`, `NVME`, `BOTH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// Take adapters from the kernel's driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unbind_from_kernel: Option<bool>,
    /// Firmware from `/lib/firmware` instead of the adapter's flash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_firmware_from_file: Option<bool>,
    /// Several ATIO queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_atio: Option<bool>,
    /// How many of them there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atio_queues: Option<u32>,
    /// How many of them are for NVMe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nvme_atio_queues: Option<u32>,
}

impl Options {
    /// Takes over what `said` says.
    ///
    /// # Errors
    /// The counts of queues do not fit.
    pub fn change(&mut self, said: Options) -> Result<(), RpcError> {
        let new = Self {
            transport: said.transport.or(self.transport),
            unbind_from_kernel: said.unbind_from_kernel.or(self.unbind_from_kernel),
            load_firmware_from_file: said.load_firmware_from_file.or(self.load_firmware_from_file),
            multi_atio: said.multi_atio.or(self.multi_atio),
            atio_queues: said.atio_queues.or(self.atio_queues),
            nvme_atio_queues: said.nvme_atio_queues.or(self.nvme_atio_queues),
        };
        if new.is_multi_atio() && new.atio_queues.is_none() {
            return Err(invalid("multi_atio: say how many atio_queues"));
        }
        if let (Some(all), Some(nvme)) = (new.atio_queues, new.nvme_atio_queues)
            && nvme > all
        {
            return Err(invalid(format!("nvme_atio_queues: {nvme} of {all} atio_queues")));
        }
        *self = new;
        Ok(())
    }

    /// Which protocols ports serve that do not say.
    pub fn transport(&self) -> Transport {
        self.transport.unwrap_or_default()
    }

    fn is_multi_atio(&self) -> bool {
        self.multi_atio == Some(true)
    }

    /// What an adapter is asked for.
    pub fn settings(&self, transport: Transport, names: Option<Names>) -> qla::Settings {
        let fcp = |all: u32| all.saturating_sub(self.nvme_atio_queues.unwrap_or(0)).max(1) as usize;
        qla::Settings {
            names,
            serves: transport.protocols(),
            firmware_from_file: self.load_firmware_from_file == Some(true),
            fcp_lanes: self.atio_queues.filter(|_| self.is_multi_atio()).map(fcp),
            symbolic_name: concat!("qfc ", env!("CARGO_PKG_VERSION")).to_owned(),
            ..qla::Settings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays() {
        let mut options = Options::default();
        options.change(Options { transport: Some(Transport::Fcp), ..Options::default() }).unwrap();
        options.change(Options { load_firmware_from_file: Some(true), ..Options::default() }).unwrap();
        assert_eq!((options.transport(), options.load_firmware_from_file), (Transport::Fcp, Some(true)));
        let settings = options.settings(options.transport(), None);
        assert!(settings.firmware_from_file && settings.serves == [fc::Fc4::Fcp] && settings.fcp_lanes.is_none());
    }

    #[test]
    fn queues_for_commands_are_counted() {
        let mut options = Options::default();
        let multi = Options { multi_atio: Some(true), ..Options::default() };
        assert!(options.change(multi).is_err(), "how many?");
        assert!(options.change(Options { atio_queues: Some(2), nvme_atio_queues: Some(3), ..multi }).is_err());
        assert_eq!(options, Options::default(), "a refusal changes nothing");
        options.change(Options { atio_queues: Some(8), nvme_atio_queues: Some(5), ..multi }).unwrap();
        assert_eq!(options.settings(Transport::Both, None).fcp_lanes, Some(3));
        options.change(Options { multi_atio: Some(false), ..Options::default() }).unwrap();
        assert_eq!(options.settings(Transport::Both, None).fcp_lanes, None);
    }
}
