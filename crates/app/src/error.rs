//! An error of a method, in SPDK's codes and texts.

use serde_json::{Value, json};

/// What a method answers instead of a result.
///
/// Scripts match on `code` and on parts of `message`, so these are SPDK's; our better explanation goes into `data`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message} ({code}{})", detail(.data))]
pub struct RpcError {
    /// JSON-RPC code, or a negative error number.
    pub code: i64,
    /// SPDK's text where it has one.
    pub message: String,
    /// What exactly is wrong and where.
    pub data: Option<Value>,
}

fn detail(data: &Option<Value>) -> String {
    match data {
        None => String::new(),
        Some(Value::String(text)) => format!(", {text}"),
        Some(other) => format!(", {other}"),
    }
}

impl RpcError {
    /// An error of any code and text.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Adds the exact explanation.
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.data = Some(Value::String(detail.into()));
        self
    }

    /// -32700: the bytes are not JSON, or too much of it.
    pub fn parse_error(detail: impl Into<String>) -> Self {
        Self::new(-32700, "Parse error").because(detail)
    }

    /// -32600: JSON, but not a request.
    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(-32600, "Invalid request").because(detail)
    }

    /// -32601: there is no such method.
    pub fn method_not_found() -> Self {
        Self::new(-32601, "Method not found")
    }

    /// -32602 `Invalid parameters`, with the reason in `data`.
    pub fn invalid_params(detail: impl Into<String>) -> Self {
        Self::new(-32602, "Invalid parameters").because(detail)
    }

    /// -32602 with a text of SPDK's own instead of `Invalid parameters`.
    pub fn bad_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// -32603 with a text.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }

    /// -32603 `spdk_json_decode_object failed`: what SPDK's bdev modules say of bad parameters; the reason in `data`.
    pub fn decode_failed(detail: impl Into<String>) -> Self {
        Self::internal("spdk_json_decode_object failed").because(detail)
    }

    /// -1: a RUNTIME method in the STARTUP state.
    pub fn only_after_init() -> Self {
        Self::new(-1, "Method may only be called after framework is initialized using framework_start_init RPC.")
    }

    /// -1: a STARTUP method in the RUNTIME state.
    pub fn only_before_init() -> Self {
        Self::new(
            -1,
            "Method may only be called before framework is initialized. Use --wait-for-rpc command line parameter \
             and then issue this RPC before the framework_start_init RPC.",
        )
    }

    /// -1: the target is being stopped.
    pub fn stopping() -> Self {
        Self::new(-1, "The target is shutting down.")
    }

    /// An error number as SPDK's asynchronous handlers answer it: `errno(19)` is -19 `No such device`.
    pub fn errno(number: i32) -> Self {
        let text = std::io::Error::from_raw_os_error(number).to_string();
        let text = text.split(" (os error").next().unwrap_or_default().to_owned();
        Self::new(-i64::from(number), text)
    }

    /// -32603 with the text of an error number: what SPDK's older synchronous handlers answer.
    pub fn internal_errno(number: i32) -> Self {
        Self::internal(Self::errno(number).message)
    }

    /// The `error` member of a reply.
    pub fn to_value(&self) -> Value {
        let mut value = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            value["data"] = data.clone();
        }
        value
    }
}

impl From<bdev::Error> for RpcError {
    fn from(error: bdev::Error) -> Self {
        let number = -error.code();
        let plain = Self::errno(number as i32);
        match error {
            bdev::Error::Busy(reason) => plain.because(reason),
            _ => plain,
        }
    }
}

impl From<std::io::Error> for RpcError {
    /// The system's error number if there is one (else `EIO`), with the whole text in `data`.
    fn from(error: std::io::Error) -> Self {
        Self::errno(error.raw_os_error().unwrap_or(5)).because(error.to_string())
    }
}
