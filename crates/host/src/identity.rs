//! Who the host says it is: host NQN and host identifier.

use uuid::Uuid;

/// Host NQN and 128-bit host identifier of a Connect command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Host NQN.
    pub nqn: String,
    /// Host identifier; not all zero.
    pub id: [u8; 16],
}

impl Identity {
    /// From an NQN and an identifier; what is missing is derived from the other one, or is this machine's.
    ///
    /// # Errors
    /// `id` is not a UUID, or `nqn` is too long to be one.
    pub fn new(nqn: Option<&str>, id: Option<&str>) -> Result<Identity, String> {
        let machine = Identity::of_machine();
        if let Some(nqn) = nqn {
            wire::fabrics::Nqn::new(nqn).map_err(|e| format!("host NQN {nqn:?} {e}"))?;
        }
        let given = match id {
            Some(text) => Some(Uuid::parse_str(text).map_err(|e| format!("host ID {text:?} is not a UUID: {e}"))?),
            None => None,
        };
        let id = match (given, nqn) {
            (Some(id), _) => *id.as_bytes(),
            (None, Some(nqn)) => of_nqn(nqn),
            (None, None) => machine.id,
        };
        Ok(Identity { nqn: nqn.map_or(machine.nqn, str::to_owned), id })
    }

    /// That of this machine: `/etc/nvme/hostnqn` and `hostid` where nvme-cli has put them, else derived from the machine ID.
    pub fn of_machine() -> Identity {
        let line =
            |path: &str| std::fs::read_to_string(path).ok().map(|s| s.trim().to_owned()).filter(|s| !s.is_empty());
        let nqn = line("/etc/nvme/hostnqn").filter(|s| wire::fabrics::Nqn::new(s).is_ok());
        let id = line("/etc/nvme/hostid").and_then(|s| Uuid::parse_str(&s).ok());
        match (nqn, id) {
            (Some(nqn), Some(id)) => Identity { nqn, id: *id.as_bytes() },
            (Some(nqn), None) => Identity { id: of_nqn(&nqn), nqn },
            (None, _) => Identity::derived(
                &line("/etc/machine-id").or_else(|| line("/proc/sys/kernel/hostname")).unwrap_or_default(),
            ),
        }
    }

    fn derived(seed: &str) -> Identity {
        let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("qfc host {seed}").as_bytes());
        Identity { nqn: format!("{}{uuid}", wire::fabrics::UUID_PREFIX), id: *uuid.as_bytes() }
    }
}

/// One NQN, one identifier: targets insist on that.
fn of_nqn(nqn: &str) -> [u8; 16] {
    let own = nqn.strip_prefix(wire::fabrics::UUID_PREFIX).and_then(|u| Uuid::parse_str(u).ok());
    *own.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, nqn.as_bytes())).as_bytes()
}

impl Default for Identity {
    fn default() -> Self {
        Identity::of_machine()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_from_each_other() {
        let a =
            Identity::new(Some("nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff"), None).unwrap();
        assert_eq!(a.id[..4], [0, 0x11, 0x22, 0x33]);
        let b = Identity::new(Some("nqn.2020-01.org.example:h"), None).unwrap();
        assert_eq!(b, Identity::new(Some("nqn.2020-01.org.example:h"), None).unwrap());
        assert_ne!(b.id, [0; 16]);
        assert!(Identity::new(None, Some("xyz")).is_err());
        assert!(Identity::new(Some(""), None).is_err());
        assert_eq!(Identity::of_machine(), Identity::default());
        assert!(Identity::derived("x").nqn.starts_with(wire::fabrics::UUID_PREFIX));
    }
}
