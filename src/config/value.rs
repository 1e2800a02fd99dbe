//! A checked value, and the bridge to serde: a section's values fill a struct by the names of its keys.
//!
//! The structs of `model.rs` and of the readers derive `Deserialize` with the keys' names; [`fill`] hands them
//! the values that passed the table's checks. So a struct without a field for its key, or with a wrong type, is found
//! by the first test that loads anything.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::text::Octets;
use crate::clock::Secs;

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A switch.
    Flag(bool),
    /// A number, or a time in the unit that its kind says.
    Number(u64),
    /// Text, a word in the table's spelling, a path.
    Text(String),
    /// Several names.
    Names(Vec<String>),
    /// An address.
    Address(Ipv4Addr),
    /// First and last address.
    Span(Ipv4Addr, Ipv4Addr),
    /// Hardware type and address.
    Hardware(u8, Octets),
    /// Octets of an identifier.
    Octets(Octets),
}

impl Value {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The address, if it is one.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        if let Value::Address(address) = self { Some(*address) } else { None }
    }

    /// First and last address, if it is a run of them.
    pub(super) fn span(&self) -> Option<(Ipv4Addr, Ipv4Addr)> {
        if let Value::Span(first, last) = self { Some((*first, *last)) } else { None }
    }
}

impl<'de> IntoDeserializer<'de, Error> for Value {
    type Deserializer = ValueDeserializer;

    fn into_deserializer(self) -> ValueDeserializer {
        ValueDeserializer(self)
    }
}

/// Hands one [`Value`] to serde.
#[derive(Debug)]
pub struct ValueDeserializer(Value);

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Flag(flag) => visitor.visit_bool(flag),
            Value::Number(number) => visitor.visit_u64(number),
            Value::Text(text) => visitor.visit_string(text),
            Value::Names(names) => visitor.visit_seq(SeqDeserializer::new(names.into_iter())),
            Value::Address(address) => visitor.visit_string(address.to_string()),
            Value::Span(first, last) => {
                visitor.visit_seq(SeqDeserializer::new([first.to_string(), last.to_string()].into_iter()))
            }
            Value::Hardware(htype, address) => {
                visitor.visit_seq(SeqDeserializer::new(std::iter::once(htype).chain(address)))
            }
            Value::Octets(octets) => visitor.visit_byte_buf(octets.into_vec()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        String::deserialize(self)?.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Fills a struct from named values; fields without a value must be optional or have a serde default.
///
/// # Errors
/// A field and its value do not fit: the struct and the table of keys disagree.
pub(super) fn fill<T: DeserializeOwned>(values: Vec<(&'static str, Value)>) -> Result<T, Error> {
    T::deserialize(MapDeserializer::new(values.into_iter()))
}

/// For `deserialize_with`: a time in milliseconds.
pub(super) fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

/// For `deserialize_with`: a time in milliseconds that may be absent.
pub(super) fn some_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    millis(deserializer).map(Some)
}

/// For `deserialize_with`: whole seconds.
pub(super) fn secs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secs, D::Error> {
    u32::deserialize(deserializer).map(Secs)
}

/// For `deserialize_with`: whole seconds that may be absent.
pub(super) fn some_secs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secs>, D::Error> {
    secs(deserializer).map(Some)
}

/// For `deserialize_with`: the word of a log level.
pub(super) fn log_level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<log::LevelFilter, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// For `deserialize_with`: a word that is true when it is `Full_delete` (ActiveLeaseExpiration).
pub(super) fn full_delete<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    String::deserialize(deserializer).map(|word| word == "Full_delete")
}

/// As [`full_delete`], where the key may be absent.
pub(super) fn some_full_delete<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    full_delete(deserializer).map(Some)
}

/// For `deserialize_with`: a path, or `None` for the word `none`.
pub(super) fn path_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<std::path::PathBuf>, D::Error> {
    let path = String::deserialize(deserializer)?;
    Ok((path != "none").then(|| path.into()))
}
