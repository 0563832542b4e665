//! The options of `iscsi_set_options`: what a login negotiates with, limits and time-outs.

use crate::Settings;
use app::RpcError;
use schemars::JsonSchema;
use scsi::control::Auth;
use serde::Deserialize;
use serde_json::{Value, json};

/// What names of target nodes begin with that have no kind of their own, unless configured: SPDK's.
pub const NODE_BASE: &str = "iqn.2016-06.io.spdk";
/// Bytes of a first burst (RFC 7143 13.14).
const FIRST_BURST: std::ops::RangeInclusive<u32> = 512..=0xff_ffff;
/// The largest queue depth that SPDK takes.
const MOST_DEPTH: u32 = 256;
/// The longest interval of pings, seconds.
const MOST_INTERVAL: u32 = 60;

/// Parameters of `iscsi_set_options`. What is not given stays as it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SetOptions {
    /// File with authentication groups; only its owner may read it
    pub auth_file: Option<String>,
    /// What names of target nodes begin with that are not iqn., eui. or naa.
    pub node_base: Option<String>,
    /// Seconds that a NOP-Out may be missing after our NOP-In
    pub nop_timeout: Option<u32>,
    /// Seconds of silence after which we send a NOP-In, up to 60; 0: never
    pub nop_in_interval: Option<u32>,
    /// Discovery needs no CHAP
    pub disable_chap: Option<bool>,
    /// Discovery needs CHAP
    pub require_chap: Option<bool>,
    /// Discovery proves the target too
    pub mutual_chap: Option<bool>,
    /// Authentication group of discovery; 0: none
    pub chap_group: Option<u32>,
    /// Sessions of the process, 1 to 65535
    pub max_sessions: Option<u32>,
    /// Commands of a session, 1 to 256
    pub max_queue_depth: Option<u32>,
    /// Connections of a session, 1 to 65535
    pub max_connections_per_session: Option<u32>,
    /// Seconds, DefaultTime2Wait
    pub default_time2wait: Option<u32>,
    /// Seconds, DefaultTime2Retain
    pub default_time2retain: Option<u32>,
    /// Bytes, FirstBurstLength, 512 to 16777215
    pub first_burst_length: Option<u32>,
    /// ImmediateData
    pub immediate_data: Option<bool>,
    /// Only 0 is offered
    pub error_recovery_level: Option<u32>,
    /// Without effect: a session with the same identifier always takes the old one's place
    pub allow_duplicated_isid: Option<bool>,
    /// Without effect
    pub max_large_datain_per_connection: Option<u32>,
    /// MaxOutstandingR2T, 1 to 65535
    pub max_r2t_per_connection: Option<u32>,
    /// Without effect
    pub pdu_pool_size: Option<u32>,
    /// Without effect
    pub immediate_data_pool_size: Option<u32>,
    /// Without effect
    pub data_out_pool_size: Option<u32>,
}

/// The options in effect.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub auth_file: Option<String>,
    pub node_base: String,
    /// What the process may hold and how long peers may be silent.
    pub settings: Settings,
    /// What a login negotiates with.
    pub login: iscsi::Options,
    /// What discovery must prove.
    pub discovery: Auth,
}

impl Default for Options {
    fn default() -> Self {
        let (auth_file, discovery) = (None, Auth::default());
        let (settings, login) = (Settings::default(), iscsi::Options::default());
        Self { auth_file, node_base: NODE_BASE.to_owned(), settings, login, discovery }
    }
}

fn set<T>(option: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *option = given;
    }
}

fn small(name: &str, given: Option<u32>, most: u32) -> Result<Option<u16>, RpcError> {
    let fits = |n: u32| u16::try_from(n).ok().filter(|_| (1..=most).contains(&n));
    let refuse = |n: u32| RpcError::invalid_params(format!("{name}: {n} is not from 1 to {most}"));
    given.map(|n| fits(n).ok_or_else(|| refuse(n))).transpose()
}

impl SetOptions {
    /// The options with what is given in their place.
    pub fn apply(&self, old: &Options) -> Result<Options, RpcError> {
        let mut new = old.clone();
        self.apply_login(&mut new.login)?;
        let sessions = small("max_sessions", self.max_sessions, u32::from(u16::MAX))?;
        set(&mut new.settings.sessions, sessions.map(usize::from));
        if let Some(seconds) = self.nop_in_interval.filter(|seconds| *seconds > MOST_INTERVAL) {
            return Err(RpcError::invalid_params(format!("nop_in_interval: {seconds} is more than {MOST_INTERVAL}")));
        }
        set(&mut new.settings.nop_interval_s, self.nop_in_interval);
        set(&mut new.settings.nop_timeout_s, self.nop_timeout);
        set(&mut new.node_base, self.node_base.clone());
        if self.auth_file.is_some() {
            new.auth_file = self.auth_file.clone().filter(|file| !file.is_empty());
        }
        set(&mut new.discovery.disable, self.disable_chap);
        set(&mut new.discovery.require, self.require_chap);
        set(&mut new.discovery.mutual, self.mutual_chap);
        set(&mut new.discovery.group, self.chap_group);
        crate::rpc::check_auth(new.discovery)?;
        self.warn();
        Ok(new)
    }

    fn apply_login(&self, login: &mut iscsi::Options) -> Result<(), RpcError> {
        set(&mut login.queue_depth, small("max_queue_depth", self.max_queue_depth, MOST_DEPTH)?);
        let most = u32::from(u16::MAX);
        set(&mut login.max_connections, small("max_connections_per_session", self.max_connections_per_session, most)?);
        set(&mut login.max_outstanding_r2t, small("max_r2t_per_connection", self.max_r2t_per_connection, most)?);
        let seconds = |given: Option<u32>| given.map(|seconds| seconds.min(3600) as u16);
        set(&mut login.time2wait, seconds(self.default_time2wait));
        set(&mut login.time2retain, seconds(self.default_time2retain));
        if let Some(bytes) = self.first_burst_length.filter(|bytes| !FIRST_BURST.contains(bytes)) {
            let (least, most) = (FIRST_BURST.start(), FIRST_BURST.end());
            return Err(RpcError::invalid_params(format!("first_burst_length: {bytes} is not from {least} to {most}")));
        }
        set(&mut login.first_burst_length, self.first_burst_length);
        login.first_burst_length = login.first_burst_length.min(login.max_burst_length);
        set(&mut login.immediate_data, self.immediate_data);
        Ok(())
    }

    /// Says what was accepted and means nothing here.
    fn warn(&self) {
        let without = [
            (self.error_recovery_level.is_some_and(|level| level != 0), "error_recovery_level: 0 is used"),
            (self.allow_duplicated_isid == Some(true), "allow_duplicated_isid: the newer session stays"),
            (self.max_large_datain_per_connection.is_some(), "max_large_datain_per_connection: without effect"),
            (self.pdu_pool_size.is_some(), "pdu_pool_size: without effect"),
            (self.immediate_data_pool_size.is_some(), "immediate_data_pool_size: without effect"),
            (self.data_out_pool_size.is_some(), "data_out_pool_size: without effect"),
        ];
        for (_, text) in without.into_iter().filter(|(is_so, _)| *is_so) {
            log::warn!(target: "iscsi", "{text}");
        }
    }
}

impl Options {
    /// The answer of `iscsi_get_options`.
    pub fn to_json(&self) -> Value {
        let (login, settings, discovery) = (&self.login, &self.settings, &self.discovery);
        json!({
            "auth_file": self.auth_file,
            "node_base": self.node_base,
            "max_sessions": settings.sessions,
            "max_connections_per_session": login.max_connections,
            "max_queue_depth": login.queue_depth,
            "default_time2wait": login.time2wait,
            "default_time2retain": login.time2retain,
            "first_burst_length": login.first_burst_length,
            "immediate_data": login.immediate_data,
            "allow_duplicated_isid": false,
            "error_recovery_level": 0,
            "nop_timeout": settings.nop_timeout_s,
            "nop_in_interval": settings.nop_interval_s,
            "disable_chap": discovery.disable,
            "require_chap": discovery.require,
            "mutual_chap": discovery.mutual,
            "chap_group": discovery.group,
            "max_large_datain_per_connection": 64,
            "max_r2t_per_connection": login.max_outstanding_r2t,
        })
    }

    /// The parameters of `iscsi_set_options` that make them of the defaults; none if they are the defaults.
    pub fn saved(&self) -> Option<Value> {
        let standard = Self::default().to_json();
        let differs = |(name, value): &(String, Value)| standard.get(name) != Some(value);
        let Value::Object(own) = self.to_json() else { return None };
        let own: serde_json::Map<String, Value> = own.into_iter().filter(differs).collect();
        (!own.is_empty()).then_some(Value::Object(own))
    }
}
