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

#[cfg(test)]
mod tests {
    use super::*;
    use bdev::Registry;
    use scsi::control::{Limits, Mapping, NewNode, NewPortalGroup, parse_rule};

    const A: &str = "iqn.2020-01.org.example:a";
    const B: &str = "iqn.2020-01.org.example:b";

    struct Rig {
        manager: Arc<Manager>,
        nodes: Nodes,
    }

    impl Rig {
        /// Groups 1 (an address) and 2 (all addresses, both families), initiator groups 1 (host a from 10/8) and 2 (all but b).
        fn new() -> Self {
            let manager = Arc::new(Manager::new(Arc::new(Registry::new(1)), Limits::default()));
            let nodes = Nodes { manager: Arc::downgrade(&manager), state: Arc::default() };
            let rig = Self { manager, nodes };
            rig.group(1, &["10.0.0.1:3260"], false);
            rig.group(2, &["0.0.0.0:3261", "[::]:3261"], true);
            let rules = |texts: &[&str]| texts.iter().map(|text| parse_rule(text).unwrap()).collect::<Vec<_>>();
            let manager = &rig.manager;
            manager.create_initiator_group(1, &rules(&[A]), &["10.0.0.0/8".parse().unwrap()], "").unwrap();
            let not_b = rules(&[&format!("!{B}"), "ANY"]);
            manager.create_initiator_group(2, &not_b, &[scsi::Network::Any], "").unwrap();
            rig
        }

        fn group(&self, tag: u32, addresses: &[&str], private: bool) {
            let address = |text: &&str| {
                let address: SocketAddr = text.parse().unwrap();
                Address { label: String::new(), host: address.ip().to_string(), address }
            };
            let addresses = addresses.iter().map(address).collect();
            self.manager
                .create_portal_group(&NewPortalGroup { tag, addresses, private, ..NewPortalGroup::default() })
                .unwrap();
        }

        fn node(&self, name: &str, maps: &[(u32, u32)]) {
            let map = |(portal_group, initiator_group): &(u32, u32)| Mapping {
                portal_group: *portal_group,
                initiator_group: *initiator_group,
            };
            let node = NewNode { mappings: maps.iter().map(map).collect(), ..NewNode::named(name) };
            self.manager.create_node(&node).unwrap();
        }
    }

    fn visitor<'a>(initiator: &'a str, from: &str, group: u16, at: &str) -> Visitor<'a> {
        let portal = Portal { group, address: at.parse().unwrap() };
        Visitor { initiator, address: from.parse().unwrap(), portal }
    }

    #[test]
    fn a_login_needs_a_name_and_a_network_at_this_portal_group() {
        let rig = Rig::new();
        rig.node("iqn.2020-01.org.example:Disk", &[(1, 1)]);
        let ask = |initiator, from, group| {
            rig.nodes.target("iqn.2020-01.org.example:disk", &visitor(initiator, from, group, "10.0.0.1:3260"))
        };
        assert!(ask(A, "10.9.9.9", 1).is_ok() && ask(A, "::ffff:10.9.9.9", 1).is_ok());
        assert_eq!(ask(A, "11.0.0.1", 1).unwrap_err(), Denied::Forbidden, "another network");
        assert_eq!(ask(B, "10.9.9.9", 1).unwrap_err(), Denied::Forbidden, "another name");
        assert_eq!(ask(A, "10.9.9.9", 2).unwrap_err(), Denied::NotFound, "not mapped there");
        let other = rig.nodes.target("iqn.2020-01.org.example:x", &visitor(A, "10.9.9.9", 1, "10.0.0.1:3260"));
        assert_eq!(other.unwrap_err(), Denied::NotFound);
        rig.manager.remove_initiators(1, &[], &["10.0.0.0/8".parse().unwrap()]).unwrap();
        assert_eq!(ask(A, "10.9.9.9", 1).unwrap_err(), Denied::Forbidden, "no network is nowhere");
    }

    #[test]
    fn discovery_tells_of_what_a_login_would_get() {
        let rig = Rig::new();
        rig.node("iqn.2020-01.org.example:one", &[(1, 1), (2, 2)]);
        rig.node("iqn.2020-01.org.example:two", &[(2, 2)]);
        let told = |initiator, group, at| {
            let records = rig.nodes.targets(&visitor(initiator, "10.9.9.9", group, at));
            let record = |record: TargetRecord| {
                let portals = record.portals.iter().map(|(at, tag)| format!("{at},{tag}")).collect::<Vec<_>>();
                format!("{} {}", record.name.rsplit(':').next().unwrap(), portals.join(" "))
            };
            records.into_iter().map(record).collect::<Vec<_>>()
        };
        assert_eq!(told(A, 1, "10.0.0.1:3260"), ["one 10.0.0.1:3260,1"], "group 2 is private");
        let all = ["one 10.0.0.1:3260,1 192.0.2.7:3261,2", "two 192.0.2.7:3261,2"];
        assert_eq!(told(A, 2, "192.0.2.7:3261"), all, "a wildcard is the address that was come to");
        assert_eq!(told(A, 2, "[fd00::7]:3261")[1], "two [fd00::7]:3261,2");
        assert_eq!(told(B, 2, "192.0.2.7:3261"), Vec::<String>::new());
    }

    #[test]
    fn discovery_goes_by_the_groups_policy_or_the_general_one() {
        let rig = Rig::new();
        let ask = |group| rig.nodes.discovery(&visitor(A, "10.9.9.9", group, "10.0.0.1:3260").portal);
        let general = crate::options::Options {
            discovery: Auth { require: true, group: 7, ..Auth::default() },
            ..crate::options::Options::default()
        };
        rig.nodes.state.set_options(general);
        rig.manager.set_portal_group_auth(2, Some(Auth { disable: true, ..Auth::default() })).unwrap();
        assert_eq!((ask(1).chap, ask(1).group), (Chap::Required, Some(7)));
        assert_eq!((ask(2).chap, ask(2).group), (Chap::Never, None));
    }
}
