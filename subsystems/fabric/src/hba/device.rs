//! The model of an adapter on its socket.

use super::params::{Adapter, Priority};
use app::RpcError;
use emu::isp::firmware::{Session, Settings};
use emu::isp::{Identity, Isp, Preference, Stage};
use fc::fc2::Limits;
use fc::{Frames, Link};
use serde_json::{Value, json};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use vfio_user::Server;

pub(crate) type Device = Server<Isp<Box<dyn Link>>>;

/// Virtual ports (NPIV) that a guest may make on an adapter.
const VPORTS: u8 = 64;

/// Makes it, its link dark, its socket served for the user of this process only.
pub(crate) fn make(
    socket: &Path,
    adapter: &Adapter,
    link: Box<dyn Link>,
    frames: Frames,
    pool: dma::Pool,
) -> Result<Device, RpcError> {
    let identity = identity(adapter);
    let (names, speed) = (identity.names, identity.board.speed().0);
    let settings = Settings { names, speed, frames, pool, limits: Limits::default(), vports: VPORTS };
    let device = Server::bind(socket, Isp::new(identity, settings, link));
    let device = device.map_err(|error| RpcError::bad_params(format!("socket {error}")))?;
    let set = set_permissions(socket, Permissions::from_mode(0o600));
    set.map_err(|error| RpcError::bad_params(format!("socket {}: {error}", socket.display())))?;
    Ok(device)
}

fn identity(adapter: &Adapter) -> Identity {
    let preference = match adapter.priority {
        Priority::Fcp => Preference::Fcp,
        Priority::Nvme => Preference::Nvme,
    };
    let (board, serial, vectors) = (adapter.board, adapter.serial.clone(), adapter.vectors);
    Identity { board, serial, preference, vectors, ..Identity::new(adapter.names) }
}

/// Plugs the cable in, or pulls it.
pub(crate) fn set_cable(device: &mut Device, plugged: bool) {
    device.model_mut().firmware_mut().set_cable(plugged);
}

/// How it is now, for people.
pub(crate) fn report(device: &Device) -> Value {
    let model = device.model();
    let (chip, firmware) = (model.counters(), model.firmware().counters());
    let exchanges = firmware.exchanges;
    json!({
        "connected": device.has_client(),
        "clients": device.clients(),
        "driver": stage(model.stage()),
        "sessions": model.firmware().sessions().iter().map(session).collect::<Vec<_>>(),
        "counters": {
            "iocbs": chip.iocbs,
            "mailbox_commands": chip.mailbox_commands,
            "interrupts": chip.interrupts,
            "resets": chip.resets,
            "events": chip.events,
            "dma_faults": chip.dma_faults,
            "invalid_iocbs": chip.invalid_iocbs,
            "link_ups": firmware.link_ups,
            "link_failures": firmware.link_failures,
            "frames_in": exchanges.frames_in,
            "frames_out": exchanges.frames_out,
            "bytes_in": exchanges.bytes_in,
            "bytes_out": exchanges.bytes_out,
            "exchanges_answered": exchanges.answered,
            "exchanges_originated": exchanges.originated,
            "aborts_in": exchanges.aborts_in,
            "aborts_out": exchanges.aborts_out,
            "timeouts": exchanges.timeouts,
        },
    })
}

fn session(session: &Session) -> Value {
    json!({
        "peer": session.peer.to_string(),
        "port_id": session.id.to_string(),
        "fc4": session.fc4,
        "vp": session.vp,
    })
}

/// How far the guest's driver has brought it.
fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Rom => "not loaded",
        Stage::Running => "firmware loaded",
        Stage::Started => "firmware started",
        Stage::Dead => "firmware failed",
    }
}
