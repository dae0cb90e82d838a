//! Cross-validation by origin: what a model that never saw a source makes of it.
//!
//! A source, its translations (`-multilingual`) and its encodings (`derived:`) are one origin and are left out
//! together. Each origin is a fold of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use pincer_defender::prompt::{Model, PromptGuard, Scratch};

use super::clock;
use super::corpus::{Label, Row};
use super::prompts::provenance;
use super::train::{Prepared, Recipe};

/// Every row, judged by a model that was trained without its origin.
pub(crate) struct Validated {
    /// Of each row: the sum that the model made, before the scale.
    pub(crate) sums: Vec<f32>,
    pub(crate) took: Vec<Duration>,
    kinds: Vec<Kind>,
}

/// What a row is to the marks.
struct Kind {
    benign: bool,
    data: bool,
    document: bool,
    /// Only measured: it sets no mark.
    measured: bool,
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

/// Judges each row by a model that did not see its origin, and shows `each` the row beside that model.
pub(crate) fn validate(
    rows: &[Row],
    prepared: &Prepared,
    guard: &mut PromptGuard,
    recipe: &Recipe,
    each: &dyn Fn(&PromptGuard, &Row),
) -> Validated {
    let origins: BTreeSet<&str> = rows.iter().map(|row| origin(&row.source)).collect();
    let mut scratch = Scratch::default();
    let kind = |row: &Row| Kind {
        benign: row.label == Label::Benign,
        data: provenance(row.channel).is_data(),
        document: row.source.starts_with("documents:"),
        measured: row.source.starts_with("measured:"),
    };
    let mut validated = Validated {
        sums: vec![0.0; rows.len()],
        took: vec![Duration::ZERO; rows.len()],
        kinds: rows.iter().map(kind).collect(),
    };
    for left_out in origins {
        guard.set_model(prepared.train(recipe, |source| origin(source) != left_out));
        for (n, row) in rows.iter().enumerate().filter(|(_, row)| origin(&row.source) == left_out) {
            let since = clock::now();
            validated.sums[n] = guard.sum(&row.text, provenance(row.channel), &mut scratch);
            validated.took[n] = clock::since(since);
            each(guard, row);
        }
    }
    validated
}

impl Validated {
    /// The sums above which the wanted shares of harmless rows are. Review begins where neither the corpus nor the
    /// documents of the repository that were held out have more than theirs.
    pub(crate) fn marks(&self, recipe: &Recipe) -> Marks {
        let (review, block, data, documents) = recipe.marks();
        let said = self.mark(review, 0.0, |kind| !kind.data && !kind.document);
        let read = self.mark(data, 0.0, |kind| kind.data && !kind.document);
        let shift = said - read;
        let review = self.mark(review, shift, |kind| !kind.document);
        let review = review.max(self.mark(documents, shift, |kind| kind.document));
        let block = self.mark(block, shift, |_| true);
        Marks { review, block: block.max(review + 0.1), data: shift }
    }

    fn mark(&self, share: f32, shift: f32, of: impl Fn(&Kind) -> bool) -> f32 {
        let rows = self.sums.iter().zip(&self.kinds);
        let benign = rows.filter(|(_, kind)| kind.benign && !kind.measured && of(kind));
        let mut sums: Vec<f32> =
            benign.map(|(sum, kind)| sum + if kind.data { shift } else { 0.0 }).collect();
        sums.sort_by(|a, b| b.total_cmp(a));
        sums.get((share * sums.len() as f32) as usize).copied().unwrap_or(f32::MIN) + 1e-4
    }

    /// The scores that a model with these marks would give.
    pub(crate) fn scores(&self, recipe: &Recipe) -> Vec<f32> {
        let Marks { review, block, data } = self.marks(recipe);
        let model = Model { review, block, ..Model::blank(0) };
        let shifted =
            self.sums.iter().zip(&self.kinds).map(|(sum, kind)| sum + if kind.data { data } else { 0.0 });
        shifted.map(|sum| model.score(sum)).collect()
    }
}
