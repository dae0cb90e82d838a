//! The Rust guard that this one follows, on the same rows.
//!
//! It is public: `rust-agent/src/security/prompt_guard.rs` and `command_guard.rs` of `openclaw/openclaw` at commit d7cf991,
//! with the patterns and thresholds of `Config::default` in `rust-agent/src/config.rs`. Its code is not part of this
//! repository. A program of our own called it on every row of the corpora: what it scored is in `earlier/`, by score,
//! with the percentiles of its times in microseconds (one core, the least of three runs a row, on the machine of this
//! repository's other figures). Rows that are not listed had a score of 0.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use pincer_defender::{BLOCK_AT, REVIEW_AT};
use serde::Deserialize;

use super::report::{self, Judged};

/// What it scored.
#[derive(Deserialize)]
pub(crate) struct Earlier {
    /// Rows of the corpus that it was measured on.
    rows: usize,
    /// Its own thresholds.
    review: f32,
    block: f32,
    /// Microseconds a decision.
    p50: f32,
    p99: f32,
    /// Ids by score, of 0 to 100.
    scores: BTreeMap<u8, Vec<String>>,
}

impl Earlier {
    pub(crate) fn on_prompts() -> Self {
        Self::read(include_str!("earlier/prompts.json"))
    }

    pub(crate) fn on_commands() -> Self {
        Self::read(include_str!("earlier/commands.json"))
    }

    fn read(record: &str) -> Self {
        serde_json::from_str(record).unwrap_or_else(|error| panic!("earlier guard's record: {error}"))
    }

    /// A score where ours has the same meaning.
    fn scaled(&self, score: f32) -> f32 {
        let between =
            |from: f32, to: f32, low: f32, high: f32| low + (score - from) / (to - from) * (high - low);
        match score {
            score if score < self.review => between(0.0, self.review, 0.0, REVIEW_AT),
            score if score < self.block => between(self.review, self.block, REVIEW_AT, BLOCK_AT),
            _ => between(self.block, 100.0, BLOCK_AT, 100.0),
        }
    }

    /// The same rows as it judged them; `None` if they are not those that it was measured on.
    fn judged<'a>(&self, ours: &[Judged<'a>]) -> Option<Vec<Judged<'a>>> {
        let listed = self.scores.iter();
        let scores: HashMap<&str, f32> = listed
            .flat_map(|(&score, ids)| ids.iter().map(move |id| (id.as_str(), f32::from(score))))
            .collect();
        let known = ours.iter().filter(|one| scores.contains_key(one.row.id.as_str())).count();
        let judge = |one: &Judged<'a>| {
            let score = scores.get(one.row.id.as_str()).copied().unwrap_or(0.0);
            Judged { row: one.row, score: self.scaled(score), took: Duration::ZERO }
        };
        (ours.len() == self.rows && known == scores.len()).then(|| ours.iter().map(judge).collect())
    }

    /// Prints its figures, and per category those of both; returns the rows as it judged them.
    pub(crate) fn print_beside<'a>(&self, ours: &[Judged<'a>]) -> Vec<Judged<'a>> {
        println!("\nearlier Rust guard, on the same rows (bench/src/guard/earlier.rs says which it is)");
        let Some(theirs) = self.judged(ours) else {
            println!("not comparable: it was measured on {} other rows", self.rows);
            return Vec::new();
        };
        report::figures(&theirs);
        println!("us a decision: p50 {:.1}  p99 {:.1}", self.p50, self.p99);
        report::side_by_side(ours, &theirs);
        theirs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_thresholds_are_where_ours_are() {
        let earlier = Earlier::on_commands();
        let scaled = [0.0, 34.0, 35.0, 64.0, 65.0, 100.0].map(|score| earlier.scaled(score));
        assert_eq!((scaled[0], scaled[2], scaled[4], scaled[5]), (0.0, REVIEW_AT, BLOCK_AT, 100.0));
        assert!(scaled[1] < REVIEW_AT && scaled[3] < BLOCK_AT);
        assert!(scaled.is_sorted());
    }

    #[test]
    fn records_are_whole() {
        for earlier in [Earlier::on_prompts(), Earlier::on_commands()] {
            let listed: usize = earlier.scores.values().map(Vec::len).sum();
            assert!(listed > 0 && listed <= earlier.rows);
            assert!(earlier.scores.keys().all(|score| (1..=100).contains(score)));
        }
    }
}
