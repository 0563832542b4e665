//! JSON text to values, strictly: a duplicate name is noticed, the number of values is limited.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The parameters of a call, as they came.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// An object, or `Null` when there were none.
    pub value: Value,
    /// The path of a name that stood twice in one object: the call is refused.
    pub duplicate: Option<String>,
}

impl From<Value> for Params {
    fn from(value: Value) -> Self {
        Self { value, duplicate: None }
    }
}

/// A value parsed from text, and the duplicate names in it.
#[derive(Clone, Debug)]
pub struct Strict {
    /// The value. Of a duplicate name the last value counts.
    pub value: Value,
    /// The paths (`params.listen_address.traddr`) of names that stood twice in one object.
    pub duplicates: Vec<String>,
}

/// Parses one JSON text with at most `limit` values (SPDK counts each name, value, bracket as one).
///
/// # Errors
/// serde_json's, with line and column.
pub fn parse(text: &[u8], limit: usize) -> serde_json::Result<Strict> {
    let mut notes = Notes { left: limit, path: Vec::new(), duplicates: Vec::new() };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Node(&mut notes).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Strict { value, duplicates: notes.duplicates })
}

struct Notes {
    left: usize,
    path: Vec<String>,
    duplicates: Vec<String>,
}

impl Notes {
    fn count<E: Error>(&mut self, values: usize) -> Result<(), E> {
        self.left = self.left.checked_sub(values).ok_or_else(|| E::custom("too many values"))?;
        Ok(())
    }

    fn note_duplicate(&mut self, name: &str) {
        self.duplicates.push([self.path.join("."), name.to_owned()].join(".").trim_start_matches('.').to_owned());
    }
}

struct Node<'a>(&'a mut Notes);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.count(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(whole(value).unwrap_or_else(|| Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.count(1)?;
        let mut list = Vec::new();
        self.0.path.push("0".to_owned());
        while let Some(item) = items.next_element_seed(Node(self.0))? {
            list.push(item);
            self.0.path.pop();
            self.0.path.push(list.len().to_string());
        }
        self.0.path.pop();
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.0.count(1)?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.0.count(1)?;
            self.0.path.push(name.clone());
            let value = members.next_value_seed(Node(self.0))?;
            self.0.path.pop();
            if map.contains_key(&name) {
                self.0.note_duplicate(&name);
            }
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

/// `1e3` and `10.0` are whole numbers to SPDK's decoders, so they are to ours.
fn whole(value: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let fits = value.fract() == 0.0 && value.abs() < EXACT;
    fits.then(|| if value < 0.0 { Value::from(value as i64) } else { Value::from(value as u64) })
}
