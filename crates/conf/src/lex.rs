//! Bytes -> logical lines -> words.
//!
//! The rules are those of SPDK 20.01's reader: `#` starts a comment only as the first character
//! that is not blank, a backslash before the end of the line joins the next line, quotes of both
//! kinds may stand inside a word, and a backslash takes the special meaning of the next character.

use crate::diag::Log;
use crate::limits;

/// One line after joining continued lines: trimmed, neither empty nor a comment.
#[derive(Debug)]
pub(crate) struct Line {
    /// Number of the first physical line.
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The word without its quotes and escapes.
    pub text: String,
    /// Did it begin with a quote or a backslash? Then a `#` at its start is meant.
    pub quoted: bool,
}

/// Splits `bytes` into logical lines; what cannot be a line is reported and left out.
pub(crate) fn lines(bytes: &[u8], log: &mut Log) -> Vec<Line> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut physical = bytes.split(|b| *b == b'\n').enumerate().peekable();
    let mut out = Vec::new();
    while let Some((index, first)) = physical.next() {
        let number = index + 1;
        let mut joined = without_cr(first).to_vec();
        while joined.last() == Some(&b'\\') && physical.peek().is_some() {
            joined.pop();
            let (_, next) = physical.next().unwrap_or_default();
            let room = (limits::LINE_BYTES + 1).saturating_sub(joined.len());
            let next = without_cr(next);
            joined.extend_from_slice(&next[..next.len().min(room)]);
            // A line cut at the limit must still be swallowed whole.
            if next.len() > room && next.last() == Some(&b'\\') {
                joined.push(b'\\');
            }
            warn_about_comment(&joined, number, log);
        }
        if let Some(text) = clean(&joined, number, log) {
            out.push(Line { number, text });
        }
    }
    out
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn warn_about_comment(joined: &[u8], number: usize, log: &mut Log) {
    if joined.trim_ascii_start().first() == Some(&b'#') {
        log.warn(number, "this comment ends in a backslash, so the next line is part of it", "remove the backslash");
    }
}

/// The text of a joined line, or `None` for an empty line, a comment, or bytes that are no text.
fn clean(line: &[u8], number: usize, log: &mut Log) -> Option<String> {
    let line = line.trim_ascii();
    if line.is_empty() || line[0] == b'#' {
        return None;
    }
    if line.len() > limits::LINE_BYTES {
        let message = format!("the line is longer than {} bytes; it is ignored", limits::LINE_BYTES);
        log.error(number, message, "split it");
        return None;
    }
    let text = String::from_utf8_lossy(line);
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\u{b}' | '\u{c}')) {
        log.error(number, "the line holds control characters; it is ignored", "save the file as plain text");
        return None;
    }
    if matches!(text, std::borrow::Cow::Owned(_)) {
        log.warn(number, "the line is not UTF-8; the bytes that are not are replaced", "save the file as UTF-8");
    }
    Some(text.into_owned())
}

/// What [`words`] found wrong in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A quote is opened and never closed.
    OpenQuote,
    /// The line ends in a backslash that escapes nothing.
    LoneBackslash,
}

/// Splits a line into words.
pub(crate) fn words(text: &str) -> (Vec<Value>, Option<Flaw>) {
    let mut words = Vec::new();
    let mut word: Option<Value> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    let mut flaw = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}') => words.extend(word.take()),
            (None | Some('"'), '\\') => match chars.next() {
                Some(c) => begun(&mut word, true).text.push(c),
                None => flaw = Some(Flaw::LoneBackslash),
            },
            (None, '"' | '\'') => {
                begun(&mut word, true);
                quote = Some(c);
            }
            (Some(q), c) if q == c => quote = None,
            (_, c) => begun(&mut word, false).text.push(c),
        }
    }
    words.extend(word);
    if quote.is_some() {
        flaw = Some(Flaw::OpenQuote);
    }
    (words, flaw)
}

fn begun(word: &mut Option<Value>, quoted: bool) -> &mut Value {
    word.get_or_insert_with(|| Value { text: String::new(), quoted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        words(text).0.into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn blanks_and_tabs_separate_and_collapse() {
        assert_eq!(split("Key  a\tb \t c"), ["Key", "a", "b", "c"]);
    }

    #[test]
    fn quotes_of_both_kinds_and_inside_a_word() {
        assert_eq!(split(r#"K "a b" 'c d' e"f g"h "" "#), ["K", "a b", "c d", "ef gh", ""]);
    }

    #[test]
    fn escapes_outside_and_inside_double_quotes_only() {
        assert_eq!(split(r#"K a\ b "c\"d" 'e\f'"#), ["K", "a b", "c\"d", r"e\f"]);
    }

    #[test]
    fn flaws_are_told() {
        assert_eq!(words("K \"a b").1, Some(Flaw::OpenQuote));
        assert_eq!(words("K a\\").1, Some(Flaw::LoneBackslash));
        assert_eq!(words("K a").1, None);
    }

    #[test]
    fn hash_in_quotes_is_marked() {
        let (w, _) = words(r##"K "#1" #2 \#3"##);
        assert_eq!(w.iter().map(|w| w.quoted).collect::<Vec<_>>(), [false, true, false, true]);
    }

    fn numbered(bytes: &[u8]) -> (Vec<(usize, String)>, Vec<String>) {
        let mut log = Log::new("f");
        let lines = lines(bytes, &mut log).into_iter().map(|l| (l.number, l.text)).collect();
        (lines, log.finish().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn lines_are_joined_and_keep_the_first_number() {
        let (lines, diags) = numbered(b"# c\n\nA 1 \\\n  2\r\nB\\\r\nC\n  # d\nE");
        assert_eq!(lines, [(3, "A 1   2".into()), (5, "BC".into()), (8, "E".into())]);
        assert_eq!(diags, [""; 0]);
    }

    #[test]
    fn a_continued_comment_swallows_the_next_line() {
        let (lines, diags) = numbered(b"# c \\\nA 1\nB 2\n");
        assert_eq!(lines, [(3, "B 2".into())]);
        assert_eq!(diags.len(), 1);
        assert!(diags[0].starts_with("f:1: warning: this comment ends in a backslash"));
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        let (lines, diags) = numbered(b"A \0\nB \xff\n# \xff\nC \x1b[0m\n");
        assert_eq!(lines, [(2, "B \u{fffd}".into())]);
        assert_eq!(diags.len(), 3, "{diags:?}");
    }

    #[test]
    fn long_lines_are_left_out_whole_even_when_continued() {
        let mut bytes = vec![b'a'; limits::LINE_BYTES + 1];
        bytes.extend_from_slice(b"\\\nb\\\nc\nD 1\n");
        let (lines, diags) = numbered(&bytes);
        assert_eq!(lines, [(4, "D 1".into())]);
        assert!(diags[0].starts_with("f:1: error: the line is longer"), "{diags:?}");
    }
}
