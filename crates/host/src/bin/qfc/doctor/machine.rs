//! The machine: adapters, who drives them, IOMMU, memory, firmware files.

use super::finding::Finding;
use std::fs;
use std::path::{Path, PathBuf};

const QLOGIC: &str = "0x1077";

/// Device identifiers of the families that the driver knows, with the firmware file of each.
const ADAPTERS: &[(&str, &str, &str)] = &[
    ("0x2031", "QLE26xx (ISP2031)", "ql2600_fw.bin"),
    ("0x2071", "QLE27xx (ISP2071)", "ql2700_fw.bin"),
    ("0x2261", "QLE27xx (ISP2261)", "ql2700_fw.bin"),
    ("0x2271", "QLE27xx (ISP2271)", "ql2700_fw.bin"),
];

/// The network half of the same vendor, and older or newer FC families: seen, named, not driven.
const FIBRE_CHANNEL: &str = "0x0c04";

/// A machine as its files show it. Tests give a root of their own.
pub struct Machine(pub PathBuf);

struct Adapter {
    address: String,
    device: String,
    driver: Option<String>,
    group: Option<String>,
}

impl Machine {
    fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        fs::read_to_string(self.0.join(path)).ok().map(|text| text.trim().to_owned())
    }

    fn link(&self, path: impl AsRef<Path>) -> Option<String> {
        let to = fs::read_link(self.0.join(path)).ok()?;
        to.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    /// Fibre Channel functions of QLogic's, by address.
    fn adapters(&self) -> Vec<Adapter> {
        let entries = fs::read_dir(self.0.join("sys/bus/pci/devices")).into_iter().flatten().flatten();
        let mut found: Vec<Adapter> = entries.filter_map(|entry| self.adapter(&entry.path())).collect();
        found.sort_by(|a, b| a.address.cmp(&b.address));
        found
    }

    fn adapter(&self, at: &Path) -> Option<Adapter> {
        let read = |name: &str| self.read(at.join(name));
        let device = read("device")?;
        let class = read("class").unwrap_or_default();
        let ours = ADAPTERS.iter().any(|(id, ..)| *id == device) || class.starts_with(FIBRE_CHANNEL);
        (read("vendor")? == QLOGIC && ours).then(|| Adapter {
            address: at.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            device,
            driver: self.link(at.join("driver")),
            group: self.link(at.join("iommu_group")),
        })
    }

    /// Everything that concerns the machine. `running`: a target has its memory already.
    pub fn examine(&self, running: bool) -> Vec<Finding> {
        let adapters = self.adapters();
        let mut findings = Vec::new();
        if adapters.is_empty() {
            findings.push(no_adapter());
        }
        for adapter in &adapters {
            self.examine_adapter(adapter, &mut findings);
        }
        findings.push(self.hugepages(running));
        findings
    }

    fn examine_adapter(&self, adapter: &Adapter, findings: &mut Vec<Finding>) {
        let address = &adapter.address;
        let Some((_, family, firmware)) = ADAPTERS.iter().find(|(id, ..)| *id == adapter.device) else {
            let text = format!("QLogic Fibre Channel function {}: not of a family that qfc drives", adapter.device);
            return findings.push(Finding::note("adapter", address, text));
        };
        findings.push(Finding::ok("adapter", address, *family));
        findings.push(driver(adapter));
        findings.push(self.iommu(adapter));
        findings.push(self.firmware(address, firmware));
    }

    fn iommu(&self, adapter: &Adapter) -> Finding {
        let address = &adapter.address;
        if let Some(group) = &adapter.group {
            return Finding::ok("iommu", address, format!("on, group {group}"));
        }
        let amd = self.read("proc/cpuinfo").is_some_and(|text| text.contains("AuthenticAMD"));
        let argument = if amd { "amd_iommu=on" } else { "intel_iommu=on" };
        Finding::problem("iommu", address, "the IOMMU is off, or does not cover it: the adapter cannot be given to a process safely")
            .mend(format!("switch it on in the BIOS (VT-d, AMD-Vi) and boot with {argument} iommu=pt: GRUB_CMDLINE_LINUX in /etc/default/grub, then sudo update-grub && sudo reboot"))
    }

    fn firmware(&self, address: &str, file: &str) -> Finding {
        let path = format!("lib/firmware/{file}");
        match fs::metadata(self.0.join(&path)) {
            Ok(data) if data.len() > 0 => Finding::ok(
                "firmware",
                address,
                format!("/{path} is there; the flash's is used unless LoadFWfromFile Yes"),
            ),
            _ => Finding::note(
                "firmware",
                address,
                format!(
                    "/{path} is missing: the adapter runs what is in its flash, and LoadFWfromFile Yes would be refused"
                ),
            )
            .mend("sudo apt install firmware-qlogic    (non-free-firmware; or the file from the maker's site)"),
        }
    }

    fn hugepages(&self, running: bool) -> Finding {
        let at = "sys/kernel/mm/hugepages/hugepages-2048kB";
        let number = |name: &str| self.read(format!("{at}/{name}")).and_then(|text| text.parse::<u64>().ok());
        let (free, all) = (number("free_hugepages").unwrap_or(0) * 2, number("nr_hugepages").unwrap_or(0) * 2);
        let text = format!("{free} MiB of 2 MiB pages are free, {all} MiB are reserved");
        match (free, running) {
            (1.., _) => Finding::ok("hugepages", "", text),
            (0, true) => Finding::ok("hugepages", "", format!("{text}; the target has its memory")),
            (0, false) => Finding::problem("hugepages", "", text)
                .mend("sudo scripts/setup.sh 256")
                .mend("qfc_tgt --no-huge ...    (ordinary memory; not for an adapter behind VFIO)"),
        }
    }
}

fn no_adapter() -> Finding {
    Finding::problem(
        "adapter",
        "",
        "there is no QLogic Fibre Channel adapter on the PCI bus; ports in software need none",
    )
    .mend("[SoftPort1] with Names nn-0x...:pn-0x... in qfc.conf, or `qfc rpc fc_port_create '{\"link\": \"fabric\"}'`")
    .mend("Hba virtual in [QFC] of qfc.conf: the adapter's model in the process")
}

fn driver(adapter: &Adapter) -> Finding {
    let address = &adapter.address;
    let bind = format!("sudo scripts/setup.sh bind {address}");
    match adapter.driver.as_deref() {
        Some("vfio-pci") => Finding::ok("driver", address, "vfio-pci: free for qfc_tgt"),
        Some(kernel) => Finding::problem("driver", address, format!("it is in the hands of the kernel's {kernel}; LUNs that this machine reaches by it go away when it is taken"))
            .mend(bind)
            .mend("UnbindFromKernel Yes in [QFC] of qfc.conf: qfc_tgt does it at start"),
        None => Finding::problem("driver", address, "no driver has it, and qfc_tgt reaches it by vfio-pci").mend(bind),
    }
}
