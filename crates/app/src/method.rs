//! One RPC method: its name, when it may be called, the schema of its parameters, and what it does.

use crate::{Params, RpcError};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// In which state of the target a method may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Only before the framework is initialised.
    Startup,
    /// Only after that.
    Runtime,
    /// Always.
    Both,
}

/// How a method answers parameters that it cannot decode. The exact reason goes into `data`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// -32602 `Invalid parameters` (nvmf, framework, most newer code).
    Invalid,
    /// -32603 `spdk_json_decode_object failed` (most bdev modules).
    Internal,
    /// A code and text of its own.
    Own(i64, &'static str),
}

/// The parameters of a method that has none.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

type Handler = Box<dyn Fn(Value) -> Result<Result<Value, RpcError>, String> + Send + Sync>;

/// One RPC method.
pub struct Method {
    name: &'static str,
    aliases: Vec<&'static str>,
    when: When,
    summary: &'static str,
    decode_error: DecodeError,
    schema: fn() -> Value,
    decodes: fn(Value) -> Result<(), String>,
    handler: Handler,
}

impl Method {
    /// A method that decodes its parameters into `P`, which must be `#[serde(deny_unknown_fields)]`.
    ///
    /// `work` runs on a control thread, several at a time; it may block for a while, so others are not to wait for it
    /// under a lock. Decoding errors become -32602 unless [`Method::decode_error`] says otherwise.
    pub fn new<P, R>(
        name: &'static str,
        when: When,
        summary: &'static str,
        work: impl Fn(P) -> Result<R, RpcError> + Send + Sync + 'static,
    ) -> Self
    where
        P: DeserializeOwned + JsonSchema,
        R: Serialize,
    {
        let handler = move |params: Value| {
            let params: P = serde_path_to_error::deserialize(params).map_err(|error| explain(&error))?;
            Ok(work(params)
                .and_then(|result| serde_json::to_value(result).map_err(|error| RpcError::internal(error.to_string()))))
        };
        Self {
            name,
            aliases: Vec::new(),
            when,
            summary,
            decode_error: DecodeError::Invalid,
            schema: schema::<P>,
            decodes: |params| decode::<P>(params).map(drop),
            handler: Box::new(handler),
        }
    }

    /// Lets it answer to `old_name` too (with a warning when that is used, as SPDK does for its renamed methods).
    pub fn alias(mut self, old_name: &'static str) -> Self {
        self.aliases.push(old_name);
        self
    }

    /// Chooses the answer to parameters that cannot be decoded.
    pub fn decode_error(mut self, answer: DecodeError) -> Self {
        self.decode_error = answer;
        self
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its old names.
    pub fn aliases(&self) -> &[&'static str] {
        &self.aliases
    }

    /// When it may be called.
    pub fn when(&self) -> When {
        self.when
    }

    /// What it does, one sentence.
    pub fn summary(&self) -> &'static str {
        self.summary
    }

    /// The JSON schema of its parameters.
    pub fn schema(&self) -> Value {
        (self.schema)()
    }

    /// Decodes the parameters and does it. The state is not looked at: see [`crate::Methods::call`].
    ///
    /// # Errors
    /// Parameters that cannot be decoded, or what the method itself says.
    pub fn call(&self, params: impl Into<Params>) -> Result<Value, RpcError> {
        let params = self.object(params.into())?;
        (self.handler)(params).unwrap_or_else(|reason| Err(self.refuse(reason)))
    }

    /// Only decodes the parameters.
    ///
    /// # Errors
    /// They cannot be decoded.
    pub fn verify(&self, params: impl Into<Params>) -> Result<(), RpcError> {
        let params = self.object(params.into())?;
        (self.decodes)(params).map_err(|reason| self.refuse(reason))
    }

    fn object(&self, params: Params) -> Result<Value, RpcError> {
        if let Some(name) = params.duplicate {
            return Err(self.refuse(format!("{name}: the name stands twice")));
        }
        match params.value {
            Value::Null => Ok(Value::Object(Map::new())),
            Value::Array(_) => Err(RpcError::invalid_params("parameters must be an object, not an array")),
            value => Ok(value),
        }
    }

    fn refuse(&self, reason: String) -> RpcError {
        match self.decode_error {
            DecodeError::Invalid => RpcError::invalid_params(reason),
            DecodeError::Internal => RpcError::decode_failed(reason),
            DecodeError::Own(code, message) => RpcError::new(code, message).because(reason),
        }
    }
}

fn decode<P: DeserializeOwned>(params: Value) -> Result<P, String> {
    serde_path_to_error::deserialize(params).map_err(|error| explain(&error))
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.path().to_string().as_str() {
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    }
}

fn schema<P: JsonSchema>() -> Value {
    schemars::schema_for!(P).to_value()
}
