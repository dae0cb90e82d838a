//! Measures the gateway from outside. One question a subcommand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program that reports")]

mod allocations;
mod compare;
mod cores;
mod guard;
mod heap;
mod idle;
mod load;
mod micro;
mod near;
mod peers;
mod process;
mod trend;

use std::process::ExitCode;

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
    /// Where does the gateway stand beside everything a user could pick instead?
    Compare(compare::Options),
    /// How did that go, run by run?
    Trend(trend::Options),
    /// How much can a server do, how fast, and what does it cost?
    Load(load::Options),
    /// How well does the defender judge, and how fast?
    #[command(subcommand)]
    Guard(guard::Question),
    /// How many instructions and allocations do the paths take that everything takes?
    Micro(micro::Options),
    /// What does the gateway take from the heap, and does it give it back?
    Heap(heap::Options),
    /// Which functions does a gateway run at rest? Written down for the linker.
    Near(near::Options),
}

fn main() -> ExitCode {
    match Options::parse().question {
        Question::Idle(options) => idle::run(&options),
        Question::Compare(options) => compare::run(&options),
        Question::Trend(options) => trend::run(&options),
        Question::Load(options) => load::run(&options),
        Question::Guard(question) => guard::run(&question),
        Question::Micro(options) => return micro::run(&options),
        Question::Heap(options) => return heap::run(&options),
        Question::Near(options) => near::run(&options),
    }
    ExitCode::SUCCESS
}
