//! Bundles that are taken, and all the ways not to be.

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use super::*;
use crate::policy::{Format, Mode};

const NOW: u64 = 1_795_400_000_000;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn public(id: &str, seed: u8) -> TrustedKey {
    TrustedKey { key_id: id.to_owned(), public_key: key(seed).verifying_key().to_bytes() }
}

fn draft(version: u64) -> Draft {
    Draft {
        key_id: "one".to_owned(),
        version,
        issued_at_ms: NOW - 1_000,
        expires_at_ms: None,
        format: Format::Toml,
        policy: "mode = \"enforce\"".to_owned(),
        next_keys: Vec::new(),
    }
}

fn trust() -> TrustStore {
    TrustStore::new(vec![public("one", 1)]).unwrap()
}

/// What a store says of a bundle: its version, or the error's text.
#[track_caller]
fn check(store: &TrustStore, bundle: &str, expect: Result<u64, &str>) {
    let said = store.verify(bundle.as_bytes(), NOW).map(|verified| verified.policy.version.get());
    match (&said, expect) {
        (Ok(version), Ok(wanted)) if *version == wanted => {}
        (Err(error), Err(part)) if error.to_string().contains(part) => {}
        _ => panic!("{said:?}, not {expect:?}"),
    }
}

/// A bundle with one field of its JSON changed after signing.
fn changed(field: &str, value: Value) -> String {
    let mut bundle: Value = serde_json::from_str(&sign(draft(1), &key(1)).unwrap()).unwrap();
    bundle[field] = value;
    bundle.to_string()
}

#[test]
fn a_signed_policy_is_taken() {
    let text = sign(draft(3), &key(1)).unwrap();
    let verified = trust().verify(text.as_bytes(), NOW).unwrap();
    assert_eq!((verified.policy.mode, verified.policy.version.get()), (Mode::Enforce, 3));
    assert_eq!((verified.key_id.as_str(), verified.repeated), ("one", false));
    // Blanks and the order of names are not signed.
    let value: Value = serde_json::from_str(&text).unwrap();
    let reversed: serde_json::Map<String, Value> =
        value.as_object().unwrap().clone().into_iter().rev().collect();
    check(&trust(), &Value::Object(reversed).to_string(), Ok(3));
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let forged = "signature is not by key \"one\"";
    check(&trust(), &changed("policy", json!("mode = \"off\"")), Err(forged));
    check(&trust(), &changed("version", json!(2)), Err(forged));
    check(&trust(), &changed("issuedAtMs", json!(1)), Err(forged));
    check(&trust(), &changed("expiresAtMs", json!(NOW + 1)), Err(forged));
    check(&trust(), &changed("format", json!("json")), Err(forged));
    check(&trust(), &changed("nextKeys", json!([public("evil", 9)])), Err(forged));
    check(&trust(), &sign(draft(1), &key(2)).unwrap(), Err(forged));
    check(&trust(), &changed("keyId", json!("two")), Err("key \"two\", trusted are [one]"));
    check(&TrustStore::default(), &sign(draft(1), &key(1)).unwrap(), Err("trusted are []"));
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    let bundle = Bundle::read(sign(draft(1), &key(1)).unwrap().as_bytes()).unwrap();
    for bit in 0..512 {
        let mut broken = bundle.clone();
        broken.signature[bit / 8] ^= 1 << (bit % 8);
        check(&trust(), &serde_json::to_string(&broken).unwrap(), Err("signature is not by"));
    }
}

#[test]
fn malformed_bundles_say_where() {
    let long = " ".repeat(BUNDLE_BYTES_MAX + 1);
    check(&trust(), &long, Err("has 262145 bytes, allowed are 262144"));
    check(&trust(), "{", Err("this is no policy bundle"));
    check(&trust(), "{}", Err("missing field"));
    check(&trust(), "[1]", Err("is a JSON object"));
    check(&trust(), &changed("nextKeys", json!([["a", "b"]])), Err("is a JSON object"));
    check(&trust(), &changed("extra", json!(1)), Err("extra: unknown field `extra`"));
    check(&trust(), &changed("bundle", json!(2)), Err("2 is out of range, allowed is 1 to 1"));
    check(&trust(), &changed("version", json!(0)), Err("version: 0 is out of range"));
    check(&trust(), &changed("signature", json!("AAAA")), Err("signature: must be base64 of 64 bytes"));
    check(&trust(), &changed("expiresAtMs", json!(1)), Err("expiresAtMs is not after issuedAtMs"));
    let twice = sign(draft(1), &key(1)).unwrap().replacen('{', "{\"version\":9,", 1);
    check(&trust(), &twice, Err("\"version\" stands twice"));
    let keys: Vec<TrustedKey> = (0..17).map(|n| public(&format!("k{n}"), n)).collect();
    check(&trust(), &changed("nextKeys", json!(keys)), Err("nextKeys: 17 keys, allowed are 16"));
    check(&trust(), &changed("nextKeys", json!([public("a", 1), public("a", 2)])), Err("\"a\" stands twice"));
    // The neutral point: of small order, every signature of a kind would verify.
    let mut weak = [0; 32];
    weak[0] = 1;
    let weak = TrustedKey { key_id: "w".to_owned(), public_key: weak };
    check(&trust(), &changed("nextKeys", json!([weak])), Err("the public key \"w\" is no Ed25519 key"));
    assert!(TrustStore::new(vec![public("a b", 1)]).is_err());
}

#[test]
fn time_ends_a_bundle() {
    let expiring = |at| sign(Draft { expires_at_ms: Some(at), ..draft(1) }, &key(1)).unwrap();
    check(&trust(), &expiring(NOW + 1), Ok(1));
    check(&trust(), &expiring(NOW), Err("the bundle expired at 1795400000000"));
    // Also one that was accepted before.
    let text = expiring(NOW + 1);
    let mut store = trust();
    let verified = store.verify(text.as_bytes(), NOW).unwrap();
    store.accept(&verified);
    assert!(matches!(store.verify(text.as_bytes(), NOW + 1), Err(BundleError::Expired { .. })));
}

#[test]
fn there_is_no_way_back() {
    let mut store = trust();
    let five = sign(draft(5), &key(1)).unwrap();
    let verified = store.verify(five.as_bytes(), NOW).unwrap();
    assert!(store.accept(&verified));
    check(&store, &five, Ok(5));
    check(&store, &sign(draft(4), &key(1)).unwrap(), Err("has version 4, but 5 was accepted before"));
    let other = Draft { policy: "mode = \"off\"".to_owned(), ..draft(5) };
    check(&store, &sign(other, &key(1)).unwrap(), Err("version 5 was accepted before with other content"));
    check(&store, &sign(draft(6), &key(1)).unwrap(), Ok(6));
    // Kept and read again, the store says the same.
    let kept = TrustStore::from_json(&serde_json::to_string(&store).unwrap()).unwrap();
    assert_eq!(kept, store);
    // A repeat changes nothing, and neither does what was verified too early.
    let repeated = store.verify(five.as_bytes(), NOW).unwrap();
    assert!(repeated.repeated && !store.accept(&repeated));
    let six = store.verify(sign(draft(6), &key(1)).unwrap().as_bytes(), NOW).unwrap();
    let seven = store.verify(sign(draft(7), &key(1)).unwrap().as_bytes(), NOW).unwrap();
    assert!(store.accept(&seven) && !store.accept(&six));
    assert_eq!(store.accepted().unwrap().version, 7);
}

#[test]
fn keys_rotate() {
    let mut store = trust();
    let rotating = Draft { next_keys: vec![public("two", 2)], ..draft(1) };
    let rotating = sign(rotating, &key(1)).unwrap();
    let by_two = |version| sign(Draft { key_id: "two".to_owned(), ..draft(version) }, &key(2)).unwrap();
    check(&store, &by_two(2), Err("key \"two\", trusted are [one]"));
    let verified = store.verify(rotating.as_bytes(), NOW).unwrap();
    assert!(store.accept(&verified));
    check(&store, &by_two(2), Ok(2));
    check(&store, &sign(draft(2), &key(1)).unwrap(), Err("key \"one\", trusted are [two]"));
    // A restart reads the rotating bundle again, by a key that is retired since.
    check(&store, &rotating, Ok(1));
}

#[test]
fn the_owner_may_name_other_keys() {
    let mut store = trust();
    let verified = store.verify(sign(draft(5), &key(1)).unwrap().as_bytes(), NOW).unwrap();
    store.accept(&verified);
    store.trust(vec![public("two", 2)]).unwrap();
    let by_two = |version| sign(Draft { key_id: "two".to_owned(), ..draft(version) }, &key(2)).unwrap();
    check(&store, &by_two(6), Ok(6));
    check(&store, &by_two(4), Err("has version 4, but 5 was accepted before"));
    check(&store, &sign(draft(6), &key(1)).unwrap(), Err("key \"one\", trusted are [two]"));
    assert!(store.trust(vec![public("two", 2), public("two", 1)]).is_err());
}

#[test]
fn the_policy_inside_is_checked_too() {
    let with = |policy: &str| sign(Draft { policy: policy.to_owned(), ..draft(4) }, &key(1));
    assert!(with("version = 4").is_ok());
    assert_eq!(
        with("version = 3").unwrap_err().to_string().split(':').next(),
        Some("the bundle has version 4, the policy in it says 3")
    );
    assert!(with("mdoe = \"off\"").unwrap_err().to_string().contains("policy field mdoe"));
    assert!(sign(draft(0), &key(1)).is_err());
    assert!(sign(Draft { key_id: "a/b".to_owned(), ..draft(1) }, &key(1)).is_err());
}

#[test]
fn what_is_signed_is_frozen() {
    let bundle = Bundle::read(sign(draft(1), &key(1)).unwrap().as_bytes()).unwrap();
    let bytes = bundle.signed_bytes();
    assert!(bytes.starts_with(b"pincer policy bundle v1\0\0\0\0\x03one\0\0\0\0\0\0\0\x01"));
    assert!(bytes.ends_with(b"\0\0\0\x04toml\0\0\0\x10mode = \"enforce\"\0\0\0\0"));
    assert_eq!(bytes.len(), 24 + 7 + 8 + 8 + 1 + 8 + 8 + 20 + 4);
}
