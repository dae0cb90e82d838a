//! Checks of the defender: what it judges by, and what it has recorded.

use std::fs;
use std::path::Path;

use pincer_defender::Defender;
use pincer_defender::policy::Mode;
use pincer_runtime::integrity::load_alert;
use pincer_store::quarantine::QuarantineReader;

use super::Check;
use crate::cli::Context;
use crate::integrity::Places;

/// Largest quarantine that is verified on the way: all of it is read and hashed.
const VERIFIED_BYTES_MAX: u64 = 64 << 20;

/// The checks.
pub(super) fn checks(context: &Context) -> Vec<Check> {
    let mut checks = vec![policy(context)];
    checks.extend(change(context));
    checks.extend(quarantine(&context.located.state_dir));
    checks.extend(host(&context.located.state_dir));
    checks
}

fn policy(context: &Context) -> Check {
    let id = "defender.policy";
    match context.policy().and_then(|policy| Defender::new(policy).map_err(|error| error.to_string())) {
        Err(error) => {
            Check::fail(id, error, "correct the config's `defender` section; no gateway starts with this one")
        }
        Ok(defender) => {
            let (mode, words) = defender.describe();
            let found = format!("{mode}: {words}");
            let unknown = defender.policy().unknown_rules();
            if !unknown.is_empty() {
                return Check::warn(id, unknown.join("; "), "correct the names in the policy's `rules`");
            }
            match defender.policy().mode {
                Mode::Off => Check::warn(
                    id,
                    found,
                    "`pincer config set defender.mode audit` records, and stops nothing",
                ),
                Mode::Audit | Mode::Enforce => Check::ok(id, found),
            }
        }
    }
}

/// Whether the next start would protect less than what was last in force. Nothing is said of a policy that is not valid.
fn change(context: &Context) -> Option<Check> {
    let id = "defender.change";
    let in_force = context.policy_in_force();
    let policy = context.policy().ok().filter(|_| in_force.exists())?;
    Some(match in_force.weaker(&policy) {
        Err(message) => Check::warn(id, message, "the next start writes it anew; find out who wrote in it"),
        Ok(weaker) if weaker.is_empty() => {
            Check::ok(id, "the policy protects no less than the one last in force")
        }
        Ok(weaker) => Check::warn(
            id,
            format!("the policy protects less than the one last in force: {}", weaker.join("; ")),
            "correct the config's `defender` section, unless that is meant; the next start puts it in force",
        ),
    })
}

/// How large it is, and whether it is what was written.
fn quarantine(state_dir: &Path) -> Vec<Check> {
    let folder = state_dir.join("quarantine");
    if !folder.exists() {
        return vec![Check::ok("defender.quarantine", "nothing was recorded yet")];
    }
    let (files, bytes) = size(&folder);
    let size = Check::ok("defender.quarantine", format!("{} KiB in {files} files", bytes.div_ceil(1024)));
    vec![size, ledger(state_dir, bytes)]
}

fn ledger(state_dir: &Path, bytes: u64) -> Check {
    let id = "defender.ledger";
    if bytes > VERIFIED_BYTES_MAX {
        return Check::ok(
            id,
            "too large to be checked in passing; `pincer defender quarantine verify` does it",
        );
    }
    match QuarantineReader::new(state_dir).verify() {
        Ok(found) if found.is_sound() => {
            let head = found.tally.head;
            Check::ok(id, format!("{} records, none changed, none removed", head.count))
        }
        Ok(found) => {
            let first = found.tally.breaks.first().map(ToString::to_string);
            let first = first.or_else(|| found.problems.first().cloned());
            Check::fail(
                id,
                first.unwrap_or_else(|| "its head is missing, or it was damaged before".to_owned()),
                "it is not what the gateway wrote: `pincer defender quarantine verify` says where; find out who did it",
            )
        }
        Err(error) => Check::fail(id, error.to_string(), "make it readable for this user"),
    }
}

/// What host integrity last saw. Nothing is looked at here: `host check` does that.
fn host(state_dir: &Path) -> Option<Check> {
    let (id, files) = ("defender.host", Places::of(state_dir));
    if !files.baseline.exists() {
        return None;
    }
    let fix = "`pincer defender host check` says what; `pincer defender host accept` when it was meant";
    Some(match load_alert(&files.alert) {
        Err(error) => Check::fail(id, error.to_string(), fix),
        Ok(alert) => match alert.raised() {
            Some(raised) => {
                let count = raised.worst.items.len();
                Check::fail(id, format!("{count} watched files differed, and nobody accepted that"), fix)
            }
            None => Check::ok(id, "no alert stands"),
        },
    })
}

/// Files and bytes of a folder and those in it. What cannot be read counts as nothing: the ledger's check says so.
fn size(folder: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0_u64, 0_u64);
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Of the entry itself: no link is followed.
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => open.push(entry.path()),
                Ok(meta) => {
                    files += 1;
                    bytes = bytes.saturating_add(meta.len());
                }
                Err(_) => {}
            }
        }
    }
    (files, bytes)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use pincer_defender::Provenance;
    use pincer_defender::ledger::{ActionKind, Entry, EntryId};
    use pincer_defender::policy::{self, Verdict};
    use pincer_store::quarantine::{New, Quarantine};

    use super::*;
    use crate::cli::Global;
    use crate::cli::doctor::Grade;

    #[track_caller]
    fn check(prepare: impl FnOnce(&Path), want: &[(&str, Grade)]) {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let global = Global {
            state_dir: Some(dir.path().to_owned()),
            config: Some(dir.path().join("openclaw.json")),
            ..Global::default()
        };
        let found = checks(&Context::open(&global).unwrap());
        let grades: Vec<(&str, Grade)> = found.iter().map(|check| (check.id, check.grade)).collect();
        assert_eq!(grades, want, "{found:?}");
        for check in found {
            assert_eq!(check.fix.is_empty(), check.grade == Grade::Ok, "{check:?}");
        }
    }

    fn config(text: &'static str) -> impl FnOnce(&Path) {
        move |dir| fs::write(dir.join("openclaw.json"), text).unwrap()
    }

    fn record(dir: &Path) -> PathBuf {
        let entry = Entry {
            id: EntryId::new("one").unwrap(),
            kind: ActionKind::Prompt,
            provenance: Provenance::ChannelUser,
            decision: Verdict::Block,
            enforced: true,
            risk: 90.0,
            reasons: Vec::new(),
            rules: Vec::new(),
            session: "agent:main:main".to_owned(),
            agent: "main".to_owned(),
            channel: None,
            sender: None,
            preview: "a text".to_owned(),
        };
        let opened = Quarantine::open(dir, policy::Quarantine::default(), 1_000, false).unwrap();
        let mut quarantine = opened.quarantine;
        quarantine.append(1_000, &[New::Stopped(&entry, b"a text")]).unwrap();
        dir.join("quarantine/ledger.jsonl")
    }

    #[test]
    fn a_weaker_policy_is_told_of_before_it_is_in_force() {
        let in_force = |dir: &Path, policy: &str| {
            fs::create_dir(dir.join("defender")).unwrap();
            let text = format!("{{\"version\":1,\"policy\":{policy}}}");
            fs::write(dir.join("defender/in-force.json"), text).unwrap();
        };
        let change = |grade| [("defender.policy", Grade::Ok), ("defender.change", grade)];
        let quarantine = ("defender.quarantine", Grade::Ok);
        for (before, grade) in [
            ("{\"mode\":\"audit\"}", Grade::Ok),
            ("{\"mode\":\"enforce\"}", Grade::Warn),
            ("{\"mode\":7}", Grade::Warn),
        ] {
            let [policy, change] = change(grade);
            check(|dir| in_force(dir, before), &[policy, change, quarantine]);
        }
    }

    #[test]
    fn findings() {
        let (policy, quarantine, ledger) = ("defender.policy", "defender.quarantine", "defender.ledger");
        check(|_| (), &[(policy, Grade::Ok), (quarantine, Grade::Ok)]);
        check(config("{defender: {mode: 'enforce'}}"), &[(policy, Grade::Ok), (quarantine, Grade::Ok)]);
        check(config("{defender: {mode: 'off'}}"), &[(policy, Grade::Warn), (quarantine, Grade::Ok)]);
        check(
            config("{defender: {thresholds: {reviw: 1}}}"),
            &[(policy, Grade::Fail), (quarantine, Grade::Ok)],
        );
        check(
            |dir| {
                record(dir);
            },
            &[(policy, Grade::Ok), (quarantine, Grade::Ok), (ledger, Grade::Ok)],
        );
        check(
            |dir| {
                let file = record(dir);
                let text = fs::read_to_string(&file).unwrap().replace("a text", "a test");
                fs::write(file, text).unwrap();
            },
            &[(policy, Grade::Ok), (quarantine, Grade::Ok), (ledger, Grade::Fail)],
        );
    }
}
