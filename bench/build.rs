//! Tells the program what it was built with: counts of instructions hold for one compiler and one profile.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::print_stdout, reason = "this is how a build script speaks")]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = Command::new(env::var_os("RUSTC").unwrap()).arg("--version").output().unwrap();
    println!("cargo:rustc-env=BENCH_RUSTC={}", String::from_utf8(rustc.stdout).unwrap().trim());
    // `PROFILE` says "release" for every profile that inherits from it; the folder says which: <profile>/build/<crate>/out.
    let out = env::var("OUT_DIR").unwrap();
    let profile = Path::new(&out).ancestors().nth(3).and_then(Path::file_name).unwrap();
    println!("cargo:rustc-env=BENCH_PROFILE={}", profile.to_str().unwrap());
}
