//! Which transports a configuration needs.

use crate::Kind;
use app::Call;

/// For people.
pub(crate) fn of(kind: Kind) -> &'static str {
    match kind {
        Kind::Fc => "FC ports",
        Kind::Ip => "IP portals",
    }
}

/// The kinds of ports that a configuration names.
pub(crate) fn kinds(calls: &[Call]) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for call in calls {
        let portals = call.params["portals"].as_array().map_or(&[][..], Vec::as_slice);
        let on_ip = portals.iter().any(|portal| portal.get("host").is_some());
        let on_fc = !on_ip || portals.iter().any(|portal| portal.get("wwpn").is_some());
        match call.method.as_str() {
            "scsi_create_portal_group" | "scsi_portal_group_add_portals" => {
                kinds.extend(on_fc.then_some(Kind::Fc).into_iter().chain(on_ip.then_some(Kind::Ip)));
            }
            "iscsi_create_portal_group" => kinds.push(Kind::Ip),
            _ => {}
        }
    }
    kinds
}
