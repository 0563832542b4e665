//! Who this initiator is, what it offers, and what it proves itself with.

use crate::{Error, Identity, Result};
use iscsi::chap::Algorithm;
use iscsi::chap::prover::Proof;
use iscsi::secrets::AuthGroups;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// How to log in.
#[derive(Debug, Clone, Default)]
pub struct IscsiOptions {
    /// InitiatorName; that of `/etc/iscsi/initiatorname.iscsi`, or one made of the host identifier, when absent.
    pub initiator: Option<String>,
    /// CHAP.
    pub proof: Option<Proof>,
    /// What is offered: burst lengths, R2Ts and so on.
    pub offer: iscsi::Options,
    /// Initiator session identifier; a new one for each session when absent.
    pub isid: Option<[u8; 6]>,
}

impl IscsiOptions {
    /// What most want: no R2T for the first burst, immediate data, large segments.
    pub fn usual() -> IscsiOptions {
        let offer = iscsi::Options {
            max_recv_data_segment_length: 256 << 10,
            first_burst_length: 256 << 10,
            max_burst_length: 1 << 20,
            immediate_data: true,
            initial_r2t: false,
            max_connections: 1,
            ..iscsi::Options::default()
        };
        IscsiOptions { offer, ..IscsiOptions::default() }
    }

    /// The name to log in with.
    pub fn name(&self, host: &Identity) -> String {
        self.initiator.clone().or_else(of_machine).unwrap_or_else(|| made_of(host))
    }

    /// The identifier of the next session: of the random kind (80h), different for each session of this process.
    pub fn next_isid(&self) -> [u8; 6] {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        self.isid.unwrap_or_else(|| {
            let [a, b] = NEXT.fetch_add(1, Relaxed).to_be_bytes();
            let [_, c, d, e] = std::process::id().to_be_bytes();
            [0x80, c, d, e, a, b]
        })
    }
}

/// The name that open-iscsi has, where it is installed.
fn of_machine() -> Option<String> {
    let text = std::fs::read_to_string("/etc/iscsi/initiatorname.iscsi").ok()?;
    let name = text.lines().find_map(|line| line.trim().strip_prefix("InitiatorName="))?;
    iscsi::normalise(name.trim())
}

/// NAA format 3h: locally assigned.
fn made_of(host: &Identity) -> String {
    let digits: String = host.id[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("naa.3{}", &digits[1..])
}

/// CHAP from a file like a target's `AuthFile`, with one user in it: our name and secret, and for mutual CHAP the target's.
///
/// # Errors
/// The file cannot be read, others can read it, or there is not exactly one user in it.
pub fn proof_from(path: &Path) -> Result<Proof> {
    let (groups, _) = AuthGroups::load(path).map_err(|error| Error::Local(error.to_string()))?;
    let all: Vec<_> =
        groups.groups().flat_map(|group| groups.users(group).map(move |(user, _)| (group, user))).collect();
    let [(group, user)] = all[..] else {
        let text = format!(
            "{}: it has {} users; one is wanted, `[AuthGroup1]` and `Auth user secret`",
            path.display(),
            all.len()
        );
        return Err(Error::Local(text));
    };
    let credentials = groups.get(group, user).cloned().expect("listed above");
    let algorithms = Algorithm::ALL.to_vec();
    Ok(Proof { user: user.to_owned(), secret: credentials.secret, mutual: credentials.mutual, algorithms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_identifiers() {
        let host = Identity::new(Some("nqn.2014-08.org.example:h"), None).unwrap();
        assert!(iscsi::normalise(&made_of(&host)).is_some());
        let options = IscsiOptions::usual();
        assert_ne!(options.next_isid(), options.next_isid());
        let named = IscsiOptions { initiator: Some("iqn.a".into()), ..options };
        assert_eq!(named.name(&host), "iqn.a");
    }
}
