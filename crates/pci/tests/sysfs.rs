//! What is read from, and written to, a tree like that of `/sys`, and what is said when something stands in the way.

use pci::{Error, Sysfs, Vfio};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

struct Tree(tempfile::TempDir);

const HBA: &str = "0000:3b:00.0";

impl Tree {
    fn new() -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        tree.dir("sys/bus/pci/devices");
        tree.file("sys/bus/pci/drivers_probe", "");
        for driver in ["qla2xxx", "vfio-pci", "pcieport"] {
            tree.file(&format!("sys/bus/pci/drivers/{driver}/unbind"), "");
        }
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn dir(&self, path: &str) -> PathBuf {
        fs::create_dir_all(self.path(path)).unwrap();
        self.path(path)
    }

    fn file(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn function(&self, address: &str, ids: [&str; 3], driver: Option<&str>, group: Option<u32>) {
        let dir = self.dir(&format!("sys/bus/pci/devices/{address}"));
        for (name, text) in ["vendor", "device", "class"].iter().zip(ids) {
            fs::write(dir.join(name), format!("0x{text}\n")).unwrap();
        }
        fs::write(dir.join("subsystem_device"), "0x02a7\n").unwrap();
        fs::write(dir.join("numa_node"), "-1\n").unwrap();
        fs::write(dir.join("driver_override"), "(null)\n").unwrap();
        if let Some(driver) = driver {
            symlink(self.path("sys/bus/pci/drivers").join(driver), dir.join("driver")).unwrap();
        }
        if let Some(group) = group {
            let all = self.dir(&format!("sys/kernel/iommu_groups/{group}/devices"));
            symlink(all.parent().unwrap(), dir.join("iommu_group")).unwrap();
            symlink(&dir, all.join(address)).unwrap();
        }
    }

    fn hba(&self, driver: Option<&str>, group: Option<u32>) {
        self.function(HBA, ["1077", "2261", "0c0400"], driver, group);
    }

    fn sysfs(&self) -> Sysfs {
        Sysfs::at(self.0.path())
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn refusal(&self) -> String {
        match Vfio::open_in(&self.sysfs(), HBA) {
            Err(Error::Unusable { address, reason }) => {
                assert_eq!(address, HBA);
                reason
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn functions_are_found_and_described() {
    let tree = Tree::new();
    tree.hba(Some("qla2xxx"), Some(27));
    tree.function("0000:04:00.1", ["1077", "2071", "0c0400"], None, None);
    tree.function("0000:00:1f.0", ["8086", "2261", "060100"], None, None);
    fs::create_dir_all(tree.path("sys/bus/pci/devices/0000:3b:00.0/vfio-dev/vfio3")).unwrap();
    let found = tree.sysfs().find(0x1077, &[0x2261, 0x2071]);
    assert_eq!(found.iter().map(|f| f.address.as_str()).collect::<Vec<_>>(), ["0000:04:00.1", HBA]);
    let hba = tree.sysfs().inspect("3B:00.0").unwrap();
    assert_eq!((hba.vendor, hba.device, hba.subsystem.1, hba.class), (0x1077, 0x2261, 0x02A7, 0x0C_0400));
    assert_eq!((hba.driver.as_deref(), hba.iommu_group, hba.numa_node), (Some("qla2xxx"), Some(27), None));
    assert_eq!(hba.vfio_device.as_deref(), Some("vfio3"));
    assert_eq!(found[0].driver, None);
    for wrong in ["0000:99:00.0", "nonsense", "../../etc", "", "0000:3b:00.0/../x"] {
        assert!(matches!(tree.sysfs().inspect(wrong), Err(Error::Unusable { .. })), "{wrong}");
    }
}

#[test]
fn each_obstacle_is_named_with_its_remedy() {
    let tree = Tree::new();
    assert!(tree.refusal().contains("no such PCI function"));
    tree.hba(Some("qla2xxx"), Some(27));
    assert_eq!(tree.refusal(), format!("it is in the kernel driver qla2xxx's hands: run scripts/setup.sh bind {HBA}"));
    let tree = Tree::new();
    tree.hba(None, Some(27));
    assert_eq!(tree.refusal(), format!("no driver has it: run scripts/setup.sh bind {HBA}"));
    for driver in [Some("vfio-pci"), Some("qla2xxx"), None] {
        let tree = Tree::new();
        tree.hba(driver, None);
        assert!(tree.refusal().contains("intel_iommu=on"));
        assert!(driver == Some("vfio-pci") || tree.sysfs().take_over(HBA).is_err(), "it would have no driver then");
    }
    let tree = Tree::new();
    tree.hba(Some("vfio-pci"), Some(27));
    assert_eq!(tree.refusal(), "/dev/vfio/27 is missing: run modprobe vfio-pci vfio_iommu_type1");
    tree.function("0000:3b:00.1", ["1077", "2261", "0c0400"], Some("qla2xxx"), Some(27));
    tree.function("0000:3a:00.0", ["8086", "2030", "060400"], Some("pcieport"), Some(27));
    let said = tree.refusal();
    assert!(said.contains("0000:3b:00.1 (qla2xxx)") && !said.contains("3a:00.0"), "a bridge does no harm: {said}");
    tree.file("dev/vfio/noiommu-27", "");
    assert!(tree.refusal().contains("no-IOMMU"));
}

#[test]
fn a_function_is_taken_from_the_kernel_and_given_back() {
    let tree = Tree::new();
    tree.hba(Some("qla2xxx"), Some(27));
    tree.sysfs().take_over(HBA).unwrap();
    assert_eq!(tree.read(&format!("sys/bus/pci/devices/{HBA}/driver_override")), "vfio-pci\n");
    assert_eq!(tree.read("sys/bus/pci/drivers/qla2xxx/unbind"), HBA);
    assert_eq!(tree.read("sys/bus/pci/drivers_probe"), HBA);
    let tree = Tree::new();
    tree.hba(Some("vfio-pci"), Some(27));
    tree.sysfs().take_over(HBA).unwrap();
    assert_eq!(tree.read("sys/bus/pci/drivers/vfio-pci/unbind"), "", "it has it already");
    tree.sysfs().release(HBA).unwrap();
    assert_eq!(tree.read("sys/bus/pci/drivers/vfio-pci/unbind"), HBA);
}

#[test]
fn without_the_driver_or_the_right_it_says_so() {
    let tree = Tree::new();
    tree.hba(Some("qla2xxx"), Some(27));
    fs::remove_dir_all(tree.path("sys/bus/pci/drivers/vfio-pci")).unwrap();
    let said = tree.sysfs().take_over(HBA).unwrap_err().to_string();
    assert!(said.contains("modprobe vfio-pci"), "{said}");
    fs::remove_file(tree.path(&format!("sys/bus/pci/devices/{HBA}/driver_override"))).unwrap();
    let said = tree.sysfs().release(HBA).unwrap_err().to_string();
    assert!(said.contains("setup.sh"), "{said}");
    assert!(Path::new(&tree.path("sys/bus/pci/drivers/qla2xxx/unbind")).exists());
}

/// Runs the script that operators use on the tree: whether it succeeded, and what it said.
fn setup(tree: &Tree, arguments: &[&str]) -> (bool, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/setup.sh");
    let mut command = std::process::Command::new("sh");
    let output = command.arg(script).args(arguments).env("SYSFS", tree.path("sys")).output().unwrap();
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn the_script_does_the_same() {
    let tree = Tree::new();
    tree.hba(Some("qla2xxx"), Some(27));
    tree.function("0000:04:00.1", ["1077", "2071", "0c0400"], None, None);
    let (done, said) = setup(&tree, &["status"]);
    assert!(done && said.contains("0000:3b:00.0: Fibre Channel 1077:2261, driver qla2xxx, IOMMU group 27"), "{said}");
    assert!(said.contains("0000:04:00.1: Fibre Channel 1077:2071, driver none, IOMMU group none"), "{said}");
    // A tree of plain files hands nothing over: the script must notice.
    let (done, said) = setup(&tree, &["bind", "3B:00.0"]);
    assert!(!done && said.contains("vfio-pci did not take it"), "{said}");
    assert_eq!(tree.read(&format!("sys/bus/pci/devices/{HBA}/driver_override")), "vfio-pci\n");
    assert_eq!(tree.read("sys/bus/pci/drivers/qla2xxx/unbind"), format!("{HBA}\n"));
    assert_eq!(tree.read("sys/bus/pci/drivers_probe"), format!("{HBA}\n"));
    let (done, said) = setup(&tree, &["unbind", HBA]);
    assert!(done && said.contains("qla2xxx has it"), "{said}");
    assert_eq!(tree.read(&format!("sys/bus/pci/devices/{HBA}/driver_override")), "\n");
    for wrong in [
        &["bind", "04:00.1"][..],
        &["bind", "99:00.0"],
        &["bind", "x"],
        &["bind"],
        &["unbind", "../../../etc:1.0"],
        &["bond"],
    ] {
        let (done, said) = setup(&tree, wrong);
        assert!(!done && said.starts_with("setup.sh: "), "{wrong:?}: {said}");
    }
}
