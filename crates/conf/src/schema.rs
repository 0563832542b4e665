//! Which sections and keys exist: the vocabulary of SPDK 20.01's INI files, of QFC's dialect of
//! it, and our own additions. Only names and counts; the meaning is in `translate`.

/// A key of a section.
#[derive(Debug)]
pub(crate) struct KeySpec {
    pub(crate) name: &'static str,
    /// May stand several times, each adding one.
    pub(crate) many: bool,
    /// Fewest and most values.
    pub(crate) min: usize,
    pub(crate) max: usize,
}

/// A section, named exactly or by prefix.
#[derive(Debug)]
pub(crate) struct SectionSpec {
    pub(crate) name: &'static str,
    /// `[Name<anything>]`: each is an object of its own.
    pub(crate) prefix: bool,
    /// The key that makes a repeated section an object of its own instead of a continuation.
    pub(crate) identity: Option<&'static str>,
    /// Empty: keys are not looked at, since the section has no meaning here.
    pub(crate) keys: &'static [KeySpec],
}

const fn one(name: &'static str) -> KeySpec {
    KeySpec { name, many: false, min: 1, max: 1 }
}

const fn many(name: &'static str, min: usize, max: usize) -> KeySpec {
    KeySpec { name, many: true, min, max }
}

/// Free text that nobody reads.
const COMMENT: KeySpec = KeySpec { name: "Comment", many: true, min: 0, max: usize::MAX };

const fn exact(name: &'static str, keys: &'static [KeySpec]) -> SectionSpec {
    SectionSpec { name, prefix: false, identity: None, keys }
}

const fn numbered(name: &'static str, identity: Option<&'static str>, keys: &'static [KeySpec]) -> SectionSpec {
    SectionSpec { name, prefix: true, identity, keys }
}

impl SectionSpec {
    /// The key called `key`. A name that ends in `*` stands for itself and a number.
    pub(crate) fn key(&self, key: &str) -> Option<&'static KeySpec> {
        self.keys.iter().find(|spec| match spec.name.strip_suffix('*') {
            Some(stem) => crate::schema::numbered_name(key, stem).is_some(),
            None => spec.name.eq_ignore_ascii_case(key),
        })
    }
}

/// The number of `text` if that is `stem` and a number, without regard to case.
pub(crate) fn numbered_name(text: &str, stem: &str) -> Option<u32> {
    let head = text.get(..stem.len())?;
    let digits = &text[stem.len()..];
    let plain = head.eq_ignore_ascii_case(stem) && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The section called `name`.
pub(crate) fn section(name: &str) -> Option<&'static SectionSpec> {
    let exact = SECTIONS.iter().find(|s| !s.prefix && s.name.eq_ignore_ascii_case(name));
    exact.or_else(|| SECTIONS.iter().find(|s| s.prefix && has_prefix(name, s.name)))
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

pub(crate) static SECTIONS: &[SectionSpec] = &[
    exact("Global", GLOBAL),
    exact("Rpc", &[one("Enable"), one("Listen")]),
    exact("Bdev", &[one("BdevIoPoolSize"), one("BdevIoCacheSize")]),
    exact("Malloc", &[one("NumberOfLuns"), one("LunSizeInMB"), one("BlockSize")]),
    exact("Null", &[many("Dev", 2, 5)]),
    exact("AIO", &[many("AIO", 2, 3)]),
    exact("URING", &[many("URING", 2, 3)]),
    exact("Nvme", NVME),
    exact("BdevError", &[many("BdevError", 1, 1)]),
    exact("Split", &[many("Split", 2, 3)]),
    exact("Passthru", &[many("PT", 2, 2)]),
    exact("Pmem", &[many("Blk", 2, 2)]),
    exact("Ceph", &[many("Ceph", 2, 3)]),
    exact("crypto", &[many("CRY", 4, 4)]),
    exact("OCF", &[many("OCF", 4, 4)]),
    exact("iSCSI_Initiator", &[one("initiator_name"), many("URL", 2, 2)]),
    exact("QoS", &[]),
    exact("Ioat", &[]),
    exact("Vmd", &[]),
    exact("VirtioPci", &[]),
    exact("Gpt", &[]),
    exact("Blobfs", &[]),
    exact("Nvmf", NVMF),
    exact("QFC", QFC),
    numbered("Fabric", None, FABRIC),
    numbered("SoftPort", None, SOFT_PORT),
    exact("iSCSI", ISCSI),
    exact("SCSI", &[one("StateDirectory")]),
    numbered("RAID", Some("Name"), RAID),
    numbered("VirtioUser", None, &[]),
    numbered("VhostScsi", None, &[]),
    numbered("VhostBlk", None, &[]),
    numbered("Transport", Some("Type"), TRANSPORT),
    numbered("Subsystem", Some("NQN"), SUBSYSTEM),
    numbered("PortalGroup", None, &[COMMENT, many("Portal", 2, 2)]),
    numbered("InitiatorGroup", None, &[COMMENT, many("InitiatorName", 1, 1), many("Netmask", 1, 1)]),
    numbered("AuthGroup", None, &[COMMENT, many("Auth", 2, 4)]),
    numbered("TargetNode", Some("TargetName"), TARGET_NODE),
];

const GLOBAL: &[KeySpec] = &[
    COMMENT,
    KeySpec { name: "ReactorMask", many: false, min: 1, max: usize::MAX },
    one("SharedMemoryID"),
    one("NoPci"),
    one("TpointGroupMask"),
    many("PciBlacklist", 1, 1),
    many("PciWhitelist", 1, 1),
    one("LogFacility"),
    one("InstanceID"),
    one("Idle"),
    one("IdleSpinUs"),
];

const NVME: &[KeySpec] = &[
    many("TransportID", 2, usize::MAX),
    one("RetryCount"),
    one("NvmeRetryCount"),
    one("TimeoutUsec"),
    one("Timeout"),
    one("NvmeTimeoutValue"),
    one("ActionOnTimeout"),
    one("ResetControllerOnTimeout"),
    one("AdminPollRate"),
    one("IOPollRate"),
    one("HotplugEnable"),
    one("HotplugPollRate"),
    one("HostNQN"),
    one("DelayCmdSubmit"),
];

const RAID: &[KeySpec] =
    &[one("Name"), one("RaidLevel"), one("StripSize"), one("NumDevices"), many("Devices", 1, usize::MAX)];

const NVMF: &[KeySpec] = &[
    one("MaxSubsystems"),
    one("AcceptorPollRate"),
    one("ConnectionScheduler"),
    one("AdminCmdPassthruIdentifyCtrlr"),
    one("AcceptorCore"),
    one("MaxQueueDepth"),
    one("MaxQueuesPerSession"),
    one("InCapsuleDataSize"),
    one("MaxIOSize"),
    one("IOUnitSize"),
];

const TRANSPORT: &[KeySpec] = &[
    COMMENT,
    one("Type"),
    one("MaxQueueDepth"),
    one("MaxQueuesPerSession"),
    one("InCapsuleDataSize"),
    one("MaxIOSize"),
    one("IOUnitSize"),
    one("MaxAQDepth"),
    one("NumSharedBuffers"),
    one("BufCacheSize"),
    one("MaxSRQDepth"),
    one("NoSRQ"),
    one("C2HSuccess"),
    one("SockPriority"),
    one("DifInsertOrStrip"),
];

const SUBSYSTEM: &[KeySpec] = &[
    COMMENT,
    one("NQN"),
    one("SN"),
    one("MN"),
    one("MaxNamespaces"),
    one("AllowAnyHost"),
    many("Host", 1, 1),
    many("Listen", 2, 2),
    many("Namespace", 1, 3),
    one("Mode"),
    one("Core"),
    KeySpec { name: "NVMe", many: true, min: 1, max: usize::MAX },
];

const QFC: &[KeySpec] = &[
    COMMENT,
    many("Hba", 1, 2),
    one("Transport"),
    one("BackendAppFcp"),
    one("BackendAppNvme"),
    one("UnbindFromKernel"),
    one("LoadFWfromFile"),
    one("MultiAtioEnable"),
    one("NumberOfATIO"),
    one("NumberOfATIOQ"),
    one("NvmeConnectionID_ATIO"),
    one("NumberOfNvmeATIO"),
    one("FCPQRouting"),
    one("NVMeQRouting"),
];

const FABRIC: &[KeySpec] = &[
    COMMENT,
    one("Name"),
    one("WWN"),
    one("Domain"),
    many("Listen", 1, 1),
    many("VirtualHba", 1, 3),
    many("Alias", 2, usize::MAX),
    many("Zone", 2, usize::MAX),
];

const SOFT_PORT: &[KeySpec] = &[COMMENT, one("Names"), one("Link"), one("Transport"), one("Core"), many("VPort", 1, 1)];

const ISCSI: &[KeySpec] = &[
    COMMENT,
    one("NodeBase"),
    one("AuthFile"),
    one("Timeout"),
    one("NopInInterval"),
    many("DiscoveryAuthMethod", 1, 4),
    one("DiscoveryAuthGroup"),
    one("MaxSessions"),
    one("MaxConnectionsPerSession"),
    one("MaxQueueDepth"),
    one("DefaultTime2Wait"),
    one("DefaultTime2Retain"),
    one("FirstBurstLength"),
    one("ImmediateData"),
    one("AllowDuplicateIsid"),
    one("ErrorRecoveryLevel"),
    one("MinConnectionsPerCore"),
    one("MinConnectionIdleInterval"),
    one("FlushTimeout"),
    one("InitialR2T"),
    one("DataPDUInOrder"),
    one("DataSequenceInOrder"),
];

const TARGET_NODE: &[KeySpec] = &[
    COMMENT,
    one("TargetName"),
    one("TargetAlias"),
    many("Mapping", 2, 2),
    many("AuthMethod", 1, 4),
    one("AuthGroup"),
    many("UseDigest", 1, 3),
    one("QueueDepth"),
    one("Removable"),
    many("LUN*", 1, 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_exactly_before_by_prefix() {
        let name = |n: &str| section(n).map(|s| s.name);
        assert_eq!(name("malloc"), Some("Malloc"));
        assert_eq!(name("SUBSYSTEM12"), Some("Subsystem"));
        assert_eq!(name("iSCSI_Initiator"), Some("iSCSI_Initiator"));
        assert_eq!((name("Malloc1"), name("Sub"), name("§§§")), (None, None, None));
    }

    #[test]
    fn numbered_keys() {
        assert_eq!(numbered_name("lun12", "LUN"), Some(12));
        assert_eq!((numbered_name("LUN", "LUN"), numbered_name("LUNx", "LUN")), (None, None));
        assert_eq!(numbered_name("LUN99999999999", "LUN"), None);
    }
}
