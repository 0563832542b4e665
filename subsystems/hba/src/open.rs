//! An adapter's address becomes a device that can be driven.

use crate::made::VIRTUAL;
use crate::options::Options;
use crate::params::{EINVAL, invalid};
use crate::subsystem::Hba;
use crate::virtual_adapter::{self, ModelPoller};
use app::RpcError;
use fc::{Names, Wake, make_link};
use pci::{Device, Inspection, Sysfs, VFIO_DRIVER, Vfio};
use std::path::Path;

/// What the address of another process's device begins with.
const VFIO_USER: &str = "vfio-user:";

/// The maker, and the devices of the families that the driver knows: ISP2031, ISP2071, ISP2261, ISP2271.
const MAKER: u16 = 0x1077;
const DEVICES: &[u16] = &[0x2031, 0x2071, 0x2261, 0x2271];

/// A device, and the model behind it if that is in this process.
pub(crate) struct Opened {
    pub(crate) device: Box<dyn Device>,
    pub(crate) model: Option<ModelPoller>,
}

impl Hba {
    /// Opens the device at an address. A model gets `names` into its NVRAM, and a link that wakes its core by `wake`.
    pub(crate) fn open(&self, address: &str, link: &str, names: Names, wake: Wake) -> Result<Opened, RpcError> {
        if address == VIRTUAL {
            return self.open_virtual(link, names, wake);
        }
        let device: Box<dyn Device> = match address.strip_prefix(VFIO_USER) {
            Some(path) => Box::new(vfio_user::Client::connect(Path::new(path)).map_err(refused)?),
            None => Box::new(self.open_function(address)?),
        };
        Ok(Opened { device, model: None })
    }

    fn open_virtual(&self, to: &str, names: Names, wake: Wake) -> Result<Opened, RpcError> {
        let link = make_link(&self.makers, to, names, wake);
        let link = link.map_err(|reason| invalid(format!("link: {to}: {reason}")))?;
        let model = virtual_adapter::make(names, link, self.frames.clone())?;
        let (device, runner) = pci::in_process(model, &self.app().arena).map_err(RpcError::from)?;
        Ok(Opened { device: Box::new(device), model: Some(ModelPoller::new(&names.port.to_string(), runner)) })
    }

    fn open_function(&self, address: &str) -> Result<Vfio, RpcError> {
        let sysfs = Sysfs::default();
        let function = sysfs.inspect(address).map_err(refused)?;
        if !self.may_use(&function) {
            let text = format!("{address}: -u, -A or -B (or [Global] of qfc.conf) keep it from this target");
            return Err(RpcError::errno(EINVAL).because(text));
        }
        if self.options().unbind_from_kernel == Some(true) {
            sysfs.take_over(address).map_err(refused)?;
        }
        Vfio::open(address).map_err(refused)
    }

    /// Whether the start options let us have a function.
    fn may_use(&self, function: &Inspection) -> bool {
        let options = &self.app().options;
        let is = |text: &String| same(text, &function.address);
        let allowed = options.pci_allowed.is_empty() || options.pci_allowed.iter().any(is);
        !options.no_pci && allowed && !options.pci_blocked.iter().any(is)
    }

    /// Addresses of all adapters of this machine that may be had.
    pub(crate) fn found(&self) -> Vec<String> {
        let found = pci::find(MAKER, DEVICES).into_iter().filter(|function| self.may_use(function));
        found.filter(|function| is_free(function, &self.options())).map(|function| function.address).collect()
    }
}

/// How many adapters a call of `hba_attach` may take at most.
pub(crate) fn adapters(params: &serde_json::Value) -> usize {
    if params["address"] != crate::attach::AUTO {
        return 1;
    }
    let models = params["names"].as_array().map_or(0, Vec::len);
    models.max(pci::find(MAKER, DEVICES).len()).max(1)
}

/// Whether we may have it, as far as the kernel is concerned; if not, the log says what would let us.
fn is_free(function: &Inspection, options: &Options) -> bool {
    let free = function.driver.as_deref() == Some(VFIO_DRIVER) || options.unbind_from_kernel == Some(true);
    if !free {
        let owner = function.driver.as_deref().unwrap_or("no driver");
        let address = &function.address;
        log::warn!(
            "{address}: {owner} has it: 'scripts/setup.sh bind {address}', or UnbindFromKernel Yes in [QFC], gives it to this target"
        );
    }
    free
}

/// `3b:00.0` and `0000:3b:00.0` are the same.
fn same(text: &str, address: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text == address || format!("0000:{text}") == address
}

fn refused(error: impl std::fmt::Display) -> RpcError {
    RpcError::errno(EINVAL).because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_addresses_are_of_the_first_domain() {
        assert!(same("3B:00.0", "0000:3b:00.0") && same("0000:3b:00.0", "0000:3b:00.0"));
        assert!(!same("3b:00.1", "0000:3b:00.0") && !same("0001:3b:00.0", "0000:3b:00.0"));
    }
}
