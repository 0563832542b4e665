//! `iscsi_get_connections`, `iscsi_get_stats`.

use crate::{Iscsi, SessionReport};
use app::{Method, NoParams, When};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn methods(iscsi: &Arc<Iscsi>) -> Vec<Method> {
    let (connections, stats) = (iscsi.clone(), iscsi.clone());
    vec![
        Method::new("iscsi_get_connections", When::Runtime, "Shows the connections", move |_: NoParams| {
            let sessions = connections.sessions();
            Ok(sessions
                .iter()
                .flat_map(|session| connections.show(session))
                .enumerate()
                .map(number)
                .collect::<Vec<_>>())
        }),
        Method::new("iscsi_get_stats", When::Runtime, "Counts the connections", move |_: NoParams| {
            let running: usize = stats.sessions().iter().map(|session| session.connections.len()).sum();
            // A connection that is not running is not kept, so there are none in SPDK's other states.
            Ok(json!({ "invalid": 0, "running": running, "exiting": 0, "exited": 0 }))
        }),
    ]
}

fn number((id, mut connection): (usize, Value)) -> Value {
    connection["id"] = json!(id);
    connection
}

impl Iscsi {
    fn sessions(&self) -> Vec<SessionReport> {
        self.state.transport.get().map_or_else(Vec::new, |transport| transport.report())
    }

    fn show(&self, session: &SessionReport) -> Vec<Value> {
        let cores = self.app.get().map_or(&[][..], |app| &app.options.cores);
        let isid: String = session.isid.iter().map(|byte| format!("{byte:02x}")).collect();
        let one = |connection: &crate::ConnectionReport| {
            json!({
                "id": 0,
                "cid": connection.cid,
                "tsih": session.tsih,
                "lcore_id": cores.get(session.home).copied().unwrap_or_default(),
                "initiator_addr": connection.peer.ip().to_canonical().to_string(),
                "target_addr": connection.local.ip().to_canonical().to_string(),
                "target_node_name": session.target,
                "initiator_name": session.initiator,
                "isid": isid,
                "pg_tag": session.group,
                "header_digest": connection.parameters.header_digest,
                "data_digest": connection.parameters.data_digest,
            })
        };
        session.connections.iter().map(one).collect()
    }
}
