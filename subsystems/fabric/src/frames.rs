//! The frames of the process.

use fc::Frames;
use std::sync::OnceLock;

/// How many frames there are: what 8 ports with rings of 512 frames each way can hold, 17 MiB. They are made when the first one is needed.
pub const FRAMES: usize = 8192;

/// One pool for all links and nodes of the process, because frames move between them as they are: with two pools, one would run
/// dry and the other overflow.
#[derive(Default)]
pub(crate) struct Pool(OnceLock<Frames>);

impl Pool {
    pub(crate) fn get(&self) -> Frames {
        self.0.get_or_init(|| Frames::new(FRAMES)).clone()
    }
}
