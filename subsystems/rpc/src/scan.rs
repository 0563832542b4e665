//! Finds where one JSON value ends in a stream of bytes, looking at each byte once.
//!
//! It only knows brackets and strings; whether the value is JSON is for the parser to say. What cannot be the beginning of
//! a request, or nests too deep, is an error at once, so that nobody waits for an end that never comes.

/// How deep brackets may nest (SPDK's limit).
pub const DEPTH: usize = 64;

/// Where the scanner is in a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before it: only blanks have come.
    #[default]
    Before,
    /// Between the brackets.
    Inside,
    /// In a string.
    Text,
    /// After a backslash in a string.
    Escape,
    /// In a number or a word at the top level, which ends before what cannot belong to it.
    Word,
}

/// Finds the ends of JSON values that follow each other.
#[derive(Clone, Debug, Default)]
pub struct Scanner {
    place: Place,
    open: Vec<u8>,
}

/// What a look at some bytes found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The value ends before the byte with this index, counted from the first byte looked at now.
    End(usize),
    /// All was looked at and the value goes on, or has not begun.
    More,
    /// This cannot become a value; the reason.
    Bad(&'static str),
}

impl Scanner {
    /// Looks at `bytes`, which follow those looked at before. After [`Found::End`] the next value begins.
    pub fn look(&mut self, bytes: &[u8]) -> Found {
        for (n, byte) in bytes.iter().enumerate() {
            match self.step(*byte) {
                Step::On => {}
                Step::EndAfter => return self.end(n + 1),
                Step::EndBefore => return self.end(n),
                Step::Bad(reason) => return Found::Bad(reason),
            }
        }
        Found::More
    }

    /// Whether a value has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.place != Place::Before
    }

    fn end(&mut self, at: usize) -> Found {
        *self = Self::default();
        Found::End(at)
    }

    fn step(&mut self, byte: u8) -> Step {
        match self.place {
            Place::Escape => self.go(Place::Text),
            Place::Text => self.in_text(byte),
            Place::Word if is_blank(byte) => Step::EndAfter,
            Place::Word if byte.is_ascii_alphanumeric() || b"+-.".contains(&byte) => Step::On,
            Place::Word => Step::EndBefore,
            Place::Before if is_blank(byte) => Step::On,
            Place::Before | Place::Inside => self.between(byte),
        }
    }

    fn in_text(&mut self, byte: u8) -> Step {
        match byte {
            b'\\' => self.go(Place::Escape),
            b'"' if self.open.is_empty() => Step::EndAfter,
            b'"' => self.go(Place::Inside),
            0..0x20 => Step::Bad("a control character in a string"),
            _ => Step::On,
        }
    }

    fn between(&mut self, byte: u8) -> Step {
        match byte {
            b'"' => self.go(Place::Text),
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => self.close(byte),
            _ if self.place == Place::Inside && belongs_inside(byte) => Step::On,
            _ if self.place == Place::Inside => Step::Bad("a byte that JSON has only in strings"),
            _ if byte.is_ascii_alphanumeric() || byte == b'-' => self.go(Place::Word),
            _ => Step::Bad("no JSON value begins like this"),
        }
    }

    fn open(&mut self, byte: u8) -> Step {
        if self.open.len() == DEPTH {
            return Step::Bad("it nests too deep");
        }
        self.open.push(byte);
        self.go(Place::Inside)
    }

    fn close(&mut self, byte: u8) -> Step {
        // In ASCII a closing bracket is two after its opening one.
        match self.open.pop() {
            Some(open) if open + 2 == byte && self.open.is_empty() => Step::EndAfter,
            Some(open) if open + 2 == byte => Step::On,
            _ => Step::Bad("a bracket closes what is not open"),
        }
    }

    fn go(&mut self, place: Place) -> Step {
        self.place = place;
        Step::On
    }
}

enum Step {
    On,
    EndAfter,
    EndBefore,
    Bad(&'static str),
}

/// Separators, numbers, and the letters of `true`, `false` and `null`.
fn belongs_inside(byte: u8) -> bool {
    is_blank(byte) || byte.is_ascii_digit() || b",:+-.Etruefalsn".contains(&byte)
}

pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that `text` is cut into, whatever the pieces it comes in.
    fn cut(text: &str, piece: usize) -> Vec<String> {
        let mut scanner = Scanner::default();
        let mut values = vec![String::new()];
        for piece in text.as_bytes().chunks(piece) {
            let mut rest = piece;
            loop {
                let found = scanner.look(rest);
                let end = if let Found::End(end) = found { end } else { rest.len() };
                values.last_mut().unwrap().push_str(std::str::from_utf8(&rest[..end]).unwrap());
                match found {
                    Found::End(_) => values.push(String::new()),
                    Found::More => break,
                    Found::Bad(reason) => panic!("{reason}"),
                }
                rest = &rest[end..];
            }
        }
        values.into_iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
    }

    #[test]
    fn values_are_cut_the_same_in_whatever_pieces_they_come() {
        let text = r#" {"a":"}]\"\\"}[1,[2,{"b":[]}]] {} "x" 12 true{"c":"\u005d"}"#;
        let whole = cut(text, text.len());
        assert_eq!(
            whole,
            [r#"{"a":"}]\"\\"}"#, r#"[1,[2,{"b":[]}]]"#, "{}", "\"x\"", "12", "true", r#"{"c":"\u005d"}"#]
        );
        for piece in 1..text.len() {
            assert_eq!(cut(text, piece), whole, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_cannot_become_a_value_is_refused_at_once() {
        let deep = "[".repeat(DEPTH + 1);
        for text in
            ["}", "]", "{]", "[}", "[{]", "?", ",", ":", "\u{1}", "{\"a\n", "{foo", "[1;", "{'a'", &deep, "\u{0}", "ü"]
        {
            assert!(matches!(Scanner::default().look(text.as_bytes()), Found::Bad(_)), "{text:?}");
        }
        assert_eq!(Scanner::default().look("[".repeat(DEPTH).as_bytes()), Found::More);
    }

    #[test]
    fn blanks_are_before_and_not_inside() {
        let mut scanner = Scanner::default();
        assert_eq!(scanner.look(b" \r\n\t"), Found::More);
        assert!(!scanner.is_inside());
        assert_eq!(scanner.look(b"{"), Found::More);
        assert!(scanner.is_inside());
    }
}
