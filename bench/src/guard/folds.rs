//! Cross-validation by origin: what a model that never saw a source makes of it.
//!
//! A source, its translations (`-multilingual`) and its encodings (`derived:`) are one origin and are left out
//! together. Each origin is a fold of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pincer_defender::prompt::{Model, PromptGuard, Scratch};

use super::corpus::{Label, Row};
use super::prompts::provenance;
use super::train::{Prepared, Recipe};

/// Every row, judged by a model that was trained without its origin.
pub(crate) struct Validated {
    /// Of each row: the sum that the model made, before the scale.
    pub(crate) sums: Vec<f32>,
    pub(crate) took: Vec<Duration>,
    /// Whether a row is harmless, and whether it is data.
    kinds: Vec<(bool, bool)>,
}

/// Where review and block begin, and what is added to the sum of data.
pub(crate) struct Marks {
    pub(crate) review: f32,
    pub(crate) block: f32,
    pub(crate) data: f32,
}

/// Where the rows of a source come from.
pub(crate) fn origin(source: &str) -> &str {
    let source = source.strip_prefix("derived:").unwrap_or(source);
    source.strip_suffix("-multilingual").unwrap_or(source)
}

pub(crate) fn validate(
    rows: &[Row],
    prepared: &Prepared,
    guard: &mut PromptGuard,
    recipe: &Recipe,
) -> Validated {
    let origins: BTreeSet<&str> = rows.iter().map(|row| origin(&row.source)).collect();
    let mut scratch = Scratch::default();
    let kind = |row: &Row| (row.label == Label::Benign, provenance(row.channel).is_data());
    let mut validated = Validated {
        sums: vec![0.0; rows.len()],
        took: vec![Duration::ZERO; rows.len()],
        kinds: rows.iter().map(kind).collect(),
    };
    for left_out in origins {
        guard.set_model(prepared.train(recipe, |source| origin(source) != left_out));
        for (n, row) in rows.iter().enumerate().filter(|(_, row)| origin(&row.source) == left_out) {
            let since = Instant::now();
            validated.sums[n] = guard.sum(&row.text, provenance(row.channel), &mut scratch);
            validated.took[n] = since.elapsed();
        }
    }
    validated
}

impl Validated {
    /// The sums above which the wanted shares of harmless rows are.
    pub(crate) fn marks(&self, recipe: &Recipe) -> Marks {
        let (review, block, data) = recipe.marks();
        let said = self.mark(review, 0.0, |is_data| !is_data);
        let read = self.mark(data, 0.0, |is_data| is_data);
        let shift = said - read;
        let review = self.mark(review, shift, |_| true);
        let block = self.mark(block, shift, |_| true);
        Marks { review, block: block.max(review + 0.1), data: shift }
    }

    fn mark(&self, share: f32, shift: f32, of: impl Fn(bool) -> bool) -> f32 {
        let benign = self.sums.iter().zip(&self.kinds).filter(|(_, (benign, data))| *benign && of(*data));
        let mut sums: Vec<f32> =
            benign.map(|(sum, (_, data))| sum + if *data { shift } else { 0.0 }).collect();
        sums.sort_by(|a, b| b.total_cmp(a));
        sums.get((share * sums.len() as f32) as usize).copied().unwrap_or(0.0) + 1e-4
    }

    /// The scores that a model with these marks would give.
    pub(crate) fn scores(&self, recipe: &Recipe) -> Vec<f32> {
        let Marks { review, block, data } = self.marks(recipe);
        let model = Model { review, block, ..Model::blank(0) };
        let shifted =
            self.sums.iter().zip(&self.kinds).map(|(sum, kind)| sum + if kind.1 { data } else { 0.0 });
        shifted.map(|sum| model.score(sum)).collect()
    }
}
