//! What homes tell each other.

use super::scsi::Scsi;
use crate::Peer;

impl Scsi {
    /// Sends a message to a home; to this one by acting on it at once.
    pub(crate) fn tell(&mut self, home: usize, message: Peer) {
        if home == self.config.home {
            self.on_peer(message);
        } else {
            self.post.push_back((home, message));
        }
    }

    /// Acts on a message.
    pub(crate) fn on_peer(&mut self, message: Peer) {
        match message {
            Peer::Reset { from, token, units } => self.reset_for(from, token, &units),
            Peer::ResetDone { token } => self.home_is_reset(token),
        }
    }
}
