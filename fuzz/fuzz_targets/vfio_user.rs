//! See `src/vfio_user.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qfc_fuzz::vfio_user::run(data));
