//! Measures the gateway from outside. One question a subcommand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "this is a program that reports")]

mod guard;
mod idle;
mod process;

use clap::{Parser, Subcommand};

/// Measures the gateway from outside.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    question: Question,
}

#[derive(Subcommand)]
enum Question {
    /// What do connections cost that do nothing?
    Idle(idle::Options),
    /// How well does the defender judge, and how fast?
    #[command(subcommand)]
    Guard(guard::Question),
}

fn main() {
    match Options::parse().question {
        Question::Idle(options) => idle::run(&options),
        Question::Guard(question) => guard::run(&question),
    }
}
