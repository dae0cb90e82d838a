//! The signed bundle that the config's `defender` section names.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pincer_defender::Defender;
use pincer_defender::policy::Source;
use pincer_defender::policy::bundle::{BUNDLE_BYTES_MAX, BundleError, TrustedKey, Verified};
use serde_json::{Map, Value};

use super::trust::Trust;
use super::{Places, Read, refused};
use crate::serve::Refused;

/// Reads the bundle that `named` (the value of `section.bundle`) names. What it takes is noted on disk before it returns.
pub(super) fn read(section: &Value, named: &Value, places: &Places, now_ms: u64) -> Result<Read, Refused> {
    let (mut trust, verified, path) = verify(section, named, places, now_ms)?;
    let defender = Defender::new(verified.policy.clone())
        .map_err(|error| {
            let error = BundleError::from(error);
            refused(format!("the policy bundle {} is refused: {error}", path.display()))
        })?
        .read_from(Source::Bundle { key_id: verified.key_id.clone() });
    let changed = trust.store.accept(&verified);
    let mut notes = trust.keep(changed)?;
    notes.extend(defender.policy().unknown_rules());
    if changed && !verified.next_keys.is_empty() {
        let ids: Vec<&str> = verified.next_keys.iter().map(|key| key.key_id.as_str()).collect();
        notes.push(format!("the policy bundle changes the trusted keys: from now on [{}]", ids.join(", ")));
    }
    Ok(Read { defender, notes })
}

/// Checks the bundle, and notes nothing.
pub(super) fn verify(
    section: &Value,
    named: &Value,
    places: &Places,
    now_ms: u64,
) -> Result<(Trust, Verified, PathBuf), Refused> {
    let beside: Vec<String> = section
        .as_object()
        .map(Map::keys)
        .into_iter()
        .flatten()
        .filter(|key| *key != "bundle")
        .map(|key| format!("`{key}`"))
        .collect();
    if !beside.is_empty() {
        return Err(refused(format!(
            "the config's `defender` section has `bundle` and {}: a bundle brings the whole policy; remove `bundle`, or \
             everything beside it",
            beside.join(", ")
        )));
    }
    let (file, keys) = settings(named)
        .map_err(|problem| refused(format!("the config's `defender.bundle` is not valid: {problem}")))?;
    let path = places.config_dir.join(file);
    let at = |error: &dyn std::fmt::Display| {
        refused(format!("the policy bundle {} is refused: {error}", path.display()))
    };
    let trust = Trust::load(&places.trust, keys)?;
    let bytes = read_file(&path).map_err(|error| at(&error))?;
    let verified = trust.store.verify(&bytes, now_ms).map_err(|error| at(&error))?;
    Ok((trust, verified, path))
}

/// The file and the keys, or what is wrong with the setting.
fn settings(named: &Value) -> Result<(&str, Vec<TrustedKey>), String> {
    const SHAPE: &str =
        "it is { file: \"policy.bundle\", trustedKeys: { \"<key id>\": \"<base64 of a public key>\" } }";
    let fields = named.as_object().ok_or(SHAPE)?;
    if let Some(unknown) = fields.keys().find(|key| !matches!(key.as_str(), "file" | "trustedKeys")) {
        return Err(format!("it has no key `{unknown}`; {SHAPE}"));
    }
    let file = fields.get("file").and_then(Value::as_str).filter(|file| !file.is_empty());
    let file = file.ok_or_else(|| format!("`file` must name a file; {SHAPE}"))?;
    let keys = fields.get("trustedKeys").and_then(Value::as_object).filter(|keys| !keys.is_empty());
    let keys = keys.ok_or_else(|| format!("`trustedKeys` must name a key at least; {SHAPE}"))?;
    let key = |(key_id, text): (&String, &Value)| {
        let bytes = text.as_str().and_then(|text| STANDARD.decode(text).ok());
        let public_key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let public_key =
            public_key.ok_or_else(|| format!("trustedKeys.{key_id:?} must be base64 of 32 bytes"))?;
        Ok(TrustedKey { key_id: key_id.clone(), public_key })
    };
    let keys = keys.iter().map(key).collect::<Result<Vec<_>, String>>()?;
    Ok((file, keys))
}

/// At most one byte more than a bundle may have: then it is refused by its length.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let read = || -> io::Result<Vec<u8>> {
        // Opening a pipe would wait for its writer.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(BUNDLE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file: put it there, or correct `defender.bundle.file` (it is relative to the config's folder)"
                .to_owned()
        }
        _ => format!("{error}: this user must be able to read it"),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ed25519_dalek::SigningKey;
    use pincer_defender::policy::Format;
    use pincer_defender::policy::bundle::{Draft, sign};
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    const NOW: u64 = 1_795_400_000_000;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn public(seed: u8) -> [u8; 32] {
        key(seed).verifying_key().to_bytes()
    }

    /// A config folder, a state directory, and the keys that the config trusts.
    struct World {
        dir: TempDir,
        keys: Value,
    }

    impl World {
        fn new() -> World {
            World { dir: tempfile::tempdir().unwrap(), keys: json!({"one": STANDARD.encode(public(1))}) }
        }

        fn places(&self) -> Places {
            Places::of(&self.dir.path().join("openclaw.json"), &self.dir.path().join("state"))
        }

        fn section(&self) -> Value {
            json!({"bundle": {"file": "policy.bundle", "trustedKeys": self.keys}})
        }

        fn write(&self, text: &str) {
            fs::write(self.dir.path().join("policy.bundle"), text).unwrap();
        }

        fn read(&self) -> Result<Read, Refused> {
            let section = self.section();
            super::super::read(&section, &self.places(), NOW)
        }

        /// The version and who vouched for it, or a part of the message.
        #[track_caller]
        fn check(&self, bundle: &str, expected: Result<(u64, &str), &str>) {
            self.write(bundle);
            match (self.read(), expected) {
                (Ok(read), Ok((version, source))) => {
                    assert_eq!(read.defender.policy().version.get(), version);
                    assert_eq!(read.defender.source().to_string(), source);
                }
                (Err(refused), Err(part)) => {
                    assert!(refused.config && refused.message.contains(part), "{}", refused.message);
                    assert!(refused.message.contains("policy.bundle is refused"), "{}", refused.message);
                }
                (Ok(read), Err(part)) => {
                    panic!("{} was taken, no {part:?}", super::super::named(&read.defender))
                }
                (Err(refused), Ok(_)) => panic!("{}", refused.message),
            }
        }
    }

    fn signed(version: u64, by: (&str, u8), next: &[(&str, u8)], policy: &str) -> String {
        let draft = Draft {
            key_id: by.0.to_owned(),
            version,
            issued_at_ms: NOW - 1_000,
            expires_at_ms: Some(NOW + 1_000),
            format: Format::Toml,
            policy: policy.to_owned(),
            next_keys: next
                .iter()
                .map(|(id, seed)| TrustedKey { key_id: (*id).to_owned(), public_key: public(*seed) })
                .collect(),
        };
        sign(draft, &key(by.1)).unwrap()
    }

    fn plain(version: u64) -> String {
        signed(version, ("one", 1), &[], "mode = \"enforce\"")
    }

    #[test]
    fn bundles_are_taken_in_order_and_remembered() {
        let world = World::new();
        world.check(&plain(2), Ok((2, "bundle one")));
        let trust = world.dir.path().join("state/defender/trust.json");
        assert_eq!(fs::metadata(&trust).unwrap().permissions().mode() & 0o777, 0o600);
        world.check(&plain(1), Err("version 1, but 2 was accepted before"));
        world.check(&signed(2, ("one", 1), &[], "mode = \"off\""), Err("accepted before with other content"));
        world.check(&plain(2), Ok((2, "bundle one")));
        world.check(&plain(3).replace("enforce", "off"), Err("signature is not by key"));
        world.check(&signed(3, ("two", 2), &[], ""), Err("trusted are [one]"));
        world.check("{", Err("this is no policy bundle"));
        world.check(&"x".repeat(BUNDLE_BYTES_MAX + 1), Err("bytes, allowed are"));
        world.check(&plain(3), Ok((3, "bundle one")));
    }

    #[test]
    fn keys_rotate_and_the_config_can_name_others() {
        let mut world = World::new();
        world.check(&signed(1, ("one", 1), &[("two", 2)], ""), Ok((1, "bundle one")));
        // The config still names the first key; what the bundle said counts.
        world.check(&plain(2), Err("signed with key \"one\", trusted are [two]"));
        world.check(&signed(2, ("two", 2), &[], ""), Ok((2, "bundle two")));
        // Unless the owner names others.
        world.keys = json!({"three": STANDARD.encode(public(3))});
        world.check(&signed(1, ("three", 3), &[], ""), Err("version 1, but 2 was accepted before"));
        world.check(&signed(3, ("three", 3), &[], ""), Ok((3, "bundle three")));
        world.check(&signed(4, ("two", 2), &[], ""), Err("trusted are [three]"));
    }

    #[test]
    fn what_is_refused_leaves_no_trace() {
        let world = World::new();
        world.check(&signed(9, ("one", 1), &[], "mode = \"off\"").replace("off", "audit"), Err("signature"));
        assert!(!world.dir.path().join("state").exists());
        world.check(&plain(1), Ok((1, "bundle one")));
    }

    #[test]
    fn a_damaged_trust_file_is_not_begun_anew() {
        let world = World::new();
        world.check(&plain(2), Ok((2, "bundle one")));
        let trust = world.dir.path().join("state/defender/trust.json");
        let whole = fs::read(&trust).unwrap();
        for bad in [&b""[..], b"{}", &whole[..whole.len() / 2]] {
            fs::write(&trust, bad).unwrap();
            let refused = world.read().err().unwrap();
            assert!(refused.config && refused.message.contains("trust.json"), "{}", refused.message);
        }
        fs::write(&trust, &whole).unwrap();
        fs::set_permissions(&trust, fs::Permissions::from_mode(0o666)).unwrap();
        let refused = world.read().err().unwrap();
        assert!(refused.message.contains("chmod 600"), "{}", refused.message);
        fs::set_permissions(&trust, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(world.read().is_ok());
    }

    #[test]
    fn settings_that_are_wrong_are_named() {
        let check = |section: Value, part: &str| {
            let world = World::new();
            let refused = super::super::read(&section, &world.places(), NOW).expect_err("refused");
            assert!(refused.config && refused.message.contains(part), "{}", refused.message);
        };
        let good = World::new().section();
        let mut both = good.clone();
        both["mode"] = json!("enforce");
        check(both, "has `bundle` and `mode`");
        check(json!({"bundle": "policy.bundle"}), "trustedKeys");
        check(json!({"bundle": {"file": "x", "trustedKeys": {}}}), "must name a key");
        check(json!({"bundle": {"file": "", "trustedKeys": {"one": ""}}}), "must name a file");
        check(
            json!({"bundle": {"file": "x", "trustedKeys": {"one": "AAAA"}}}),
            "\"one\" must be base64 of 32 bytes",
        );
        check(
            json!({"bundle": {"file": "x", "trustedKeys": {"a b": STANDARD.encode(public(1))}}}),
            "key id \"a b\"",
        );
        check(json!({"bundle": {"path": "x"}}), "no key `path`");
        check(good, "there is no such file");
    }
}
