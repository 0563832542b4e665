//! The parameter list of EXTENDED COPY (SPC-4 6.4.3, 6.5.2): its header, its sources and destinations, its segments.

use super::{MOST_CSCDS, MOST_LIST, MOST_SEGMENTS};
use crate::core::fail::Fail;
use wire::scsi::Asc;
use wire::scsi::copy::{
    BlockSegment, Cscd, Descriptor, Lid1Header, Lid4Header, ListIdUsage, OffsetSegment, SegmentHeader, list_id_usage,
};

/// A list that is well formed.
#[derive(Debug)]
pub(super) struct List {
    /// The list identifier; `None`: it has none.
    pub id: Option<u32>,
    /// Sources and destinations.
    pub cscds: Vec<Cscd>,
    /// Segments.
    pub segments: Vec<Segment>,
}

/// A segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// CSCD DESCRIPTOR ID.
    pub source: u16,
    /// CSCD DESCRIPTOR ID.
    pub destination: u16,
    /// First block.
    pub from: u64,
    /// First block.
    pub to: u64,
    pub count: Count,
    /// Where its descriptor begins in the parameter list.
    pub at: usize,
}

/// How much a segment copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// Blocks of the source.
    SourceBlocks(u16),
    /// Blocks of the destination.
    DestinationBlocks(u16),
    Bytes(u32),
}

/// What both headers say.
struct Header {
    bytes: usize,
    id: u32,
    usage: ListIdUsage,
    cscds: usize,
    segments: usize,
    inline: usize,
}

impl List {
    /// Reads a list.
    pub fn read(lid4: bool, list: &[u8]) -> Result<Self, Fail> {
        let header = if lid4 { header4(list)? } else { header1(list)? };
        check_lengths(&header, list)?;
        let id = match header.usage {
            ListIdUsage::NONE if header.id != 0 => return Err(Fail::in_list(if lid4 { 20 } else { 0 })),
            ListIdUsage::NONE => None,
            ListIdUsage::HOLD | ListIdUsage::DISCARD => Some(header.id),
            _ => return Err(Fail::in_list(1)),
        };
        let behind = header.bytes + header.cscds;
        let cscds = cscds(&list[header.bytes..behind])?;
        let segments = segments(list, behind, behind + header.segments)?;
        Ok(Self { id, cscds, segments })
    }
}

fn header1(list: &[u8]) -> Result<Header, Fail> {
    let header: Lid1Header = wire::read(list).ok_or(TOO_SHORT)?;
    Ok(Header {
        bytes: size_of::<Lid1Header>(),
        id: header.list.into(),
        usage: list_id_usage(header.flags),
        cscds: header.cscds.get().into(),
        segments: header.segments.get() as usize,
        inline: header.inline.get() as usize,
    })
}

fn header4(list: &[u8]) -> Result<Header, Fail> {
    let header: Lid4Header = wire::read(list).ok_or(TOO_SHORT)?;
    if header.format != Lid4Header::FORMAT {
        return Err(Fail::in_list(0));
    }
    if header.header_length.get() != Lid4Header::HEADER_LENGTH {
        return Err(Fail::in_list(2));
    }
    if header.kind != Descriptor::HEADER.0 {
        return Err(Fail::in_list(16));
    }
    Ok(Header {
        bytes: size_of::<Lid4Header>(),
        id: header.list.get(),
        usage: list_id_usage(header.flags),
        cscds: header.cscds.get().into(),
        segments: header.segments.get().into(),
        inline: header.inline.get().into(),
    })
}

const TOO_SHORT: Fail = Fail::illegal(Asc::PARAMETER_LIST_LENGTH_ERROR);

fn check_lengths(header: &Header, list: &[u8]) -> Result<(), Fail> {
    let descriptors = header.cscds.saturating_add(header.segments);
    if descriptors > MOST_LIST as usize {
        return Err(TOO_SHORT);
    }
    if header.inline > 0 {
        return Err(Fail::illegal(Asc::INLINE_DATA_LENGTH_EXCEEDED));
    }
    if header.bytes + descriptors > list.len() || !header.cscds.is_multiple_of(size_of::<Cscd>()) {
        return Err(TOO_SHORT);
    }
    Ok(())
}

fn cscds(bytes: &[u8]) -> Result<Vec<Cscd>, Fail> {
    let cscds: Vec<Cscd> = wire::parse_each(bytes).to_vec();
    if cscds.len() > MOST_CSCDS as usize {
        return Err(Fail::illegal(Asc::TOO_MANY_TARGET_DESCRIPTORS));
    }
    if cscds.iter().any(|cscd| cscd.kind != Descriptor::IDENTIFICATION.0) {
        return Err(Fail::illegal(Asc::UNSUPPORTED_TARGET_DESCRIPTOR_TYPE_CODE));
    }
    Ok(cscds)
}

fn segments(list: &[u8], start: usize, end: usize) -> Result<Vec<Segment>, Fail> {
    let (mut at, mut segments) = (start, Vec::new());
    while at < end {
        let bytes = &list[at..end];
        let header: SegmentHeader = wire::read(bytes).ok_or(TOO_SHORT)?;
        let segment = match Descriptor(header.kind) {
            Descriptor::BLOCK_TO_BLOCK => wire::read(bytes).map(|segment| of_blocks(&segment, at)),
            Descriptor::BLOCK_TO_BLOCK_OFFSET => match wire::read(bytes) {
                Some(segment) => Some(of_bytes(&segment, at)?),
                None => None,
            },
            _ => return Err(Fail::illegal(Asc::UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE_CODE)),
        };
        let (segment, bytes) = segment.ok_or(TOO_SHORT)?;
        if usize::from(header.length.get()) + 4 != bytes {
            return Err(Fail::in_list(at as u16 + 2));
        }
        segments.push(segment);
        at += bytes;
    }
    if segments.len() > MOST_SEGMENTS as usize {
        return Err(Fail::illegal(Asc::TOO_MANY_SEGMENT_DESCRIPTORS));
    }
    Ok(segments)
}

fn of_blocks(segment: &BlockSegment, at: usize) -> (Segment, usize) {
    let (header, blocks) = (segment.header, segment.blocks.get());
    let by_destination = header.flags & SegmentHeader::DC != 0;
    let count = if by_destination { Count::DestinationBlocks(blocks) } else { Count::SourceBlocks(blocks) };
    (of(&header, segment.from.get(), segment.to.get(), count, at), size_of::<BlockSegment>())
}

fn of_bytes(segment: &OffsetSegment, at: usize) -> Result<(Segment, usize), Fail> {
    let count = Count::Bytes(segment.bytes.get());
    for (offset, byte) in [(segment.from_offset, 28), (segment.to_offset, 30)] {
        if offset.get() != 0 {
            return Err(Fail::in_list(at as u16 + byte));
        }
    }
    Ok((of(&segment.header, segment.from.get(), segment.to.get(), count, at), size_of::<OffsetSegment>()))
}

fn of(header: &SegmentHeader, from: u64, to: u64, count: Count, at: usize) -> Segment {
    Segment { source: header.source.get(), destination: header.destination.get(), from, to, count, at }
}
