//! JSON-RPC 2.0 without sockets: bytes in, replies out. Pure, so that it can be tested and fuzzed.
//!
//! What SPDK does and other servers do not: requests follow each other without a delimiter; malformed JSON is answered with
//! -32700 and the connection is closed, because nobody knows where the next request begins; `params: null` is as if absent;
//! duplicate names are refused.

use crate::scan::{Found, Scanner, is_blank};
use app::{Params, RpcError};
use serde_json::{Map, Value, json};

/// The longest request, in bytes.
pub const REQUEST_MAX: usize = 256 * 1024;

/// The most JSON values in a request: names, scalars, and two for each pair of brackets.
pub const VALUES_MAX: usize = 8192;

/// The longest `id` string, in bytes.
pub const ID_MAX: usize = 128;

/// The longest reply, in bytes; a longer one is replaced by an error.
pub const REPLY_MAX: usize = 32 * 1024 * 1024;

/// Carries out requests.
pub trait Handler {
    /// Runs a method.
    ///
    /// # Errors
    /// What the client is told.
    fn call(&self, method: &str, params: Params) -> Result<Value, RpcError>;
}

impl Handler for app::Methods {
    fn call(&self, method: &str, params: Params) -> Result<Value, RpcError> {
        Self::call(self, method, params)
    }
}

/// What [`Session::step`] came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// There is no whole request: feed more bytes.
    Wait,
    /// A request is done and has no reply.
    Silent,
    /// A request is done: send this.
    Reply(Vec<u8>),
    /// Send this and close the connection.
    Close(Vec<u8>),
}

/// One client's stream of requests.
#[derive(Debug, Default)]
pub struct Session {
    buffer: Vec<u8>,
    /// Where the value being looked for begins, and how far it was looked at.
    begin: usize,
    seen: usize,
    scanner: Scanner,
    closed: bool,
}

impl Session {
    /// Takes bytes as they came. Call [`Session::step`] until it says [`Step::Wait`] before feeding more, so that no more
    /// than one request and one piece is kept.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.closed {
            self.buffer.drain(..self.begin);
            self.seen -= self.begin;
            self.begin = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Carries out the next whole request.
    pub fn step(&mut self, handler: &dyn Handler) -> Step {
        if self.closed {
            return Step::Wait;
        }
        if !self.scanner.is_inside() {
            // The request begins behind the blanks, however the stream is cut: positions in errors count from there.
            self.seen += self.buffer[self.seen..].iter().take_while(|byte| is_blank(**byte)).count();
            self.begin = self.seen;
        }
        match self.scanner.look(&self.buffer[self.seen..]) {
            Found::End(length) => self.take(self.seen + length, handler),
            Found::Bad(reason) => self.close(&RpcError::parse_error(reason)),
            Found::More => {
                self.seen = self.buffer.len();
                if !self.scanner.is_inside() {
                    self.begin = self.seen;
                }
                if self.seen - self.begin > REQUEST_MAX { self.too_long() } else { Step::Wait }
            }
        }
    }

    /// Whether a request has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.begin < self.buffer.len()
    }

    fn take(&mut self, end: usize, handler: &dyn Handler) -> Step {
        let text = &self.buffer[self.begin..end];
        if text.len() > REQUEST_MAX {
            return self.too_long();
        }
        let parsed = app::parse(text, VALUES_MAX);
        (self.begin, self.seen) = (end, end);
        match parsed {
            Err(error) => self.close(&RpcError::parse_error(error.to_string())),
            Ok(app::Strict { value: Value::Array(batch), duplicates }) => batch_reply(batch, &duplicates, handler),
            Ok(app::Strict { value, duplicates }) => {
                match request_reply(value, duplicates.first().map(String::as_str), handler) {
                    Some(reply) => Step::Reply(line(&reply)),
                    None => Step::Silent,
                }
            }
        }
    }

    fn too_long(&mut self) -> Step {
        self.close(&RpcError::parse_error(format!("the request is longer than {REQUEST_MAX} bytes")))
    }

    fn close(&mut self, error: &RpcError) -> Step {
        *self = Self { closed: true, ..Self::default() };
        Step::Close(line(&failure(&Value::Null, error)))
    }
}

/// The reply to a batch: an array of those of its requests, none if none has one.
fn batch_reply(batch: Vec<Value>, duplicates: &[String], handler: &dyn Handler) -> Step {
    if batch.is_empty() {
        return Step::Reply(line(&failure(&Value::Null, &RpcError::invalid_request("an empty batch"))));
    }
    let mut replies: Vec<u8> = Vec::new();
    for (n, request) in batch.into_iter().enumerate() {
        let place = format!("{n}.");
        let here = duplicates.iter().find_map(|path| path.strip_prefix(&place));
        if let Some(reply) = request_reply(request, here, handler) {
            replies.push(if replies.is_empty() { b'[' } else { b',' });
            replies.extend(serde_json::to_vec(&reply).expect("a value is JSON"));
        }
        if replies.len() > REPLY_MAX {
            return Step::Close(line(&failure(&Value::Null, &too_large())));
        }
    }
    if replies.is_empty() {
        return Step::Silent;
    }
    replies.extend(b"]\n");
    Step::Reply(replies)
}

/// The reply to one request; none for a notification. `duplicate` is the path of a name that stands twice in it.
fn request_reply(request: Value, duplicate: Option<&str>, handler: &dyn Handler) -> Option<Value> {
    let request = match Request::read(request, duplicate) {
        Ok(request) => request,
        Err(reply) => return Some(reply),
    };
    let outcome = handler.call(&request.method, request.params);
    let id = request.id?;
    Some(match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => failure(&id, &error),
    })
}

fn failure(id: &Value, error: &RpcError) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error.to_value() })
}

fn too_large() -> RpcError {
    RpcError::internal("the reply is too large").because(format!("more than {REPLY_MAX} bytes"))
}

/// The bytes of a reply, which ends with a newline as SPDK's do.
fn line(reply: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(reply).expect("a value is JSON");
    if bytes.len() > REPLY_MAX {
        bytes = serde_json::to_vec(&failure(&reply["id"], &too_large())).expect("a value is JSON");
    }
    bytes.push(b'\n');
    bytes
}

struct Request {
    id: Option<Value>,
    method: String,
    params: Params,
}

impl Request {
    /// Reads a request object. What is wrong comes as the reply to it, under its id or null when that is not known.
    fn read(value: Value, duplicate: Option<&str>) -> Result<Self, Value> {
        let Value::Object(mut object) = value else {
            return Err(failure(&Value::Null, &RpcError::invalid_request("a request is an object")));
        };
        let id = read_id(&mut object).map_err(|error| failure(&Value::Null, &error))?;
        Self::read_rest(object, id.clone(), duplicate).map_err(|error| failure(&id.unwrap_or(Value::Null), &error))
    }

    fn read_rest(mut object: Map<String, Value>, id: Option<Value>, duplicate: Option<&str>) -> Result<Self, RpcError> {
        if object.remove("jsonrpc").is_some_and(|version| version != "2.0") {
            return Err(RpcError::invalid_request("jsonrpc: only \"2.0\""));
        }
        let Some(Value::String(method)) = object.remove("method") else {
            return Err(RpcError::invalid_request("method: a name is needed"));
        };
        let value = match object.remove("params") {
            None | Some(Value::Null) => Value::Null,
            Some(params @ (Value::Object(_) | Value::Array(_))) => params,
            Some(_) => return Err(RpcError::invalid_request("params: an object")),
        };
        if let Some(name) = object.keys().next() {
            return Err(RpcError::invalid_request(format!("{name}: no such member of a request")));
        }
        // A name that stands twice within the parameters is for the method to refuse, in its own words.
        match duplicate.map(|path| (path, path.strip_prefix("params."))) {
            Some((_, Some(name))) => {
                Ok(Self { id, method, params: Params { value, duplicate: Some(name.to_owned()) } })
            }
            Some((name, None)) => Err(RpcError::invalid_request(format!("{name}: the name stands twice"))),
            None => Ok(Self { id, method, params: value.into() }),
        }
    }
}

fn read_id(object: &mut Map<String, Value>) -> Result<Option<Value>, RpcError> {
    match object.remove("id") {
        Some(Value::String(id)) if id.len() > ID_MAX => {
            Err(RpcError::invalid_request(format!("id: at most {ID_MAX} bytes")))
        }
        Some(id @ (Value::String(_) | Value::Number(_) | Value::Null)) => Ok(Some(id)),
        Some(_) => Err(RpcError::invalid_request("id: a string, a number or null")),
        None => Ok(None),
    }
}
