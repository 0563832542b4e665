//! The methods `iscsi_*`, with SPDK's parameters and answers. They act on the groups and nodes of the SCSI target, which FCP has too.

mod auth;
mod initiators;
mod nodes;
mod options;
mod portals;
mod reports;

pub(crate) use auth::check as check_auth;

use crate::Iscsi;
use app::Method;
use std::sync::Arc;

pub(crate) fn methods(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    type Part = fn(&Arc<Iscsi>) -> Vec<Method>;
    let parts: [Part; 6] =
        [options::methods, auth::methods, portals::methods, initiators::methods, nodes::methods, reports::methods];
    parts.into_iter().flat_map(|methods| methods(iscsi)).collect()
}
