//! Lines -> sections with their items, as written in the file: nothing merged, nothing judged.

use crate::diag::{Diagnostic, Log, show};
use crate::lex::{self, Flaw, Line, Value};
use crate::limits;

/// `Key value value ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The key as written; keys are compared without regard to case.
    pub key: String,
    /// All words after the key, including what the author may have meant as a comment.
    pub values: Vec<Value>,
    /// Line, counted from 1.
    pub line: usize,
}

impl Item {
    /// Number of values in use: those before a word that starts with an unquoted `#`. The first
    /// value may start with `#`, since nothing else could be meant by it.
    pub fn len(&self) -> usize {
        let comment = self.values.iter().skip(1).position(|v| !v.quoted && v.text.starts_with('#'));
        comment.map_or(self.values.len(), |i| i + 1)
    }

    /// Has the key no value at all?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value at `index`, if it is in use.
    pub fn value(&self, index: usize) -> Option<&str> {
        self.values[..self.len()].get(index).map(|v| v.text.as_str())
    }
}

/// `[Name]` and the items up to the next section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The text between the brackets.
    pub name: String,
    /// First run of decimal digits in the name; 0 if there is none.
    pub number: u32,
    /// Line of `[Name]`, counted from 1.
    pub line: usize,
    /// The items in the order of the file.
    pub items: Vec<Item>,
}

/// A file as it is written. Sections of one name stand as often as they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The sections in the order of the file.
    pub sections: Vec<Section>,
}

/// Reads `bytes`; `file` is only for the diagnostics. Never fails: what cannot be read is reported
/// and left out.
pub fn parse(file: &str, bytes: &[u8]) -> (Document, Vec<Diagnostic>) {
    let mut log = Log::new(file);
    let document = document(bytes, &mut log);
    (document, log.finish())
}

pub(crate) fn document(bytes: &[u8], log: &mut Log) -> Document {
    let mut document = Document::default();
    if bytes.len() > limits::FILE_BYTES {
        let message = format!("the file is larger than {} bytes; it is not read", limits::FILE_BYTES);
        log.error(0, message, "is this a qfc.conf?");
        return document;
    }
    let mut items = 0;
    for line in lex::lines(bytes, log) {
        if line.text.starts_with('[') {
            if !open_section(&mut document, &line, log) {
                break;
            }
        } else {
            items += 1;
            if items > limits::ITEMS {
                log.error(line.number, format!("more than {} keys; the rest is not read", limits::ITEMS), "");
                break;
            }
            add_item(&mut document, &line, log);
        }
    }
    if document.sections.is_empty() {
        log.error(0, "the file has no section, so it configures nothing", "a section starts with a line like [Malloc]");
    }
    document
}

/// False if the file has too many sections and reading must end.
fn open_section(document: &mut Document, line: &Line, log: &mut Log) -> bool {
    let inner = &line.text[1..];
    let (name, rest) = match inner.split_once(']') {
        Some((name, rest)) => (name.trim(), rest.trim()),
        None => {
            log.warn(line.number, "the section's closing bracket is missing", "write [Name]");
            (inner.trim(), "")
        }
    };
    if !rest.is_empty() {
        let message = format!("{} after the section's name is ignored", show(rest));
        log.warn(line.number, message, "keys and comments stand on lines of their own");
    }
    if document.sections.len() >= limits::SECTIONS {
        log.error(line.number, format!("more than {} sections; the rest is not read", limits::SECTIONS), "");
        return false;
    }
    let section = Section { name: name.to_owned(), number: number_in(name), line: line.number, items: Vec::new() };
    document.sections.push(section);
    true
}

/// First run of decimal digits, 0 without one; a number too large to hold is the largest there is.
fn number_in(name: &str) -> u32 {
    let digits: String = name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) }
}

fn add_item(document: &mut Document, line: &Line, log: &mut Log) {
    let (mut values, flaw) = lex::words(&line.text);
    if values.is_empty() {
        return;
    }
    match flaw {
        Some(Flaw::OpenQuote) => log.warn(line.number, "a quote is opened and not closed on this line", "close it"),
        Some(Flaw::LoneBackslash) => log.warn(
            line.number,
            "the backslash at the end does not continue the line: blanks follow it, or the file ends",
            "remove what follows the backslash, or the backslash",
        ),
        None => {}
    }
    let Some(section) = document.sections.last_mut() else {
        let message = format!("{} stands before the first section and is ignored", show(&values[0].text));
        log.warn(line.number, message, "put it below a line like [Global]");
        return;
    };
    let key = values.remove(0).text;
    let item = Item { key, values, line: line.number };
    warn_about_hash(&item, log);
    section.items.push(item);
}

fn warn_about_hash(item: &Item, log: &mut Log) {
    let remedy = "put the comment on a line of its own, or the value in quotes";
    if item.len() < item.values.len() {
        let message = format!("{}: the text from '#' on is taken as a comment and ignored", item.key);
        log.warn(item.line, message, remedy);
    } else if item.values.first().is_some_and(|v| !v.quoted && v.text.starts_with('#')) {
        log.warn(item.line, format!("{}: '#' does not start a comment here", item.key), remedy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Document, Vec<String>) {
        let (document, diags) = parse("f", text.as_bytes());
        (document, diags.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn sections_keep_name_number_and_lines() {
        let (doc, diags) = read("[Malloc]\n A 1\n[PortalGroup12]\n\n  Portal x y\n[A1b2]\n");
        let seen: Vec<_> = doc.sections.iter().map(|s| (s.name.as_str(), s.number, s.line, s.items.len())).collect();
        assert_eq!(seen, [("Malloc", 0, 1, 1), ("PortalGroup12", 12, 3, 1), ("A1b2", 1, 6, 0)]);
        assert_eq!(doc.sections[1].items[0].line, 5);
        assert!(diags.is_empty(), "{diags:?}");
    }

    #[test]
    fn flaws_of_sections_do_not_stop_reading() {
        let (doc, diags) = read("Key 1\n[A] # c\nK 1\n[B\nL 2\n[99999999999]\n");
        let seen: Vec<_> = doc.sections.iter().map(|s| (s.name.as_str(), s.number, s.items.len())).collect();
        assert_eq!(seen, [("A", 0, 1), ("B", 0, 1), ("99999999999", u32::MAX, 0)]);
        assert_eq!(diags.len(), 3);
        assert_eq!(
            diags[0],
            "f:1: warning: \"Key\" stands before the first section and is ignored (put it below a line like [Global])"
        );
    }

    #[test]
    fn a_trailing_hash_cuts_the_values_in_use() {
        let (doc, diags) = read("[A]\nLUN0 Malloc0 # boot\nAlias #1\nB \"#1\" \"#2\"\n");
        let items = &doc.sections[0].items;
        assert_eq!((items[0].values.len(), items[0].len()), (3, 1));
        assert_eq!((items[0].value(0), items[0].value(1)), (Some("Malloc0"), None));
        assert_eq!(items[1].value(0), Some("#1"));
        assert_eq!(items[2].value(1), Some("#2"));
        assert_eq!(diags.len(), 2);
    }

    #[test]
    fn no_section_is_an_error() {
        for text in ["", "# only\n", "Key 1\n"] {
            let (_, diags) = read(text);
            assert!(diags.iter().any(|d| d.starts_with("f: error: the file has no section")), "{diags:?}");
        }
    }

    #[test]
    fn limits_are_errors() {
        let (doc, diags) = read(&"[A]\n".repeat(limits::SECTIONS + 5));
        assert_eq!(doc.sections.len(), limits::SECTIONS);
        assert!(diags[0].contains("error: more than 4096 sections"));
        let (doc, diags) = read(&"[A]\n".repeat(limits::FILE_BYTES / 4 + 1));
        assert_eq!((doc.sections.len(), diags.len()), (0, 1));
        assert!(diags[0].starts_with("f: error: the file is larger"));
    }
}
