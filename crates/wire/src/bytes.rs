//! Reading layouts out of received bytes, and the text fields of the standards. Nothing here panics.

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// The structure at the start of `bytes`, without a copy; `None` when there are too few bytes.
pub fn parse<T>(bytes: &[u8]) -> Option<&T>
where
    T: FromBytes + Immutable + KnownLayout + Unaligned,
{
    T::ref_from_prefix(bytes).ok().map(|(value, _)| value)
}

/// A copy of the structure at the start of `bytes`; `None` when there are too few bytes.
pub fn read<T: FromBytes>(bytes: &[u8]) -> Option<T> {
    T::read_from_prefix(bytes).ok().map(|(value, _)| value)
}

/// All whole structures that `bytes` holds, in order; a partial one at the end is left out.
pub fn parse_each<T>(bytes: &[u8]) -> &[T]
where
    T: FromBytes + Immutable + KnownLayout + Unaligned,
{
    let size = core::mem::size_of::<T>();
    if size == 0 {
        return &[];
    }
    let whole = bytes.len() - bytes.len() % size;
    <[T]>::ref_from_bytes(&bytes[..whole]).unwrap_or(&[])
}

/// `text` as a space-padded ASCII field (NVMe Base 1.4.2, "ASCII string"): characters outside 20h..7Eh become `?`, and
/// what does not fit is cut off.
pub const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let mut out = [b' '; N];
    let mut i = 0;
    while i < N && i < bytes.len() {
        let c = bytes[i];
        out[i] = if c >= 0x20 && c <= 0x7e { c } else { b'?' };
        i += 1;
    }
    out
}

/// The text of a space- or NUL-padded field, without the padding; `None` when it is not UTF-8.
pub fn unpadded(field: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(field).ok()?;
    Some(text.trim_matches(|c| c == ' ' || c == '\0'))
}

/// `text` as a NUL-padded field; `None` when it does not fit, its terminating NUL included.
pub fn terminated<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() >= N || text.as_bytes().contains(&0) {
        return None;
    }
    let mut out = [0; N];
    out[..text.len()].copy_from_slice(text.as_bytes());
    Some(out)
}

/// The text before the first NUL of a field; `None` when there is no NUL or the text is not UTF-8.
pub fn until_nul(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|&b| b == 0)?;
    core::str::from_utf8(&field[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::byteorder::little_endian::U32;

    #[test]
    fn short_input_is_none() {
        assert!(parse::<U32>(&[1, 2, 3]).is_none());
        assert!(read::<U32>(&[]).is_none());
        assert_eq!(parse::<U32>(&[1, 0, 0, 0, 9]).map(|v| v.get()), Some(1));
        assert_eq!(parse_each::<U32>(&[1, 0, 0, 0, 2, 0, 0, 0, 3]).len(), 2);
        assert!(parse_each::<U32>(&[1]).is_empty());
    }

    #[test]
    fn padded_text() {
        assert_eq!(&padded::<6>("qfc"), b"qfc   ");
        assert_eq!(&padded::<2>("qfc"), b"qf");
        assert_eq!(&padded::<3>("a\u{e9}"), b"a??");
        assert_eq!(unpadded(b"qfc   "), Some("qfc"));
        assert_eq!(unpadded(b"\xff "), None);
        assert_eq!(unpadded(b"ab\0\0"), Some("ab"));
    }

    #[test]
    fn terminated_text() {
        assert_eq!(terminated::<4>("abc"), Some(*b"abc\0"));
        assert_eq!(terminated::<3>("abc"), None);
        assert_eq!(terminated::<8>("a\0c"), None);
        assert_eq!(until_nul(b"ab\0cd"), Some("ab"));
        assert_eq!(until_nul(b"abcd"), None);
        assert_eq!(until_nul(b"\xff\0"), None);
    }
}
