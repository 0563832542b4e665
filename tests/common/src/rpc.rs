//! JSON-RPC, one connection per call.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The result, or the error object.
pub fn call(socket: &Path, method: &str, params: Value) -> Result<Value, Value> {
    let fail = |error: std::io::Error| json!({ "code": 0, "message": format!("{method}: {error}") });
    let mut stream = BufReader::new(UnixStream::connect(socket).map_err(fail)?);
    stream.get_ref().set_read_timeout(Some(crate::LIMIT)).map_err(fail)?;
    let mut request = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
    if !params.is_null() {
        request["params"] = params;
    }
    stream.get_mut().write_all(request.to_string().as_bytes()).map_err(fail)?;
    let mut line = String::new();
    stream.read_line(&mut line).map_err(fail)?;
    let reply: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{method}: {error} in {line:?}"));
    if reply["error"].is_null() { Ok(reply["result"].clone()) } else { Err(reply["error"].clone()) }
}
