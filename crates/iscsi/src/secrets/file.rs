//! `AuthFile`: groups of users and secrets, as the legacy INI or as JSON.
//!
//! ```text
//! [AuthGroup1]                                     {"auth_groups": [{"tag": 1, "secrets": [
//!   Comment "who"                                    {"user": "u", "secret": "s", "muser": "m", "msecret": "t"}
//!   Auth "user" "secret" "mutual user" "secret"    ]}]}
//! ```
//!
//! The file must be a regular one of ours or root's that nobody else can read; a refusal says how to mend that. Errors
//! name the line and never what is in it.

use super::{AuthGroups, Secret, SecretError};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of a file at most.
const SIZE: u64 = 1 << 20;

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{file}: {1}", file = .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// Others can read it.
    #[error("{0}: others can read the secrets in it (mode {mode:03o}); run: chmod 600 {0}", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is somebody else's.
    #[error("{0}: belongs to user {owner}, who could change the secrets in it; run: chown {us} {0}", path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// A directory, a device, or more than 1 MiB.
    #[error("{}: not a regular file of at most 1 MiB", .0.display())]
    Kind(PathBuf),
    /// Something in it is wrong.
    #[error("{}: line {line}: {why}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, without secrets.
        why: String,
    },
}

/// Reads the groups of a file.
pub fn read(path: &Path) -> Result<AuthGroups, FileError> {
    let text = text(path)?;
    let parsed = if text.trim_start().starts_with(['{', '[']) && !is_ini(&text) { json(&text) } else { ini(&text) };
    parsed.map_err(|(line, why)| FileError::Line { path: path.to_owned(), line, why })
}

/// `[AuthGroup1]` and a list in JSON begin alike.
fn is_ini(text: &str) -> bool {
    text.trim_start().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_alphabetic()))
}

/// The text, once it is known that it is ours alone. The checks are of the open file, not of its name.
fn text(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let failed = |error| FileError::Io(path.to_owned(), error);
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() || about.len() > SIZE {
        return Err(FileError::Kind(path.to_owned()));
    }
    let (mode, owner, us) = (about.mode() & 0o777, about.uid(), nix::unistd::geteuid().as_raw());
    if mode & 0o077 != 0 {
        return Err(FileError::Mode { path: path.to_owned(), mode });
    }
    if owner != us && owner != 0 {
        return Err(FileError::Owner { path: path.to_owned(), owner, us });
    }
    // Room at once: a string that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(about.len() as usize + 1));
    file.take(SIZE).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

type Parsed = Result<AuthGroups, (usize, String)>;

fn ini(text: &str) -> Parsed {
    let mut groups = AuthGroups::default();
    let mut group = None;
    for (number, line) in text.lines().enumerate() {
        one(line.trim(), &mut group, &mut groups).map_err(|why| (number + 1, why))?;
    }
    Ok(groups)
}

fn one(line: &str, group: &mut Option<u32>, groups: &mut AuthGroups) -> Result<(), String> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    if let Some(header) = line.strip_prefix('[') {
        let tag = section(header).ok_or("a section that is not [AuthGroup<n>]")?;
        *group = Some(tag);
        // A section may go on later in the file, as in all files of this kind.
        return if groups.has(tag) { Ok(()) } else { groups.create(tag).map_err(|why| why.to_string()) };
    }
    let words = words(line)?;
    let key = words.first().map_or("", |word| word.as_str());
    if key.eq_ignore_ascii_case("Comment") {
        return Ok(());
    }
    let group = group.ok_or("a line before the first [AuthGroup<n>]")?;
    if !key.eq_ignore_ascii_case("Auth") {
        return Err("expected: Auth <user> <secret> [<mutual user> <mutual secret>]".into());
    }
    let word = |at: usize| words.get(at).map(|word| word.as_str());
    let (Some(user), Some(secret), true) = (word(1), word(2), words.len() <= 5) else {
        return Err("Auth wants a user and a secret, and for mutual CHAP our name and secret".into());
    };
    groups.add(group, user, secret, (word(3), word(4))).map_err(|why: SecretError| why.to_string())
}

fn section(header: &str) -> Option<u32> {
    let name = header.split(']').next()?.trim();
    let (kind, number) = name.split_at_checked("AuthGroup".len())?;
    (kind.eq_ignore_ascii_case("AuthGroup")).then(|| number.parse().ok()).flatten()
}

/// Words between blanks; quotes of both kinds; a backslash takes the next character as it is, except within single quotes.
fn words(line: &str) -> Result<Vec<Zeroizing<String>>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    while let Some(&c) = rest.peek() {
        if c.is_whitespace() {
            rest.next();
            continue;
        }
        let mut word = Zeroizing::new(String::with_capacity(line.len()));
        let mut quote = None;
        while let Some(c) = rest.next_if(|c| quote.is_some() || !c.is_whitespace()) {
            match (c, quote) {
                ('\\', None | Some('"')) => word.push(rest.next().ok_or("a backslash at the end")?),
                ('"' | '\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote that is not closed");
        }
        words.push(word);
    }
    Ok(words)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile {
    auth_groups: Vec<JsonGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonGroup {
    tag: u32,
    #[serde(default)]
    secrets: Vec<JsonSecret>,
}

/// As in SPDK's `iscsi_create_auth_group`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSecret {
    user: String,
    secret: JsonText,
    muser: Option<String>,
    msecret: Option<JsonText>,
}

/// A string that is overwritten when dropped.
struct JsonText(Secret);

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<JsonText, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        Ok(JsonText(Secret::new(text.as_bytes())))
    }
}

impl JsonText {
    fn as_str(&self) -> &str {
        std::str::from_utf8(self.0.bytes()).unwrap_or_default()
    }
}

fn json(text: &str) -> Parsed {
    // The error's own words could quote what is in the file.
    let wrong = |error: serde_json::Error| {
        (error.line(), format!("not the JSON of authentication groups ({:?} error)", error.classify()))
    };
    let groups: Vec<JsonGroup> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).map_err(wrong)?,
        false => serde_json::from_str::<JsonFile>(text).map_err(wrong)?.auth_groups,
    };
    let mut all = AuthGroups::default();
    for group in &groups {
        // Where it is in the text is not known any more.
        add(group, &mut all).map_err(|why| (1, why.to_string()))?;
    }
    Ok(all)
}

fn add(group: &JsonGroup, all: &mut AuthGroups) -> Result<(), SecretError> {
    all.create(group.tag)?;
    group.secrets.iter().try_for_each(|one| {
        let mutual = (one.muser.as_deref(), one.msecret.as_ref().map(JsonText::as_str));
        all.add(group.tag, &one.user, one.secret.as_str(), mutual)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    const INI: &str = "# users\n[AuthGroup1]\n  Comment \"x\"\n  Auth user 'secret of it' \"m\\\"user\" othersecret\n\
        [AuthGroup2]\n[authgroup1]\n\tAuth two twosecret12\n";

    #[test]
    fn the_legacy_file() {
        let groups = read(file(INI, 0o600).path()).unwrap();
        assert_eq!(groups.groups().collect::<Vec<_>>(), [1, 2]);
        let user = groups.get(1, "user").unwrap();
        assert_eq!(user.secret.bytes(), b"secret of it");
        assert_eq!(user.mutual.as_ref().unwrap().0, "m\"user");
        assert!(groups.get(1, "two").unwrap().mutual.is_none());
    }

    #[test]
    fn the_same_in_json() {
        let groups = r#"[{"tag":1,"secrets":[{"user":"user","secret":"secret of it","muser":"m","msecret":"other"}]}]"#;
        for text in [groups.to_owned(), format!("{{\"auth_groups\":{groups}}}")] {
            let groups = read(file(&text, 0o400).path()).unwrap();
            assert_eq!(groups.get(1, "user").unwrap().secret.bytes(), b"secret of it");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        for mode in [0o644, 0o640, 0o660, 0o604, 0o602] {
            let error = read(file(INI, mode).path()).unwrap_err().to_string();
            assert!(error.contains("chmod 600"), "{mode:o}: {error}");
        }
        assert!(matches!(read(Path::new("/")), Err(FileError::Kind(_))));
        assert!(matches!(read(Path::new("/nonexistent/file")), Err(FileError::Io(..))));
    }

    #[test]
    fn errors_name_the_line_and_not_the_secret() {
        let cases = [
            ("[AuthGroup1]\nAuth user\n", 2),
            ("Auth user TopSecret\n", 1),
            ("[AuthGroup1]\nAuth user TopSecret m TopSecret\n", 2),
            ("[AuthGroup1]\nAuth user \"TopSecret\n", 2),
            ("[AuthGroup1]\nAuth u TopSecret a b c\n", 2),
            ("[Auth]\n", 1),
            ("[AuthGroup0]\n", 1),
            ("[AuthGroup1]\nPassword TopSecret\n", 2),
            (
                "{\"auth_groups\":[{\"tag\":1,\"secrets\":[{\"user\":\"u\",\"secret\":\"TopSecret\",\"x\":\"TopSecret\"}]}]}",
                1,
            ),
        ];
        for (text, line) in cases {
            let error = read(file(text, 0o600).path()).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}:")) && !error.contains("TopSecret"), "{text:?}: {error}");
        }
    }
}
