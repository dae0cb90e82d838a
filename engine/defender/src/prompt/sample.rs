//! What a trainer needs to see of a text.

use super::assess::{PromptGuard, Scratch, windows};
use super::ngram;
use crate::Provenance;

/// The features of one view of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// In the order of [`PromptGuard::features`].
    pub dense: Vec<f32>,
    /// Bucket and value of each n-gram.
    pub grams: Vec<(u16, f32)>,
    /// How many encodings the text was in.
    pub depth: u8,
    /// Which part of its window the encoded form was: 1 for the window itself.
    pub share: f32,
}

impl PromptGuard {
    /// All views of a text, as they are judged.
    pub fn samples(&self, text: &str, from: Provenance, scratch: &mut Scratch) -> Vec<Sample> {
        let mut samples = Vec::new();
        for (start, end) in windows(text) {
            let window = text.get(start..end).unwrap_or_default();
            scratch.begin(window.len());
            scratch.edges = [start == 0, end == text.len()];
            self.each_view(window, start as u32, scratch, &mut |guard, scratch, depth, within| {
                guard.measure(from, scratch);
                let mut grams = Vec::new();
                let count = if guard.has_evidence(scratch) {
                    ngram::each(&scratch.view, from.is_data(), |bucket| grams.push((bucket as u16, 1.0)))
                } else {
                    0
                };
                let scale = 1.0 / (count as f32).sqrt().max(1.0);
                grams.sort_unstable_by_key(|&(bucket, _)| bucket);
                grams.dedup_by(|one, kept| {
                    let same = one.0 == kept.0;
                    kept.1 += if same { one.1 } else { 0.0 };
                    same
                });
                grams.iter_mut().for_each(|gram| gram.1 *= scale);
                let share = within.map_or(1.0, |span| (span.end - span.start) as f32 / window.len() as f32);
                samples.push(Sample { dense: scratch.dense.clone(), grams, depth, share });
                false
            });
        }
        samples
    }
}
