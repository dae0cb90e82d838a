//! Does a new policy protect less than the one before?
//!
//! Whoever can change the policy can switch the guard off, so such a change is told to the operators and never happens in
//! silence. What cannot be compared (a rule that had a weight and now has a floor) counts as weaker: a needless line is
//! read and forgotten, a missing one is not seen at all.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Display;
use std::hash::Hash;

use super::intel::FailMode;
use super::rules::{RuleChange, Rules};
use super::scope::Scope;
use super::verdict::{Mode, Verdict};
use super::{Channel, Policy, Tool};

/// Most changes that are told one by one.
pub const CHANGES_MAX: usize = 32;

impl Policy {
    /// What protects less than it did under `before`, a line for people each; empty when nothing does. At most
    /// [`CHANGES_MAX`] lines, and one more that counts the rest.
    pub fn weaker_than(&self, before: &Policy) -> Vec<String> {
        let mut found = Found::default();
        // Nothing protects less than a guard that does not look.
        if before.mode != Mode::Off {
            self.compare(before, &mut found);
        }
        if found.left_out > 0 {
            found.lines.push(format!("and {} more", found.left_out));
        }
        found.lines
    }

    fn compare(&self, before: &Policy, found: &mut Found) {
        let (was, is) = (before.mode, self.mode);
        found.lower("mode", strength(was), strength(is), was.as_str(), is.as_str());
        // A higher threshold lets more pass.
        let (was, is) = (before.thresholds, self.thresholds);
        found.higher("thresholds.review", was.review.get(), is.review.get());
        found.higher("thresholds.block", was.block.get(), is.block.get());
        for name in names(&before.tools, &self.tools) {
            let tool = |policy: &Policy| -> Tool { policy.tools.get(name).copied().unwrap_or_default() };
            let (was, is) = (tool(before), tool(self));
            found.lower(&format!("tools.{name:?}.floor"), was.floor, is.floor, was.floor, is.floor);
            found.less(&format!("tools.{name:?}.bonus"), was.bonus.get(), is.bonus.get());
        }
        for name in names(&before.channels, &self.channels) {
            let bonus = |policy: &Policy| {
                policy.channels.get(name).copied().map_or(0.0, |channel: Channel| channel.bonus.get())
            };
            found.less(&format!("channels.{name:?}.bonus"), bonus(before), bonus(self));
        }
        found.higher("operatorCredit", before.operator_credit.get(), self.operator_credit.get());
        self.compare_lists(before, found);
        found.rules("rules", &before.rules, &self.rules, &Rules::new(), &Rules::new());
        let scopes =
            [("agents", &before.agents, &self.agents), ("sessions", &before.sessions, &self.sessions)];
        for (kind, was, is) in scopes {
            let none = Scope::default();
            for name in names(was, is) {
                let (was, is) = (was.get(name).unwrap_or(&none), is.get(name).unwrap_or(&none));
                let path = format!("{kind}.{name:?}.rules");
                found.rules(&path, &was.rules, &is.rules, &before.rules, &self.rules);
            }
        }
        let (was, is) = (&before.intel, &self.intel);
        if was.fail_mode == FailMode::Review && is.fail_mode == FailMode::Open {
            found.line("intel.failMode: review to open".to_owned());
        }
        let asks = |intel: &super::Intel| intel.per_minute.get() > 0 && intel.per_day.get() > 0;
        if asks(was) && !asks(is) {
            found.line("intel: nothing is looked up any more".to_owned());
        }
        let (was, is) = (before.quarantine, self.quarantine);
        let (days, bytes) = (was.retention_days.get(), was.max_bytes.get());
        found.less("quarantine.retentionDays", days, is.retention_days.get());
        found.less("quarantine.maxBytes", bytes, is.max_bytes.get());
    }

    fn compare_lists(&self, before: &Policy, found: &mut Found) {
        let words = |list: &[super::Command]| -> Vec<Vec<String>> {
            list.iter().map(|command| command.0.clone()).collect()
        };
        let (was, is) = (&before.allow, &self.allow);
        found.more("allow.commands", &words(&was.commands), &words(&is.commands));
        found.more("allow.domains", &was.domains, &is.domains);
        found.more("allow.urls", &was.urls, &is.urls);
        found.more("allow.hashes", &was.hashes, &is.hashes);
        found.more("allow.senders", &was.senders, &is.senders);
        let (was, is) = (&before.deny, &self.deny);
        found.fewer("deny.commands", &words(&was.commands), &words(&is.commands));
        found.fewer("deny.phrases", &was.phrases, &is.phrases);
        found.fewer("deny.domains", &was.domains, &is.domains);
        found.fewer("deny.hashes", &was.hashes, &is.hashes);
        found.fewer("host.paths", &before.host.paths, &self.host.paths);
    }
}

/// How much is done, by mode.
fn strength(mode: Mode) -> u8 {
    match mode {
        Mode::Off => 0,
        Mode::Audit => 1,
        Mode::Enforce => 2,
    }
}

fn names<'a, T>(was: &'a BTreeMap<String, T>, is: &'a BTreeMap<String, T>) -> BTreeSet<&'a str> {
    was.keys().chain(is.keys()).map(String::as_str).collect()
}

/// Whether `is` surely stops all that `was` stopped. `None`: the guard's own weight counts.
fn as_strict(was: Option<RuleChange>, is: Option<RuleChange>) -> bool {
    use RuleChange::{Floor, Off, Weight};
    match (was, is) {
        (Some(Off), _) | (_, Some(Floor(Verdict::Block))) | (None, None | Some(Floor(_))) => true,
        (Some(Weight(was)), Some(Weight(is))) => is.get() >= was.get(),
        (Some(Floor(was)), Some(Floor(is))) => is >= was,
        _ => false,
    }
}

fn shown(change: Option<RuleChange>) -> String {
    match change {
        None => "the guard's own weight".to_owned(),
        Some(RuleChange::Off) => "off".to_owned(),
        Some(RuleChange::Weight(points)) => format!("{} points", points.get()),
        Some(RuleChange::Floor(verdict)) => format!("at least {verdict}"),
    }
}

#[derive(Default)]
struct Found {
    lines: Vec<String>,
    left_out: usize,
}

impl Found {
    fn line(&mut self, line: String) {
        if self.lines.len() < CHANGES_MAX { self.lines.push(line) } else { self.left_out += 1 }
    }

    fn lower<T: PartialOrd>(&mut self, path: &str, was: T, is: T, shown: impl Display, now: impl Display) {
        if is < was {
            self.line(format!("{path}: {shown} to {now}"));
        }
    }

    fn less<T: PartialOrd + Display + Copy>(&mut self, path: &str, was: T, is: T) {
        self.lower(path, was, is, was, is);
    }

    fn higher(&mut self, path: &str, was: f32, is: f32) {
        self.lower(path, is, was, was, is);
    }

    fn more<T: Eq + Hash>(&mut self, path: &str, was: &[T], is: &[T]) {
        let new = missing(is, was);
        if new > 0 {
            self.line(format!("{path}: {new} more"));
        }
    }

    fn fewer<T: Eq + Hash>(&mut self, path: &str, was: &[T], is: &[T]) {
        let gone = missing(was, is);
        if gone > 0 {
            self.line(format!("{path}: {gone} fewer"));
        }
    }

    /// Compares rules of one scope; a rule that the scope does not name counts as in the wider one.
    fn rules(&mut self, path: &str, was: &Rules, is: &Rules, wider_was: &Rules, wider_is: &Rules) {
        let of =
            |rules: &Rules, wider: &Rules, rule: &str| rules.get(rule).or_else(|| wider.get(rule)).copied();
        for rule in names(was, is) {
            let (before, now) = (of(was, wider_was, rule), of(is, wider_is, rule));
            if before != now && !as_strict(before, now) {
                self.line(format!("{path}.{rule:?}: {} to {}", shown(before), shown(now)));
            }
        }
    }
}

/// How many of `these` are not among `those`.
fn missing<T: Eq + Hash>(these: &[T], those: &[T]) -> usize {
    let those: HashSet<&T> = those.iter().collect();
    these.iter().filter(|one| !those.contains(one)).count()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(was: Value, is: Value, expected: &[&str]) {
        let policy = |value: &Value| Policy::from_value(value).unwrap();
        assert_eq!(policy(&is).weaker_than(&policy(&was)), expected, "{was} to {is}");
    }

    #[test]
    fn what_is_weaker() {
        let on = || json!({"mode": "enforce"});
        check(on(), on(), &[]);
        check(json!({"mode": "audit"}), on(), &[]);
        check(on(), json!({"mode": "audit"}), &["mode: enforce to audit"]);
        check(json!({}), json!({"mode": "off"}), &["mode: audit to off"]);
        check(json!({"mode": "off"}), json!({"thresholds": {"block": 100}}), &[]);
        check(
            json!({"thresholds": {"review": 40, "block": 70}}),
            json!({"thresholds": {"review": 45, "block": 60}}),
            &["thresholds.review: 40 to 45"],
        );
        check(
            json!({"tools": {"exec": {"floor": "review", "bonus": 5}}, "channels": {"mail": {"bonus": 10}}}),
            json!({"channels": {"mail": {"bonus": 10}, "sms": {"bonus": -3}}}),
            &[
                "tools.\"exec\".floor: review to allow",
                "tools.\"exec\".bonus: 5 to 0",
                "channels.\"sms\".bonus: 0 to -3",
            ],
        );
        check(
            json!({"allow": {"domains": ["a.example"]}, "deny": {"commands": [["rm"], ["dd"]]}}),
            json!({"allow": {"domains": ["b.example"], "commands": [["ls"]]}, "deny": {"commands": [["dd"], ["mkfs"]]}}),
            &["allow.commands: 1 more", "allow.domains: 1 more", "deny.commands: 1 fewer"],
        );
        check(
            json!({"intel": {"failMode": "review"}, "host": {"paths": ["/etc"]}, "quarantine": {"retentionDays": 90}}),
            json!({"intel": {"perDay": 0}, "quarantine": {"retentionDays": 30}}),
            &[
                "host.paths: 1 fewer",
                "intel.failMode: review to open",
                "intel: nothing is looked up any more",
                "quarantine.retentionDays: 90 to 30",
            ],
        );
    }

    #[test]
    fn more_credit_is_weaker() {
        let credit = |points: u8| json!({"operatorCredit": points});
        check(json!({}), credit(25), &["operatorCredit: 10 to 25"]);
        check(credit(25), json!({}), &[]);
        check(json!({}), credit(0), &[]);
        check(credit(0), json!({}), &["operatorCredit: 0 to 10"]);
    }

    #[test]
    fn rules_by_scope() {
        let rule = |change: Value| json!({"rules": {"prompt.override": change}});
        check(rule(json!("off")), json!({}), &[]);
        check(json!({}), rule(json!("review")), &[]);
        check(rule(json!(20)), rule(json!(30)), &[]);
        check(rule(json!(20)), rule(json!("block")), &[]);
        check(json!({}), rule(json!("off")), &["rules.\"prompt.override\": the guard's own weight to off"]);
        check(
            rule(json!("block")),
            rule(json!("review")),
            &["rules.\"prompt.override\": at least block to at least review"],
        );
        check(
            rule(json!(20)),
            rule(json!("review")),
            &["rules.\"prompt.override\": 20 points to at least review"],
        );
        // A scope that no longer names the rule falls back to the wider one.
        let scoped =
            |wide: Value| json!({"rules": {"a.b": wide}, "agents": {"ops": {"rules": {"a.b": "block"}}}});
        check(
            scoped(json!("review")),
            json!({"rules": {"a.b": "review"}}),
            &["agents.\"ops\".rules.\"a.b\": at least block to at least review"],
        );
        check(scoped(json!("block")), json!({"rules": {"a.b": "block"}}), &[]);
    }

    #[test]
    fn the_list_is_bounded() {
        let tools: BTreeMap<String, Value> =
            (0..50).map(|n| (format!("t{n:02}"), json!({"bonus": 1}))).collect();
        let was = Policy::from_value(&json!({"tools": tools})).unwrap();
        let lines = Policy::default().weaker_than(&was);
        assert_eq!(lines.len(), CHANGES_MAX + 1);
        assert_eq!(lines.last().unwrap(), "and 18 more");
    }
}
