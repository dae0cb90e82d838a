//! The table of known keys: what each may be, how it is shown, and which upstream version knows it.
//!
//! One table serves three readers: [`check`](mod@check) finds what is wrong with a config, [`schema`] writes the JSON schema
//! that `config.schema` answers, and [`redact`](crate::redact) learns which values are secret. A setting that only
//! upstream uses is listed so that nobody is warned about it, without saying more than its name.

mod agents;
pub mod check;
mod engine;
mod gateway;
mod models;
mod roots;
pub mod schema;
mod session;

pub use roots::ROOT;

use pincer_protocol::Wire;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything: a setting this gateway does not look at.
    Any,
    /// A string.
    Text,
    /// A string, or an object that says where to find it (`{source: "env", id: "VAR"}`).
    SecretText,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Any number that is not negative.
    Amount,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// An array of this.
    List(&'static Shape),
    /// An object with any names, all of this shape.
    Map(&'static Shape),
    /// An object with these keys; others are warned about.
    Object(&'static [Key]),
    /// An object with at least these keys; others are upstream's and pass without a word.
    Open(&'static [Key]),
    /// An object with these keys, and any others of one shape.
    Rest(&'static [Key], &'static Shape),
    /// The first of these that fits.
    Either(&'static [Shape]),
}

/// Which upstream versions know a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// 2026.2 and 2026.9.
    Both,
    /// 2026.2 only: retired, still accepted.
    V3,
    /// 2026.9 only.
    V4,
    /// Pincer only.
    Ours,
}

impl Known {
    /// Whether the schema shown on `wire` lists it.
    pub fn on(self, wire: Wire) -> bool {
        match self {
            Known::Both | Known::Ours => true,
            Known::V3 => wire == Wire::V3,
            Known::V4 => wire == Wire::V4,
        }
    }
}

/// One key of an object.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it must be.
    pub shape: Shape,
    /// Who knows it.
    pub known: Known,
    /// Its name for people; empty: made from `name`.
    pub label: &'static str,
    /// What it does; empty for settings of upstream's that this gateway does not look at.
    pub help: &'static str,
    /// Whether forms hide it at first.
    pub advanced: bool,
    /// What an empty form field shows.
    pub placeholder: &'static str,
}

/// A key that both versions know.
pub(crate) const fn key(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, known: Known::Both, label: "", help: "", advanced: false, placeholder: "" }
}

/// A key of upstream's that this gateway does not look at.
pub(crate) const fn theirs(name: &'static str) -> Key {
    key(name, Shape::Any)
}

impl Key {
    /// The same key, shown as `label` with the explanation `help`.
    pub(crate) const fn says(self, label: &'static str, help: &'static str) -> Key {
        Key { label, help, ..self }
    }

    /// The same key, known to 2026.2 only.
    pub(crate) const fn v3(self) -> Key {
        Key { known: Known::V3, ..self }
    }

    /// The same key, known to 2026.9 only.
    pub(crate) const fn v4(self) -> Key {
        Key { known: Known::V4, ..self }
    }

    /// The same key, Pincer's own.
    pub(crate) const fn ours(self) -> Key {
        Key { known: Known::Ours, ..self }
    }

    /// The same key, hidden at first.
    pub(crate) const fn advanced(self) -> Key {
        Key { advanced: true, ..self }
    }

    /// The same key with a placeholder.
    pub(crate) const fn placeholder(self, placeholder: &'static str) -> Key {
        Key { placeholder, ..self }
    }
}

/// A whole number in `min..=max`.
pub(crate) const fn int(min: i64, max: i64) -> Shape {
    Shape::Int { min, max }
}

/// A count: `0..=2^32-1`, so that it fits a `u32` everywhere.
pub(crate) const COUNT: Shape = int(0, u32::MAX as i64);
/// A duration in milliseconds, up to 30 days.
pub(crate) const MILLIS: Shape = int(0, 30 * 24 * 3600 * 1000);
/// A duration in seconds, up to 30 days.
pub(crate) const SECONDS: Shape = int(0, 30 * 24 * 3600);
/// A list of strings.
pub(crate) const TEXTS: Shape = Shape::List(&Shape::Text);
/// A list of ids that people write as strings or numbers.
pub(crate) const IDS: Shape = Shape::List(&Shape::Either(&[Shape::Text, Shape::Amount]));
/// `true`, `false` or `"auto"`.
pub(crate) const SWITCH: Shape = Shape::Either(&[Shape::Bool, Shape::OneOf(&["auto"])]);
