//! Secrets of CHAP: never printed, overwritten when dropped; and the authentication groups that hold them.
//!
//! - Owns: [`Secret`], [`AuthGroups`]; `file`: reading them from a file whose mode is checked.
//! - Limits: 65,535 groups of 256 users; secrets of 1 to 255 bytes.
//! - Reload: [`AuthGroups::load`] again and put the result in place of the old groups; sessions that are there stay.

mod file;

pub use file::{FileError, read};

use crate::{Credentials, limits};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A secret. `Debug` does not show it, dropping it overwrites it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// From its bytes.
    pub fn new(bytes: &[u8]) -> Secret {
        Secret(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why groups cannot be changed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A group's number that is taken.
    #[error("authentication group {0} is there already")]
    GroupExists(u32),
    /// One that is not there.
    #[error("there is no authentication group {0}")]
    NoGroup(u32),
    /// 1 to 65535.
    #[error("authentication group {0}: groups are numbered from 1 to 65535")]
    GroupNumber(u32),
    /// Taken.
    #[error("user {0} is in the group already")]
    UserExists(String),
    /// Not there.
    #[error("user {0} is not in the group")]
    NoUser(String),
    /// Too many.
    #[error("a group has at most 256 users")]
    Full,
    /// An empty or too long name or secret; the string says which.
    #[error("{0} must have 1 to 255 bytes")]
    Length(&'static str),
    /// Only one of name and secret of mutual CHAP.
    #[error("mutual CHAP needs both a name and a secret (user {0})")]
    HalfMutual(String),
    /// RFC 7143 section 9.2.1.
    #[error("user {0}: the secrets of both directions are the same; initiators refuse that, and so does the standard")]
    SameSecrets(String),
}

/// Users and secrets, by the number of their group.
#[derive(Debug, Clone, Default)]
pub struct AuthGroups {
    groups: BTreeMap<u32, Vec<(String, Credentials)>>,
}

impl AuthGroups {
    /// Reads a file: INI or JSON, see [`read`]. The second part is advice, without secrets.
    pub fn load(path: &std::path::Path) -> Result<(AuthGroups, Vec<String>), FileError> {
        let groups = read(path)?;
        let advice = groups.advice();
        Ok((groups, advice))
    }

    /// The secrets of a user.
    pub fn get(&self, group: u32, user: &str) -> Option<&Credentials> {
        self.groups.get(&group)?.iter().find(|(name, _)| name == user).map(|(_, credentials)| credentials)
    }

    /// The numbers of the groups.
    pub fn groups(&self) -> impl Iterator<Item = u32> {
        self.groups.keys().copied()
    }

    /// The users of a group, with the name of mutual CHAP.
    pub fn users(&self, group: u32) -> impl Iterator<Item = (&str, Option<&str>)> {
        let users = self.groups.get(&group).into_iter().flatten();
        users.map(|(user, credentials)| (&**user, credentials.mutual.as_ref().map(|(name, _)| &**name)))
    }

    /// Whether a group is there.
    pub fn has(&self, group: u32) -> bool {
        self.groups.contains_key(&group)
    }

    /// An empty group.
    pub fn create(&mut self, group: u32) -> Result<(), SecretError> {
        if !(1..=65_535).contains(&group) {
            return Err(SecretError::GroupNumber(group));
        }
        if self.has(group) {
            return Err(SecretError::GroupExists(group));
        }
        self.groups.insert(group, Vec::new());
        Ok(())
    }

    /// Removes a group and its users.
    pub fn delete(&mut self, group: u32) -> Result<(), SecretError> {
        self.groups.remove(&group).map(drop).ok_or(SecretError::NoGroup(group))
    }

    /// Adds a user. `mutual` is our own name and secret towards it; both or none.
    pub fn add(
        &mut self,
        group: u32,
        user: &str,
        secret: &str,
        mutual: (Option<&str>, Option<&str>),
    ) -> Result<(), SecretError> {
        let users = self.groups.get_mut(&group).ok_or(SecretError::NoGroup(group))?;
        if users.iter().any(|(name, _)| name == user) {
            return Err(SecretError::UserExists(user.to_owned()));
        }
        if users.len() == 256 {
            return Err(SecretError::Full);
        }
        let credentials = credentials(user, secret, mutual)?;
        users.push((user.to_owned(), credentials));
        Ok(())
    }

    /// Removes a user.
    pub fn remove(&mut self, group: u32, user: &str) -> Result<(), SecretError> {
        let users = self.groups.get_mut(&group).ok_or(SecretError::NoGroup(group))?;
        let at = users.iter().position(|(name, _)| name == user);
        let at = at.ok_or_else(|| SecretError::NoUser(user.to_owned()))?;
        users.remove(at);
        Ok(())
    }

    /// What an administrator should know: secrets that common initiators will not take.
    pub fn advice(&self) -> Vec<String> {
        let users = self.groups.iter().flat_map(|(group, users)| users.iter().map(move |user| (group, user)));
        let short = |secret: &Secret| secret.len() < limits::SECRET;
        let advised = users.filter(|(_, (_, credentials))| {
            short(&credentials.secret) || credentials.mutual.as_ref().is_some_and(|(_, secret)| short(secret))
        });
        advised.map(|(group, (user, _))| advise(*group, user)).collect()
    }
}

fn advise(group: u32, user: &str) -> String {
    format!(
        "AuthGroup{group}, user {user}: a secret of less than {} bytes; Windows and ESXi refuse it (Windows takes 12 to 16)",
        limits::SECRET
    )
}

fn credentials(user: &str, secret: &str, mutual: (Option<&str>, Option<&str>)) -> Result<Credentials, SecretError> {
    let fits = |text: &str, what| match text.len() {
        1..=limits::VALUE => Ok(()),
        _ => Err(SecretError::Length(what)),
    };
    fits(user, "the user's name")?;
    fits(secret, "the secret")?;
    let mutual = match mutual {
        (None, None) => None,
        (Some(name), Some(other)) => Some((name, other)),
        _ => return Err(SecretError::HalfMutual(user.to_owned())),
    };
    if let Some((name, other)) = mutual {
        fits(name, "the name of mutual CHAP")?;
        fits(other, "the secret of mutual CHAP")?;
        if other == secret {
            return Err(SecretError::SameSecrets(user.to_owned()));
        }
    }
    let mutual = mutual.map(|(name, other)| (name.to_owned(), Secret::new(other.as_bytes())));
    Ok(Credentials { secret: Secret::new(secret.as_bytes()), mutual })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_made_filled_and_removed() {
        let mut groups = AuthGroups::default();
        assert_eq!(groups.create(0), Err(SecretError::GroupNumber(0)));
        groups.create(1).unwrap();
        assert_eq!(groups.create(1), Err(SecretError::GroupExists(1)));
        groups.add(1, "user", "a secret of 12+", (Some("us"), Some("other secret"))).unwrap();
        assert_eq!(groups.add(1, "user", "x", (None, None)), Err(SecretError::UserExists("user".into())));
        assert_eq!(groups.users(1).collect::<Vec<_>>(), [("user", Some("us"))]);
        assert!(groups.get(1, "user").is_some() && groups.get(1, "User").is_none() && groups.get(2, "user").is_none());
        groups.remove(1, "user").unwrap();
        assert_eq!(groups.remove(1, "user"), Err(SecretError::NoUser("user".into())));
        groups.delete(1).unwrap();
        assert_eq!(groups.delete(1), Err(SecretError::NoGroup(1)));
    }

    #[test]
    fn secrets_that_cannot_be_are_refused_and_weak_ones_named() {
        let mut groups = AuthGroups::default();
        groups.create(7).unwrap();
        let half = groups.add(7, "user", "a secret of 12+", (Some("us"), None));
        assert_eq!(half, Err(SecretError::HalfMutual("user".into())));
        let same = groups.add(7, "user", "same", (Some("us"), Some("same")));
        assert_eq!(same, Err(SecretError::SameSecrets("user".into())));
        assert_eq!(groups.add(7, "user", "", (None, None)), Err(SecretError::Length("the secret")));
        groups.add(7, "weak", "short", (None, None)).unwrap();
        groups.add(7, "strong", "123456789012", (None, None)).unwrap();
        let advice = groups.advice();
        assert_eq!(advice.len(), 1);
        assert!(advice[0].contains("user weak") && !advice[0].contains("short"), "{advice:?}");
    }

    #[test]
    fn nothing_prints_a_secret() {
        let mut groups = AuthGroups::default();
        groups.create(1).unwrap();
        groups.add(1, "user", "TopSecretIndeed", (Some("us"), Some("AnotherSecret"))).unwrap();
        let printed = format!("{groups:?} {:?}", Secret::new(b"TopSecretIndeed"));
        assert!(!printed.contains("Secret\"") && !printed.contains("TopSecret") && !printed.contains("Another"));
    }
}
