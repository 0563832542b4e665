//! One way to a volume: over FCP or over iSCSI.

use crate::answer::Answer;
use crate::script::{BLOCK, Give, Step};
use host::scsi::{Cdb, Transfer};
use host::{FcOptions, Identity, IscsiAddress, Options};
use serde_json::{Value, json};
use testbed::{Setup, Target, until};

const PORT: &str = "nn-0x20000024ff000001:pn-0x21000024ff000001";
const NODE: &str = "iqn.2026-11.org.example:disk1";
/// Its size.
pub const MIB: u64 = 16;

const UUID: &str = "6f0a3a52-9f4e-4c3b-8d7e-0b1c2d3e4f50";

const FABRIC: &str = "
[Fabric]
  Listen unix:@DIR@/fabric.sock
[SoftPort1]
  Names nn-0x20000024ff000001:pn-0x21000024ff000001
  Link fabric
";

/// A way to a logical unit, and who is at its end.
pub struct Side {
    session: host::scsi::Target,
    lun: u16,
    _target: Option<Target>,
}

/// A target with the volume, for both ways.
fn target() -> Target {
    let target = Setup::new(env!("CARGO_BIN_EXE_qfc_tgt")).conf(FABRIC).start();
    let blocks = (MIB << 20) / BLOCK as u64;
    target
        .rpc("bdev_malloc_create", json!({ "name": "disk", "num_blocks": blocks, "block_size": BLOCK, "uuid": UUID }));
    until("the port is online", || {
        let ports = target.rpc("fc_get_ports", Value::Null);
        ports.as_array().expect("ports").iter().all(|port| port["state"] == "online").then_some(())
    });
    let portal = json!({ "host": "127.0.0.1", "port": target.setup().port().to_string() });
    target.rpc(
        "scsi_create_portal_group",
        json!({ "tag": 1, "portals": [{ "label": "fc", "wwpn": "21000024ff000001" }] }),
    );
    target.rpc("iscsi_create_portal_group", json!({ "tag": 2, "portals": [portal] }));
    target.rpc("iscsi_create_initiator_group", json!({ "tag": 1, "initiators": ["ANY"], "netmasks": ["127.0.0.0/8"] }));
    let maps = json!([{ "pg_tag": 1, "ig_tag": 1 }, { "pg_tag": 2, "ig_tag": 1 }]);
    let node = json!({
        "name": NODE, "alias_name": "", "luns": [{ "lun_id": 0, "bdev_name": "disk" }], "queue_depth": 64,
        "disable_chap": true, "pg_ig_maps": maps,
    });
    target.rpc("iscsi_create_target_node", node);
    target
}

/// The same volume over FCP and over iSCSI, of two targets that know nothing of each other: what the one keeps does not
/// change what the other says.
pub fn both() -> (Side, Side) {
    (Side::fcp(target()), Side::iscsi_of(target()))
}

/// Our target over iSCSI.
pub fn iscsi_target() -> Side {
    Side::iscsi_of(target())
}

impl Side {
    /// Over FCP, on the fabric of the target itself.
    fn fcp(target: Target) -> Self {
        let fabric = format!("unix:{}", target.setup().dir().join("fabric.sock").display());
        let names = "nn-0x200000109b000001:pn-0x100000109b000001".parse().expect("names");
        let host = Identity::new(Some("nqn.2026-11.org.example:host1"), None).expect("an identity");
        let options = Options { fc: FcOptions { fabric, names: Some(names) }, host, ..Options::default() };
        let session = host::scsi::Target::connect(PORT.parse().expect("names"), &options).expect("a login over FCP");
        Self { session, lun: 0, _target: Some(target) }
    }

    /// Over iSCSI.
    fn iscsi_of(target: Target) -> Self {
        let port = target.setup().port();
        Self { _target: Some(target), ..Self::iscsi(port, NODE, 0) }
    }

    /// Over iSCSI, to whoever listens on that port of loopback.
    pub fn iscsi(port: u16, node: &str, lun: u16) -> Self {
        let address = IscsiAddress::new("127.0.0.1", Some(port), node, lun).expect("an address");
        let session = host::scsi::Target::connect_iscsi(&address, &Options::default()).expect("a login over iSCSI");
        Self { session, lun, _target: None }
    }

    /// Commands until none tells of a unit attention.
    pub fn settle(&mut self) {
        for _ in 0..8 {
            if self.session.transfer(self.lun, Cdb::test_unit_ready(), Transfer::None).expect("an answer").is_good() {
                return;
            }
        }
        panic!("the logical unit does not become ready");
    }

    /// How large it is.
    pub fn blocks(&self) -> u64 {
        (MIB << 20) / BLOCK as u64
    }

    /// One command.
    ///
    /// # Errors
    /// The other side broke the transport's standard, or gave no answer.
    pub fn run(&mut self, step: &Step) -> host::Result<Answer> {
        let cdb = Cdb::new(&step.cdb);
        let mut data = vec![0; if let Give::In(len) = step.give { len } else { 0 }];
        let transfer = match &step.give {
            Give::Out(data) if !data.is_empty() => Transfer::Out(data),
            Give::In(len) if *len > 0 => Transfer::In(&mut data),
            _ => Transfer::None,
        };
        let said = self.session.transfer(self.lun, cdb, transfer)?;
        Ok(Answer::new(&said, data))
    }
}
