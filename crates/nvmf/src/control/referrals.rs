//! Discovery services elsewhere, to which ours refers.

use crate::control::{DISCOVERY_NQN, Error, ListenAddress, Target};
use crate::view::ReferralView;

/// A discovery service elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// Where it is.
    pub address: ListenAddress,
    /// Only reached by a secure channel.
    pub secure_channel: bool,
    /// Its name.
    pub subnqn: String,
}

impl Referral {
    /// The well-known service at an address.
    pub fn at(address: ListenAddress) -> Self {
        Self { address, secure_channel: false, subnqn: DISCOVERY_NQN.to_owned() }
    }
}

impl Target {
    /// Adds one.
    ///
    /// # Errors
    /// It is there already.
    pub fn add_referral(&self, referral: Referral) -> Result<(), Error> {
        let turn = self.turn();
        if turn.model().referrals.iter().any(|known| known.is(&referral)) {
            return Err(Error::Exists(format!("{} is referred to already", referral.address)));
        }
        turn.model().referrals.push(referral);
        turn.discovery_changed();
        Ok(())
    }

    /// Removes one.
    ///
    /// # Errors
    /// It is not there.
    pub fn remove_referral(&self, referral: &Referral) -> Result<(), Error> {
        let turn = self.turn();
        let at = turn.model().referrals.iter().position(|known| known.is(referral));
        let at = at.ok_or_else(|| Error::NotFound(format!("{} is not referred to", referral.address)))?;
        turn.model().referrals.remove(at);
        turn.discovery_changed();
        Ok(())
    }
}

impl Referral {
    /// As the cores' discovery controllers need it.
    pub(crate) fn view(&self) -> ReferralView {
        let ListenAddress { trtype, adrfam, traddr, trsvcid } = self.address.clone();
        ReferralView {
            trtype,
            adrfam,
            traddr,
            trsvcid,
            subnqn: self.subnqn.clone(),
            secure_channel: self.secure_channel,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.address == other.address && self.subnqn == other.subnqn
    }
}
