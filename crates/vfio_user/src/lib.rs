//! The vfio-user protocol: devices for virtual machines, and such devices for us.
#![forbid(unsafe_code)]
