//! Has the linker put the code that a gateway at rest and its clients need side by side: `link/near.ld` says which.
#![allow(clippy::print_stdout, reason = "cargo listens there")]

use std::env;
use std::path::Path;

fn main() {
    const SCRIPT: &str = "link/near.ld";
    println!("cargo::rerun-if-changed={SCRIPT}");
    // For a program whose functions valgrind knows by name: it reads the symbols of `.text` alone.
    println!("cargo::rerun-if-env-changed=PINCER_LINK_PLAIN");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // The script is in the language of GNU ld, which lld speaks too.
    if is("CARGO_CFG_TARGET_OS", "linux")
        && env::var_os("PINCER_LINK_PLAIN").is_none()
        && let Ok(folder) = env::var("CARGO_MANIFEST_DIR")
    {
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", Path::new(&folder).join(SCRIPT).display());
    }
}
