//! What who logs in over iSCSI must prove, as parameters have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// As SPDK has it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Auth {
    /// Nobody needs to prove anything
    disable_chap: bool,
    /// Everybody must know a secret (CHAP)
    require_chap: bool,
    /// The target proves itself too
    mutual_chap: bool,
    /// The authentication group; 0: none
    chap_group: u32,
}

impl Auth {
    pub(super) fn read(self) -> scsi::control::Auth {
        let Self { disable_chap, require_chap, mutual_chap, chap_group } = self;
        scsi::control::Auth { disable: disable_chap, require: require_chap, mutual: mutual_chap, group: chap_group }
    }

    pub(super) fn of(auth: scsi::control::Auth) -> Self {
        let scsi::control::Auth { disable, require, mutual, group } = auth;
        Self { disable_chap: disable, require_chap: require, mutual_chap: mutual, chap_group: group }
    }
}
