//! A target with two nodes, and logins that are told in text.

use iscsi::directory::{Denied, Directory};
use iscsi::login::{Admission, Login, Peer, Request, Response, Step};
use iscsi::secrets::AuthGroups;
use iscsi::{AuthPolicy, Chap, Credentials, Options, Portal, TargetInfo, TargetRecord, Visitor};

pub const INITIATOR: &str = "iqn.1993-08.org.debian:01:host";
pub const DISK: &str = "iqn.2016-06.io.spdk:disk1";
pub const SECRET: &str = "our secret of 22 bytes";
pub const MUTUAL: &str = "and the one of target";

/// A directory made of values.
pub struct Hall {
    pub options: Options,
    pub info: TargetInfo,
    pub discovery: AuthPolicy,
    pub groups: AuthGroups,
    pub records: Vec<TargetRecord>,
}

impl Default for Hall {
    fn default() -> Hall {
        let mut groups = AuthGroups::default();
        groups.create(1).unwrap();
        groups.add(1, "user", SECRET, (Some("disk"), Some(MUTUAL))).unwrap();
        groups.add(1, "oneway", SECRET, (None, None)).unwrap();
        let portals = vec![("10.0.0.1:3260".parse().unwrap(), 1), ("[fd00::1]:3260".parse().unwrap(), 2)];
        Hall {
            options: Options::default(),
            info: TargetInfo { alias: Some("Data Disk1".into()), ..TargetInfo::default() },
            discovery: AuthPolicy::default(),
            groups,
            records: vec![TargetRecord { name: DISK.into(), portals }],
        }
    }
}

impl Hall {
    /// One whose node wants this.
    pub fn with_chap(chap: Chap, mutual: bool) -> Hall {
        let mut hall = Hall::default();
        hall.info.auth = AuthPolicy { chap, mutual, group: Some(1) };
        hall
    }
}

impl Directory for Hall {
    fn options(&self) -> Options {
        self.options
    }

    fn discovery(&self, _: &Portal) -> AuthPolicy {
        self.discovery
    }

    fn target(&self, name: &str, visitor: &Visitor<'_>) -> Result<TargetInfo, Denied> {
        assert_eq!(name, name.to_ascii_lowercase());
        match name {
            DISK if visitor.initiator == "iqn.stranger" => Err(Denied::Forbidden),
            DISK => Ok(self.info.clone()),
            "iqn.busy" => Err(Denied::Unavailable),
            "iqn.gone" => Err(Denied::Removed),
            _ => Err(Denied::NotFound),
        }
    }

    fn targets(&self, _: &Visitor<'_>) -> Vec<TargetRecord> {
        self.records.clone()
    }

    fn credentials(&self, group: u32, user: &str) -> Option<Credentials> {
        self.groups.get(group, user).cloned()
    }
}

/// The connection of all tests.
pub fn peer() -> Peer {
    let portal = Portal { group: 1, address: "10.0.0.1:3260".parse().unwrap() };
    Peer { address: "10.0.0.9".parse().unwrap(), portal }
}

/// A login under way.
pub struct Talk<'a> {
    pub login: Login,
    pub hall: &'a Hall,
    pub template: Request<'static>,
}

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// Goes on: flags and text, pairs separated by blanks, sorted as sent.
    On(u8, String),
    /// Over, in the full feature phase: as above.
    In(u8, String),
    /// Refused with this status.
    No(u16),
    /// Closed.
    Closed,
}

impl<'a> Talk<'a> {
    pub fn new(hall: &'a Hall) -> Talk<'a> {
        let template =
            Request { immediate: true, isid: [0x80, 1, 2, 3, 4, 5], itt: 7, cid: 1, cmd_sn: 100, ..Request::default() };
        Talk { login: Login::new(peer(), hall.options, 1000), hall, template }
    }

    /// Sends keys.
    pub fn say(&mut self, flags: u8, keys: &[&str]) -> Said {
        let text: String = keys.iter().map(|key| format!("{key}\0")).collect();
        self.bytes(flags, text.as_bytes())
    }

    pub fn bytes(&mut self, flags: u8, text: &[u8]) -> Said {
        self.request(&Request { flags, text, ..self.template })
    }

    pub fn request(&mut self, request: &Request<'_>) -> Said {
        match self.login.request(request, self.hall) {
            Step::Send(response) => Said::On(response.flags, plain(&response)),
            Step::Admit => {
                let response = self.login.admitted(Admission { tsih: 9, exp_cmd_sn: 100, max_cmd_sn: 131 });
                assert_eq!((response.tsih, response.status), (9, 0));
                Said::In(response.flags, plain(&response))
            }
            Step::Refuse(response) => {
                assert!(response.text.is_empty() && response.flags == 0);
                Said::No(response.status)
            }
            Step::Close(_) => Said::Closed,
        }
    }
}

/// A response's text in one line.
pub fn plain(response: &Response) -> String {
    let text = String::from_utf8(response.text.clone()).unwrap();
    text.trim_end_matches('\0').replace('\0', " ")
}

/// What `key=` says in a line.
pub fn value<'a>(line: &'a str, key: &str) -> &'a str {
    let pair = line.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    pair.unwrap_or_else(|| panic!("no {key} in {line}"))
}
