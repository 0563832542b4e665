//! What logins ask, answered from the SCSI model and the authentication groups.

use crate::state::State;
use iscsi::directory::Denied;
use iscsi::{AuthPolicy, Chap, Credentials, Directory, Options, Portal, TargetInfo, TargetRecord, Visitor};
use scsi::IscsiName;
use scsi::control::{Address, Auth, Manager, Meeting};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

/// The directory of the process. The model owns the transport that asks, so it is held weakly.
pub(crate) struct Nodes {
    pub manager: Weak<Manager>,
    pub state: Arc<State>,
}

impl Directory for Nodes {
    fn options(&self) -> Options {
        self.state.options().login
    }

    fn discovery(&self, portal: &Portal) -> AuthPolicy {
        let group = self.manager.upgrade().and_then(|manager| manager.portal_group(portal.group.into()));
        policy(group.and_then(|group| group.auth).unwrap_or_else(|| self.state.options().discovery))
    }

    fn target(&self, name: &str, visitor: &Visitor<'_>) -> Result<TargetInfo, Denied> {
        let manager = self.manager.upgrade().ok_or(Denied::Unavailable)?;
        let known = who(visitor).ok_or(Denied::Forbidden)?;
        let node = match manager.meet(name, visitor.portal.group, &known) {
            Meeting::Nobody => return Err(Denied::NotFound),
            Meeting::Stranger => return Err(Denied::Forbidden),
            Meeting::Welcome(node) => node,
        };
        Ok(TargetInfo {
            auth: policy(node.auth),
            header_digest: node.header_digest,
            data_digest: node.data_digest,
            alias: Some(node.alias.clone()).filter(|alias| !alias.is_empty()),
        })
    }

    fn targets(&self, visitor: &Visitor<'_>) -> Vec<TargetRecord> {
        let (Some(manager), Some(known)) = (self.manager.upgrade(), who(visitor)) else { return Vec::new() };
        let nodes = manager.nodes_for(visitor.portal.group, &known).into_iter();
        let record = nodes.map(|(node, groups)| {
            let at = |tag: u16, address: &Address| Some((reachable(address.address, visitor)?, tag));
            let portals = groups.iter().flat_map(|(tag, group)| {
                group.addresses.iter().filter_map(|address| at(*tag, address)).collect::<Vec<_>>()
            });
            TargetRecord { name: node.name.to_ascii_lowercase(), portals: portals.collect() }
        });
        record.filter(|record| !record.portals.is_empty()).collect()
    }

    fn credentials(&self, group: u32, user: &str) -> Option<Credentials> {
        self.state.groups().secrets.get(group, user).cloned()
    }
}

fn who(visitor: &Visitor<'_>) -> Option<scsi::control::Visitor> {
    let initiator = IscsiName::new(visitor.initiator)?;
    Some(scsi::control::Visitor { initiator, address: visitor.address.to_canonical() })
}

/// Where the visitor reaches a portal: for a wildcard, the address that it came to, if that is of the same family.
fn reachable(address: SocketAddr, visitor: &Visitor<'_>) -> Option<SocketAddr> {
    if !address.ip().is_unspecified() {
        return Some(address);
    }
    let own = visitor.portal.address.ip().to_canonical();
    (own.is_ipv4() == address.is_ipv4()).then(|| SocketAddr::new(own, address.port()))
}

fn policy(auth: Auth) -> AuthPolicy {
    let chap = match auth {
        Auth { disable: true, .. } => Chap::Never,
        Auth { require: true, .. } => Chap::Required,
        _ => Chap::Offered,
    };
    AuthPolicy { chap, mutual: auth.mutual, group: Some(auth.group).filter(|group| *group != 0) }
}
