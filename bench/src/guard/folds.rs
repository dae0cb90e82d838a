//! Cross-validation by origin: what a model that never saw a source makes of it.
//!
//! A source, its translations (`-multilingual`) and its encodings (`derived:`) are one origin and are left out
//! together. Each origin is a fold of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use pincer_defender::prompt::{Model, PromptGuard, Scratch};

use super::clock;
use super::corpus::{Label, Row};
use super::own;
use super::prompts::provenance;
use super::train::{Prepared, Recipe};

/// Every row, judged by a model that was trained without its origin.
pub(crate) struct Validated {
    /// Of each row: the sum that the model made, before the scale.
    pub(crate) sums: Vec<f32>,
    pub(crate) took: Vec<Duration>,
    kinds: Vec<Kind>,
    /// Of those texts of our own that are in parts: their numbers, and the sums of models that did not see their part.
    pub(crate) own: Vec<(usize, f32)>,
    /// Of those among them that are harmless and data.
    texts: Vec<f32>,
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

/// Judges each row by a model that did not see its origin, and shows `each` the row beside that model. Of those it is
/// `trained` on beside, those that are in parts are judged, too.
pub(crate) fn validate(
    rows: &[Row],
    trained: &[Row],
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
        measured: row.source.starts_with("measured:") || row.source == own::UNSEEN,
    };
    let mut validated = Validated {
        sums: vec![0.0; rows.len()],
        took: vec![Duration::ZERO; rows.len()],
        kinds: rows.iter().map(kind).collect(),
        own: Vec::new(),
        texts: Vec::new(),
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
    for fold in 0..own::FOLDS {
        guard.set_model(prepared.train(recipe, |source| own::fold(source) != Some(fold)));
        for (n, row) in trained.iter().enumerate().filter(|(_, row)| own::fold(&row.source) == Some(fold)) {
            let sum = guard.sum(&row.text, provenance(row.channel), &mut scratch);
            validated.own.push((n, sum));
            if row.label == Label::Benign && provenance(row.channel).is_data() {
                validated.texts.push(sum);
            }
        }
    }
    validated
}

impl Validated {
    /// The sums above which the wanted shares of harmless rows are. Review begins where neither the corpus nor the
    /// documents of the repository that were held out have more than theirs.
    pub(crate) fn marks(&self, recipe: &Recipe) -> Marks {
        let said = self.mark(recipe.review_fpr, 0.0, |kind| !kind.data && !kind.document);
        let read = self.mark(recipe.data_fpr, 0.0, |kind| kind.data && !kind.document);
        let read = read.max(highest(self.texts.clone(), recipe.texts_fpr));
        let shift = said - read;
        let review = self.mark(recipe.review_fpr, shift, |kind| !kind.document);
        let review = review.max(self.mark(recipe.documents_fpr, shift, |kind| kind.document));
        let texts = self.texts.iter().map(|sum| sum + shift).collect();
        let block = self.mark(recipe.block_fpr, shift, |_| true).max(highest(texts, recipe.texts_block_fpr));
        Marks { review, block: block.max(review + 0.1), data: shift }
    }

    fn mark(&self, share: f32, shift: f32, of: impl Fn(&Kind) -> bool) -> f32 {
        let rows = self.sums.iter().zip(&self.kinds);
        let benign = rows.filter(|(_, kind)| kind.benign && !kind.measured && of(kind));
        highest(benign.map(|(sum, kind)| sum + if kind.data { shift } else { 0.0 }).collect(), share)
    }

    /// The scores that a model with these marks would give; `own` are those of our own texts that are in parts.
    pub(crate) fn scores(&self, trained: &[Row], recipe: &Recipe) -> (Vec<f32>, Vec<f32>) {
        let Marks { review, block, data } = self.marks(recipe);
        let model = Model { review, block, ..Model::blank(0) };
        let score = |sum: f32, is_data: bool| model.score(sum + if is_data { data } else { 0.0 });
        let rows = self.sums.iter().zip(&self.kinds).map(|(&sum, kind)| score(sum, kind.data)).collect();
        let is_data = |n: usize| trained.get(n).is_some_and(|row| provenance(row.channel).is_data());
        (rows, self.own.iter().map(|&(n, sum)| score(sum, is_data(n))).collect())
    }
}

/// The sum above which the highest `share` of all are.
fn highest(mut sums: Vec<f32>, share: f32) -> f32 {
    sums.sort_by(|a, b| b.total_cmp(a));
    sums.get((share * sums.len() as f32) as usize).copied().unwrap_or(f32::MIN) + 1e-4
}
