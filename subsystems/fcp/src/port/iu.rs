//! FCP_CMND as a task, or why not (FCP-4 9.1).

use scsi::{Attribute, Management, Task};
use wire::fcp::{Cmnd, Direction, RspCode, TaskAttribute, TaskManagement};

/// Bytes of the longest CDB that is looked at; FCP_CDB alone has 16.
const MOST_CDB: usize = 32;
const FCP_CDB: usize = 16;

/// The task that `payload` asks for, on nexus `queue`, to be called `id`.
///
/// # Errors
/// RSP_CODE of the response: fields that are not valid, or a function that is not supported.
#[inline]
pub fn task(payload: &[u8], queue: u32, id: u32) -> Result<Task, RspCode> {
    let cmnd = Cmnd::parse(payload).ok_or(RspCode::INVALID_FIELDS)?;
    let function = cmnd.head.task_management();
    let management = if function == TaskManagement::NONE { None } else { Some(management(function)?) };
    let (data_in, data_out) = match (management, cmnd.head.direction()) {
        // With a function these bits are not looked at.
        (Some(_), _) | (None, Direction::None) => (0, 0),
        (None, Direction::Read) => (cmnd.data_length, 0),
        (None, Direction::Write) => (0, cmnd.data_length),
        // No command that is served moves data both ways.
        (None, Direction::Bidirectional) => return Err(RspCode::INVALID_FIELDS),
    };
    let more = if management.is_some() { &[] } else { cmnd.additional_cdb };
    if FCP_CDB + more.len() > MOST_CDB {
        return Err(RspCode::INVALID_FIELDS);
    }
    let mut cdb = [0; MOST_CDB];
    cdb[..FCP_CDB].copy_from_slice(&cmnd.head.cdb);
    cdb[FCP_CDB..][..more.len()].copy_from_slice(more);
    Ok(Task {
        queue,
        id,
        lun: cmnd.head.lun,
        cdb,
        cdb_len: (FCP_CDB + more.len()) as u8,
        attribute: attribute(cmnd.head.attribute())?,
        management,
        data_in,
        data_out,
    })
}

fn attribute(attribute: TaskAttribute) -> Result<Attribute, RspCode> {
    match attribute {
        // Untagged is obsolete; who sends it means the plainest one.
        TaskAttribute::SIMPLE | TaskAttribute::UNTAGGED => Ok(Attribute::Simple),
        TaskAttribute::HEAD_OF_QUEUE => Ok(Attribute::HeadOfQueue),
        TaskAttribute::ORDERED => Ok(Attribute::Ordered),
        TaskAttribute::ACA => Ok(Attribute::Aca),
        _ => Err(RspCode::INVALID_FIELDS),
    }
}

#[cold]
fn management(function: TaskManagement) -> Result<Management, RspCode> {
    if !function.is_one() {
        return Err(RspCode::INVALID_FIELDS);
    }
    let table = [
        (function.abort_task_set(), Management::AbortTaskSet),
        (function.clear_task_set(), Management::ClearTaskSet),
        (function.lun_reset(), Management::LunReset),
        (function.target_reset(), Management::TargetReset),
        (function.query_task_set(), Management::QueryTaskSet),
        (function.clear_aca(), Management::ClearAca),
    ];
    let asked = table.into_iter().find(|(asked, _)| *asked).map(|(_, management)| management);
    // QUERY ASYNCHRONOUS EVENT and the reserved bit.
    asked.ok_or(RspCode::REJECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ_6: [u8; 6] = [8, 0, 0, 0, 1, 0];

    fn read(bytes: &[u8]) -> Result<Task, RspCode> {
        task(bytes, 3, 7)
    }

    #[test]
    fn a_read_is_a_task() {
        let task = read(&Cmnd::simple([0, 1, 0, 0, 0, 0, 0, 0], &READ_6, Direction::Read, 512)).unwrap();
        assert_eq!((task.queue, task.id, task.lun[1], task.cdb_len), (3, 7, 1, 16));
        assert_eq!((task.data_in, task.data_out, task.management), (512, 0, None));
        assert_eq!((&task.cdb[..6], &task.cdb[6..]), (&READ_6[..], &[0; 26][..]));
        let task = read(&Cmnd::simple([0; 8], &READ_6, Direction::Write, 512)).unwrap();
        assert_eq!((task.data_in, task.data_out), (0, 512));
        let task = read(&Cmnd::simple([0; 8], &READ_6, Direction::None, 512)).unwrap();
        assert_eq!((task.data_in, task.data_out), (0, 0), "without a direction FCP_DL means nothing");
    }

    #[test]
    fn long_cdbs_end_at_32_bytes() {
        let mut bytes = [0; 96];
        bytes[11] = 16 | 2;
        bytes[28..44].fill(0xcc);
        bytes[44..48].copy_from_slice(&512_u32.to_be_bytes());
        let task = read(&bytes[..48]).unwrap();
        assert_eq!((task.cdb_len, task.cdb[31], task.data_in), (32, 0xcc, 512));
        assert_eq!(read(&bytes[..47]).unwrap_err(), RspCode::INVALID_FIELDS);
        bytes[11] = 20 | 2;
        assert_eq!(read(&bytes).unwrap_err(), RspCode::INVALID_FIELDS);
    }

    #[test]
    fn what_is_not_valid_is_told_by_its_code() {
        let good = Cmnd::simple([0; 8], &READ_6, Direction::Read, 512);
        for short in 0..good.len() {
            assert_eq!(read(&good[..short]).unwrap_err(), RspCode::INVALID_FIELDS);
        }
        let with = |at: usize, value: u8| {
            let mut bytes = [0; 36];
            bytes[..32].copy_from_slice(&good);
            bytes[at] = value;
            read(&bytes).map(|task| (task.attribute, task.management))
        };
        assert_eq!(with(11, 3), Err(RspCode::INVALID_FIELDS), "both directions");
        assert_eq!(with(9, 3), Err(RspCode::INVALID_FIELDS), "a reserved attribute");
        assert_eq!(with(9, 7 << 3 | 1), Ok((Attribute::HeadOfQueue, None)), "a priority is no attribute");
        assert_eq!(with(10, 0x30), Err(RspCode::INVALID_FIELDS), "two functions");
        assert_eq!(with(10, 0x08), Err(RspCode::REJECTED), "query asynchronous event");
        assert_eq!(with(10, 0x10), Ok((Attribute::Simple, Some(Management::LunReset))));
    }
}
