//! The `pincer` binary: the command line, and the start of a gateway.
//!
//! No logic of a gateway is here: [`run`] and [`serve`] assemble the other crates, [`cli`] is everything else that people
//! type, and [`client`] is how the command line talks to a running gateway.

mod cli;
mod client;
mod guard;
mod identity;
mod integrity;
mod lists;
mod run;
mod serve;
mod warm;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pincer_runtime::memory::settle_allocator();
    cli::main()
}
