//! A firmware image: big-endian words, two segments to load, dump templates behind them that we have no use for.

use std::ops::Range;
use wire::isp::flash::{SEGMENTS, SegmentHeader};

/// Head bytes: as much as must be read to know how long a segment is.
pub(crate) const HEAD_BYTES: usize = size_of::<SegmentHeader>();
/// A segment that says that it is longer is garbage, in words.
const LONGEST: u32 = 1 << 21;

/// What is wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageError {
    /// Flash that was never written, or a file of zeroes.
    #[error("there is no firmware image")]
    Blank,
    /// A segment's head says nonsense.
    #[error("segment {segment} says that it has {words} words at {address:#x}")]
    Segment { segment: usize, words: u32, address: u32 },
    /// It ends too early.
    #[error("the image ends after {have} bytes, segment {segment} needs {need}")]
    Short { segment: usize, have: usize, need: usize },
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Where in RISC memory it goes.
    pub address: u32,
    /// Where in the image it is, in bytes.
    pub range: Range<usize>,
}

/// An image that can be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    bytes: Vec<u8>,
    pub segments: Vec<Segment>,
    /// Major, minor, sub-minor, attributes.
    pub version: [u32; 4],
}

/// Where a segment goes and how many bytes it has, by its head.
pub(crate) fn head(bytes: &[u8], segment: usize) -> Result<(u32, usize), ImageError> {
    let have = bytes.len();
    let head = wire::parse::<SegmentHeader>(bytes).ok_or(ImageError::Short { segment, have, need: HEAD_BYTES })?;
    let version = version(head);
    if segment == 0 && (version == [0; 4] || version == [u32::MAX; 4]) {
        return Err(ImageError::Blank);
    }
    let (address, words) = (head.address.get(), head.length.get());
    if words < HEAD_BYTES as u32 / 4 || words > LONGEST || address == u32::MAX {
        return Err(ImageError::Segment { segment, words, address });
    }
    Ok((address, words as usize * 4))
}

fn version(head: &SegmentHeader) -> [u32; 4] {
    head.version.map(|word| word.get())
}

impl Image {
    /// Checks an image. What is behind its segments does not count.
    pub fn new(bytes: Vec<u8>) -> Result<Self, ImageError> {
        let mut segments = Vec::with_capacity(SEGMENTS);
        let mut at = 0;
        for segment in 0..SEGMENTS {
            let (address, length) = head(&bytes[at.min(bytes.len())..], segment)?;
            let end = at + length;
            if bytes.len() < end {
                return Err(ImageError::Short { segment, have: bytes.len(), need: end });
            }
            segments.push(Segment { address, range: at..end });
            at = end;
        }
        let version = wire::parse::<SegmentHeader>(&bytes).map_or([0; 4], version);
        Ok(Self { bytes, segments, version })
    }

    /// Where execution begins.
    pub fn start(&self) -> u32 {
        self.segments[0].address
    }

    /// A fragment of a segment from a byte on, as the chip wants it: words little-endian.
    pub fn fragment(&self, segment: usize, at: usize, most: usize) -> Vec<u8> {
        let range = &self.segments[segment].range;
        let from = range.start + at;
        let mut bytes = self.bytes[from..range.end.min(from + most)].to_vec();
        bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
        bytes
    }

    /// `9.8.0` as a file's head says it.
    pub fn version_text(&self) -> String {
        format!("{}.{}.{}", self.version[0], self.version[1], self.version[2])
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An image of two segments of 16 words, for tests: nothing of a vendor's.
    pub(crate) fn tiny() -> Vec<u8> {
        let mut words = [0u32; 32];
        words[2..8].copy_from_slice(&[0x10_0000, 16, 9, 8, 0, 0]);
        words[18..20].copy_from_slice(&[0x20_0000, 16]);
        words[31] = 0x0102_0304;
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn segments_and_fragments() {
        let image = Image::new(tiny()).unwrap();
        assert_eq!(image.start(), 0x10_0000);
        assert_eq!(image.segments[1], Segment { address: 0x20_0000, range: 64..128 });
        assert_eq!(image.version_text(), "9.8.0");
        assert_eq!(image.fragment(1, 56, 4096), [0, 0, 0, 0, 4, 3, 2, 1]);
        assert_eq!(image.fragment(0, 0, 8).len(), 8);
    }

    #[test]
    fn what_is_no_image() {
        assert_eq!(Image::new(vec![0xff; 4096]), Err(ImageError::Blank));
        assert_eq!(Image::new(vec![0; 4096]), Err(ImageError::Blank));
        assert_eq!(Image::new(Vec::new()), Err(ImageError::Short { segment: 0, have: 0, need: 40 }));
        assert_eq!(Image::new(tiny()[..110].to_vec()), Err(ImageError::Short { segment: 1, have: 110, need: 128 }));
        let mut long = tiny();
        long[12] = 0x7f;
        assert!(matches!(Image::new(long), Err(ImageError::Segment { segment: 0, .. })));
    }
}
