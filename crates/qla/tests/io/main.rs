//! I/O of initiators through switch, model and driver to disks on the driver's queues, in virtual time; every byte is looked at.
#![forbid(unsafe_code)]

mod disk;
mod faults;
mod fcp;
mod host;
mod load;
mod nvme;
mod rig;
