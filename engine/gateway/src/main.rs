//! The `pincer` binary.
fn main() {}
