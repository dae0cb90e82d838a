//! Numbers that know their bounds, so that a policy that was read holds no other.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A whole number of `MIN` to `MAX`. Reading another one is an error that names the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// `None` when out of range.
    pub const fn new(value: u64) -> Option<Self> {
        if value >= MIN && value <= MAX { Some(Self(value)) } else { None }
    }

    /// The nearest lawful number: for constants, which a compiler cannot check in stable Rust.
    pub const fn clamped(value: u64) -> Self {
        Self(if value < MIN {
            MIN
        } else if value > MAX {
            MAX
        } else {
            value
        })
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Bounded<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Whole<const MIN: u64, const MAX: u64>;
        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Whole<MIN, MAX> {
            type Value = Bounded<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number of {MIN} to {MAX}")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
                Bounded::new(value).ok_or_else(|| out_of_range(value, MIN, MAX))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                let inside = u64::try_from(value).ok().and_then(Bounded::new);
                inside.ok_or_else(|| out_of_range(value, MIN, MAX))
            }
        }
        from.deserialize_any(Whole)
    }
}

fn out_of_range<E: de::Error>(value: impl fmt::Display, min: impl fmt::Display, max: impl fmt::Display) -> E {
    E::custom(format_args!("{value} is out of range, allowed is {min} to {max}"))
}

/// A risk: 0 to 100, with fractions since scores have them.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Risk(f32);

/// What is added to a risk: -100 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Default)]
#[serde(transparent)]
pub struct Points(f32);

impl Risk {
    /// The nearest risk. What is no number counts as the highest: a guard that computed nonsense does not clear a text.
    pub const fn clamped(value: f32) -> Risk {
        Risk(if value.is_nan() { 100.0 } else { value.clamp(0.0, 100.0) })
    }

    /// The number.
    pub const fn get(self) -> f32 {
        self.0
    }
}

impl Points {
    /// The nearest lawful number; what is no number adds nothing.
    pub const fn clamped(value: f32) -> Points {
        Points(if value.is_nan() { 0.0 } else { value.clamp(-100.0, 100.0) })
    }

    /// The number.
    pub const fn get(self) -> f32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Risk {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Real { min: 0.0, max: 100.0 }).map(Risk)
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Real { min: -100.0, max: 100.0 }).map(Points)
    }
}

/// Reads a number of a range, whole or not.
struct Real {
    min: f64,
    max: f64,
}

impl Visitor<'_> for Real {
    type Value = f32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number of {} to {}", self.min, self.max)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f32, E> {
        // Not a number is in no range.
        if value >= self.min && value <= self.max {
            Ok(value as f32)
        } else {
            Err(out_of_range(value, self.min, self.max))
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f32, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f32, E> {
        self.visit_f64(value as f64)
    }
}
