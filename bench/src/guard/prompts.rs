//! Labelled prompts.

use std::path::PathBuf;
use std::time::Instant;

use pincer_defender::Provenance;
use pincer_defender::prompt::{PromptGuard, Scratch};

use super::corpus::{self, Channel};
use super::report::{self, Judged};

/// Which rows.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A file of labelled rows.
    #[arg(long)]
    corpus: PathBuf,
}

pub(crate) fn run(options: &Options) {
    let rows = corpus::read(&options.corpus);
    let (guard, mut scratch) = (PromptGuard::new(), Scratch::default());
    let judge = |row| {
        let row: &corpus::Row = row;
        let from = match row.channel {
            Channel::User => Provenance::ChannelUser,
            Channel::Tool => Provenance::ToolOutput,
        };
        let since = Instant::now();
        let score = guard.assess(&row.text, from, &mut scratch).score;
        Judged { row, score, took: since.elapsed() }
    };
    report::print(&rows.iter().map(judge).collect::<Vec<_>>());
}
