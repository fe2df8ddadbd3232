//! JSON ⇄ the AWS SDK's own types, by the schemas that the SDK carries.
//!
//! [`json`] turns bytes into a JSON value and refuses what would lose something, [`read`] turns that
//! value into any SDK input (what is wrong goes to the [`validation`]), and [`write`](mod@write) turns any SDK output into the answer's JSON. No AWS member is
//! listed by hand here: a newer SDK brings its new members along.
//!
//! Pure functions only: no clients, nothing async, no HTTP.

pub mod definition;
pub mod inputs;
pub mod json;
pub mod members;
pub mod outputs;
pub mod read;
pub mod restore;
pub mod tag_changes;
pub mod validation;
pub mod write;

#[cfg(test)]
mod properties;
