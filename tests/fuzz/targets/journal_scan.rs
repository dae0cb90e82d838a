//! The store's journal, on any bytes.
//!
//! Reading must not panic, and must find the same batches when what lies between them is damaged differently.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pincer_store::fuzz_journal;

fuzz_target!(|bytes: &[u8]| {
    let whole = fuzz_journal(bytes);
    // A cut never makes more of it, and more behind it never less.
    for cut in [bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
        assert!(fuzz_journal(&bytes[..cut]) <= whole, "cut at {cut}");
    }
    if bytes.ends_with(b"\n") {
        assert_eq!(fuzz_journal(&[bytes, b"torn"].concat()), whole, "torn behind");
    }
    assert_eq!(fuzz_journal(&[b"damaged\n", bytes].concat()), whole, "damaged before");
});
