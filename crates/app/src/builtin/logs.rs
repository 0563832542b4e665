//! Methods about the log.

use crate::log_backend::backend;
use crate::{DecodeError, Method, NoParams, RpcError, When};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Level {
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}

impl Level {
    fn name(self) -> &'static str {
        crate::log_backend::LEVELS[self as usize]
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetLevel {
    /// Level up to which lines are written
    level: Level,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Flag {
    /// Part of the target, or all
    flag: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Timestamps {
    /// Write the time before each line
    enabled: bool,
}

pub(super) fn methods() -> Vec<Method> {
    let (both, internal) = (When::Both, DecodeError::Internal);
    vec![
        Method::new("log_set_print_level", both, "Sets the level up to which lines are written", |p: SetLevel| {
            Ok(backend().set_print_level(p.level.name()))
        })
        .decode_error(internal)
        .alias("set_log_print_level"),
        Method::new("log_get_print_level", both, "Tells the level up to which lines are written", |_: NoParams| {
            Ok(backend().print_level())
        })
        .alias("get_log_print_level"),
        Method::new(
            "log_set_level",
            both,
            "Keeps the level for the system log, to which nothing is written",
            |p: SetLevel| Ok(backend().set_level(p.level.name())),
        )
        .decode_error(internal)
        .alias("set_log_level"),
        Method::new("log_get_level", both, "Tells the level for the system log", |_: NoParams| Ok(backend().level()))
            .alias("get_log_level"),
        Method::new("log_set_flag", both, "Writes all lines of one part", |p: Flag| set_flag(&p.flag, true))
            .decode_error(internal)
            .alias("set_log_flag"),
        Method::new("log_clear_flag", both, "No longer writes all lines of one part", |p: Flag| {
            set_flag(&p.flag, false)
        })
        .decode_error(internal)
        .alias("clear_log_flag"),
        Method::new("log_get_flags", both, "Lists the parts and whether all their lines are written", |_: NoParams| {
            Ok(backend().all_flags())
        })
        .alias("get_log_flags"),
        Method::new(
            "log_enable_timestamps",
            When::Runtime,
            "Writes the time before each line or not",
            |p: Timestamps| {
                backend().set_timestamps(p.enabled);
                Ok(true)
            },
        )
        .decode_error(DecodeError::Own(-32602, "spdk_json_decode_object failed")),
    ]
}

fn set_flag(flag: &str, on: bool) -> Result<bool, RpcError> {
    if backend().set_flag(flag, on) {
        Ok(true)
    } else {
        Err(RpcError::bad_params("invalid log flag").because(format!("there is no {flag:?}")))
    }
}
