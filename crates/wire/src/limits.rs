//! Numbers that the standards fix. Limits that are ours (queue depth, MDTS ...) belong to the crates that choose them.

/// In-capsule data that every controller takes on an NVMe/TCP admin queue (NVMe/TCP 1.0c, 3.3).
pub const TCP_ADMIN_IN_CAPSULE_BYTES: u32 = 8192;
/// Command capsule without data: one submission queue entry (Base 2.0c, 3.3.2.1).
pub const SQE_BYTES: u32 = 64;
/// Response capsule: one completion queue entry (Base 2.0c, 3.3.3.2).
pub const CQE_BYTES: u32 = 16;
/// IOCCSZ and IORCSZ of Identify Controller are in units of this many bytes.
pub const CAPSULE_UNIT_BYTES: u32 = 16;
/// Every Identify data structure (Base 2.0c, 5.17).
pub const IDENTIFY_BYTES: usize = 4096;
/// Discovery log page header, and each of its entries (Base 2.0c, 5.16.1.23).
pub const DISCOVERY_ENTRY_BYTES: usize = 1024;
/// Connect command data (Base 2.0c, 6.3).
pub const CONNECT_DATA_BYTES: usize = 1024;
/// Longest NQN, its terminating NUL not counted (Base 2.0c, 4.5).
pub const NQN_MAX_BYTES: usize = 223;
/// Bytes of a field that holds an NQN.
pub const NQN_FIELD_BYTES: usize = 256;
/// Entries of the fullest active namespace ID list.
pub const NS_LIST_MAX: usize = 1024;
/// Largest number of entries of an admin queue (AQA; Base 2.0c, 3.1.3.8).
pub const ADMIN_QUEUE_MAX: u32 = 4096;
/// Smallest number of entries of any queue.
pub const QUEUE_MIN: u32 = 2;
/// Smallest admin submission queue that a discovery entry may promise (ASQSZ; Base 2.0c, 5.16.1.23).
pub const ADMIN_QUEUE_MIN_MAX: u16 = 32;
/// Ranges of one Dataset Management command (NVM 1.0c, 3.2.3).
pub const DSM_RANGES_MAX: u32 = 256;
/// Logical blocks of one read or write: NLB is a zero-based 16-bit field.
pub const NLB_MAX: u32 = 65536;
/// NSID that stands for all namespaces.
pub const NSID_ALL: u32 = 0xffff_ffff;
/// Lowest reserved controller ID: FFF0h..FFFFh are never given to a controller (Base 2.0c, 5.17.2.1).
pub const CNTLID_RESERVED: u16 = 0xfff0;
/// CNTLID of a Connect that asks for any controller (dynamic model).
pub const CNTLID_DYNAMIC: u16 = 0xffff;
/// CNTLID of a Connect that asks for any controller of the static model.
pub const CNTLID_ANY_STATIC: u16 = 0xfffe;
/// Changed namespace list entry that says "more than 1,024 changed; look at all".
pub const CHANGED_NS_OVERFLOW: u32 = 0xffff_ffff;
/// IANA port of NVMe/TCP I/O controllers, and of NVMe over RDMA.
pub const NVME_PORT: u16 = 4420;
/// IANA port of NVMe/TCP discovery controllers.
pub const DISCOVERY_PORT: u16 = 8009;
