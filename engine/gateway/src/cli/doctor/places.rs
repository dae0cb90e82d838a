//! Checks of config and state directory.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use pincer_config::Issue;
use pincer_config::locate::{ConfigSource, Owner};
use pincer_config::section::AuthMode;
use pincer_config::start::{Flags, TOKEN_CHARS_MIN, decide};

use super::Check;
use super::lock::{Holder, holder};
use crate::cli::Context;

/// Permission bits of group and others.
const OTHERS: u32 = 0o077;

/// The checks.
pub(super) fn checks(context: &Context) -> Vec<Check> {
    let mut checks = config(context);
    checks.extend(token(context));
    checks.extend(state(context));
    checks
}

fn config(context: &Context) -> Vec<Check> {
    let located = &context.located;
    let Some(path) = located.readable() else {
        return vec![match located.source {
            ConfigSource::NamedButMissing => Check::fail(
                "config.file",
                format!("{} does not exist", located.config_path.display()),
                "check the path after --config",
            ),
            _ => Check::ok("config.file", "none; a start makes one with a new token"),
        }];
    };
    let mut checks = vec![match located.source {
        ConfigSource::Adopt { .. } => {
            Check::ok("config.file", format!("{} is OpenClaw's and will be copied", path.display()))
        }
        _ => Check::ok("config.file", path.display().to_string()),
    }];
    let list = |issues: &[Issue]| issues.iter().map(Issue::to_string).collect::<Vec<_>>().join("; ");
    let loaded = &context.loaded;
    checks.push(if !loaded.valid() {
        Check::fail(
            "config.valid",
            list(&loaded.issues),
            "correct these; `pincer config validate` checks again",
        )
    } else if loaded.warnings.is_empty() {
        Check::ok("config.valid", "no errors, no warnings")
    } else {
        Check::warn("config.valid", list(&loaded.warnings), "these have no effect; remove or correct them")
    });
    if let Ok(meta) = fs::metadata(path) {
        checks.push(private("config.private", path, meta.permissions().mode()));
    }
    checks
}

fn private(id: &'static str, path: &Path, mode: u32) -> Check {
    if mode & OTHERS == 0 {
        return Check::ok(id, "only its owner can read it");
    }
    let wanted = if id == "state.private" { "700" } else { "600" };
    Check::warn(
        id,
        format!("others on this machine can read {} (mode {:o})", path.display(), mode & 0o777),
        format!("chmod {wanted} {}", path.display()),
    )
}

fn token(context: &Context) -> Vec<Check> {
    let env = |name: &str| context.environment.get(name);
    let decision = decide(&context.loaded.config, &Flags::default(), &env);
    match decision.plan {
        Err(issues) => {
            issues.iter().map(|issue| Check::fail("config.start", issue.to_string(), "")).collect()
        }
        Ok(plan) => {
            let short = |secret: &str| secret.chars().count() < TOKEN_CHARS_MIN;
            let make =
                "`pincer config unset gateway.auth.token`; the next start makes a strong one and shows it";
            vec![match plan.auth.mode {
                AuthMode::Token if plan.auth.generate_token => {
                    Check::ok("auth.token", "none yet; the first start makes one")
                }
                AuthMode::Token if short(plan.auth.token.reveal()) => Check::warn(
                    "auth.token",
                    format!("the token is shorter than {TOKEN_CHARS_MIN} characters and can be guessed"),
                    make,
                ),
                AuthMode::Password if short(plan.auth.password.reveal()) => Check::warn(
                    "auth.token",
                    format!("the password is shorter than {TOKEN_CHARS_MIN} characters and can be guessed"),
                    "choose a longer one, or use a token",
                ),
                AuthMode::None => Check::warn(
                    "auth.token",
                    "no proof is asked for: every program on this machine may command the gateway",
                    "`pincer config set gateway.auth.mode token`",
                ),
                _ => Check::ok("auth.token", format!("mode {}, long enough", plan.auth.mode.as_str())),
            }]
        }
    }
}

fn state(context: &Context) -> Vec<Check> {
    let dir = &context.located.state_dir;
    if context.located.owner == Owner::OpenClaw {
        let fix = format!("`pincer import --from {}`, and start with another --state-dir", dir.display());
        return vec![Check::fail("state.foreign", format!("{} is OpenClaw's own", dir.display()), fix)];
    }
    let meta = match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => meta,
        Ok(_) => {
            return vec![Check::fail(
                "state.dir",
                format!("{} is no folder", dir.display()),
                "pass --state-dir",
            )];
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Check::ok("state.dir", format!("{} is made at the first start", dir.display()))];
        }
        Err(error) => {
            return vec![Check::fail("state.dir", format!("{}: {error}", dir.display()), "pass --state-dir")];
        }
    };
    let mut checks = vec![Check::ok("state.dir", dir.display().to_string())];
    let (me, owner) = (rustix::process::geteuid().as_raw(), meta.uid());
    checks.push(if me == owner {
        Check::ok("state.owner", "belongs to this user")
    } else {
        // The most frequent trouble with containers: the volume belongs to somebody else.
        Check::fail(
            "state.owner",
            format!("belongs to user {owner}, and this is user {me}"),
            format!("chown -R {me} {}", dir.display()),
        )
    });
    checks.push(private("state.private", dir, meta.permissions().mode()));
    checks.push(match holder(dir) {
        Holder::Running(Some(pid)) => Check::ok("state.lock", format!("a gateway runs there: process {pid}")),
        Holder::Running(None) => Check::ok("state.lock", "a gateway runs there"),
        Holder::Nobody => Check::ok("state.lock", "free"),
    });
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Global;
    use crate::cli::doctor::Grade;

    #[track_caller]
    fn check(prepare: impl FnOnce(&Path), id: &str, want: Option<Grade>) {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        prepare(dir.path());
        let global = Global {
            state_dir: Some(dir.path().to_owned()),
            config: Some(dir.path().join("openclaw.json")),
            ..Global::default()
        };
        let context = Context::open(&global).unwrap();
        let found = checks(&context).into_iter().find(|check| check.id == id);
        assert_eq!(found.as_ref().map(|check| check.grade), want, "{id}: {found:?}");
        if let Some(check) = found {
            assert_eq!(
                check.fix.is_empty(),
                check.grade == Grade::Ok,
                "a cure for what needs one: {check:?}"
            );
        }
    }

    fn config(text: &'static str, mode: u32) -> impl FnOnce(&Path) {
        move |dir| {
            let path = dir.join("openclaw.json");
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    #[test]
    fn findings() {
        use Grade::{Fail, Ok, Warn};
        check(|_| (), "config.file", Some(Fail));
        check(config("{}", 0o600), "config.file", Some(Ok));
        check(config("{}", 0o600), "config.private", Some(Ok));
        check(config("{}", 0o644), "config.private", Some(Warn));
        check(config("{gateway: 1}", 0o600), "config.valid", Some(Fail));
        check(config("{nope: 1}", 0o600), "config.valid", Some(Warn));
        check(config("{}", 0o600), "auth.token", Some(Ok));
        check(config("{gateway: {auth: {token: 'short'}}}", 0o600), "auth.token", Some(Warn));
        check(config("{gateway: {auth: {mode: 'none'}}}", 0o600), "auth.token", Some(Warn));
        check(config("{}", 0o600), "state.owner", Some(Ok));
        check(
            |dir| {
                fs::create_dir(dir.join("state"))
                    .and_then(|()| fs::write(dir.join("state/openclaw.sqlite"), ""))
                    .unwrap()
            },
            "state.foreign",
            Some(Fail),
        );
        check(
            |dir| fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap(),
            "state.private",
            Some(Warn),
        );
        check(config("{}", 0o600), "state.lock", Some(Ok));
    }
}
