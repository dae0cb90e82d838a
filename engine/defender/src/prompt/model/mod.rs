//! The learned part: a weight a signal, a weight a hashed n-gram, and where review and block begin.
//!
//! `prompt.weights` is made in the root of this repository, whose files are harmless documents, as are those of the
//! packages it is built with, by
//!
//! ```text
//! CARGO_HOME=target/packages cargo fetch --locked
//! pincer-bench guard train --corpus PROMPTS --packages target/packages/registry/src \
//!     --out engine/defender/src/prompt/model/prompt.weights
//! ```
//!
//! and judged by `pincer-bench guard prompts --corpus PROMPTS --packages target/packages/registry/src --cross-validate`.

use std::fmt;

/// Buckets of the hashed n-grams.
pub const BUCKETS: usize = 1 << 15;

/// The weights that are built in.
const BUILT_IN: &[u8] = include_bytes!("prompt.weights");

/// First bytes of a table, and its version.
const MAGIC: [u8; 4] = *b"PGM1";

/// A linear model over the features of one view.
#[derive(Clone, PartialEq)]
pub struct Model {
    /// Fingerprint of the names of the features that the weights belong to.
    pub fingerprint: u64,
    /// What a text without any feature has.
    pub bias: f32,
    /// A weight a dense feature.
    pub dense: Vec<f32>,
    /// What one step of `grams` is.
    pub gram_step: f32,
    /// A weight a bucket, in steps. Empty: the model has none.
    pub grams: Vec<i8>,
    /// The sum at which a person is asked.
    pub review: f32,
    /// The sum at which an action is blocked.
    pub block: f32,
}

impl Model {
    /// A model that knows nothing: every text is at the bias.
    pub fn blank(features: usize) -> Self {
        Self {
            fingerprint: 0,
            bias: 0.0,
            dense: vec![0.0; features],
            gram_step: 0.0,
            grams: Vec::new(),
            review: 1.0,
            block: 2.0,
        }
    }

    /// The table that is built in; `None` if it cannot be read (a test holds that it can).
    pub(super) fn built_in() -> Option<Self> {
        Self::from_bytes(BUILT_IN)
    }

    /// Reads a table.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&MAGIC)?;
        let fingerprint = u64::from_le_bytes(*take::<8>(&mut rest)?);
        let mut float = || Some(f32::from_le_bytes(*take::<4>(&mut rest)?));
        let (bias, gram_step, review, block) = (float()?, float()?, float()?, float()?);
        let features = u32::from_le_bytes(*take::<4>(&mut rest)?);
        let mut dense = Vec::new();
        for _ in 0..features {
            dense.push(f32::from_le_bytes(*take::<4>(&mut rest)?));
        }
        let grams: Vec<i8> = rest.iter().map(|&byte| byte as i8).collect();
        let whole = grams.is_empty() || grams.len() == BUCKETS;
        whole.then_some(Self { fingerprint, bias, dense, gram_step, grams, review, block })
    }

    /// The table as it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.fingerprint.to_le_bytes());
        for float in [self.bias, self.gram_step, self.review, self.block] {
            out.extend(float.to_le_bytes());
        }
        out.extend((self.dense.len() as u32).to_le_bytes());
        out.extend(self.dense.iter().flat_map(|weight| weight.to_le_bytes()));
        out.extend(self.grams.iter().map(|&weight| weight as u8));
        out
    }

    /// The weight of a bucket, in steps.
    pub(super) fn gram(&self, bucket: usize) -> i32 {
        self.grams.get(bucket).map_or(0, |&weight| i32::from(weight))
    }

    /// Puts a sum on the scale of 0 to 100: 50 at `review`, 80 at `block`, and growing everywhere.
    pub fn score(&self, sum: f32) -> f32 {
        let width = (self.block - self.review).max(1e-3);
        if !sum.is_finite() {
            return 0.0;
        }
        let score = if sum < self.review {
            50.0 * ((sum - self.review) / (2.0 * width)).exp()
        } else if sum < self.block {
            50.0 + 30.0 * (sum - self.review) / width
        } else {
            100.0 - 20.0 * (-(sum - self.block) / (2.0 * width)).exp()
        };
        score.clamp(0.0, 100.0)
    }

    /// Points of the scale that a part of the sum is worth around `review`.
    pub(super) fn points(&self, part: f32) -> f32 {
        30.0 * part / (self.block - self.review).max(1e-3)
    }
}

/// Fingerprint of the names of features (FNV-1a).
pub(super) fn fingerprint<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    names.flat_map(|name| name.bytes().chain([0])).fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(head)
}

impl fmt::Debug for Model {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Model").field("features", &self.dense.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_survives_being_stored() {
        let model = Model {
            fingerprint: 7,
            bias: -1.5,
            dense: vec![0.25, -3.0],
            gram_step: 0.01,
            grams: (0..BUCKETS).map(|n| (n % 256) as u8 as i8).collect(),
            review: 1.0,
            block: 3.0,
        };
        assert_eq!(Model::from_bytes(&model.to_bytes()), Some(model.clone()));
        let bytes = model.to_bytes();
        for len in [0, 3, 4, 20, 30, 39, bytes.len() - 1] {
            assert_eq!(Model::from_bytes(&bytes[..len]), None, "{len}");
        }
    }

    #[test]
    fn the_scale_meets_its_marks_and_never_falls() {
        let model = Model { review: -1.0, block: 2.0, ..Model::blank(0) };
        assert_eq!((model.score(-1.0), model.score(2.0)), (50.0, 80.0));
        let scores: Vec<f32> = (-100..100).map(|n| model.score(n as f32 / 10.0)).collect();
        assert!(scores.windows(2).all(|two| two[0] < two[1]), "{scores:?}");
        assert_eq!(model.score(f32::NAN), 0.0);
    }
}
