//! Links to a switch of this process.

use crate::subsystem::Inner;
use fc::{Link, LinkMaker, Names, Wake, ring_links};
use std::sync::Arc;

/// Frames that such a link holds each way.
const RING: usize = 512;

/// Makes links for `fabric` and `fabric:NAME`. A fabric that is not there yet is made.
pub(crate) struct EmbeddedMaker(pub(crate) Arc<Inner>);

impl LinkMaker for EmbeddedMaker {
    fn scheme(&self) -> &'static str {
        "fabric"
    }

    fn make(&self, to: &str, _names: Names, wake: Wake) -> Result<Box<dyn Link>, String> {
        let fabric = self.0.find_or_create(to).map_err(|error| error.to_string())?;
        let [ours, theirs] = ring_links(RING, [wake, fabric.wake()]);
        fabric.try_call(move |switch, _| switch.attach(Box::new(theirs))).map_err(|error| error.to_string())?;
        Ok(Box::new(ours))
    }
}
