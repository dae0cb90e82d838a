//! Loading, looking up and deciding, as tables.

use super::*;
use crate::{Assessment, Finding, Span};

#[track_caller]
fn toml(text: &str) -> Policy {
    Policy::from_text(text, Format::Toml).unwrap_or_else(|error| panic!("{error}"))
}

/// The error that a TOML policy is refused with.
#[track_caller]
fn refused(text: &str, expect: &str) {
    check_refused(text, Format::Toml, expect);
}

#[track_caller]
fn check_refused(text: &str, format: Format, expect: &str) {
    let error = Policy::from_text(text, format).expect_err("should be refused").to_string();
    assert!(error.contains(expect), "{text}\n  says   {error}\n  not    {expect}");
}

#[test]
fn an_empty_policy_audits() {
    let policy = toml("");
    assert_eq!(policy, Policy::default());
    assert_eq!(policy, Policy::from_text("{}", Format::Json).unwrap());
    assert_eq!(policy.mode, Mode::Audit);
    assert_eq!((policy.thresholds.review.get(), policy.thresholds.block.get()), (50.0, 80.0));
}

#[test]
fn toml_and_json_mean_the_same_and_come_back() {
    let from_toml = toml(
        r#"
        version = 4
        mode = "enforce"
        thresholds = { review = 45.5, block = 70 }
        tools.exec = { floor = "review", bonus = -10 }
        channels.telegram.bonus = 5
        operatorCredit = 2.5
        limits.evaluationTimeoutMs = 100
        intel = { failMode = "review", perMinute = 0 }
        quarantine.retentionDays = 7
        host.paths = ["/etc/hosts", "~/.ssh"]

        [allow]
        commands = [["git", "status"]]
        senders = ["telegram:42"]

        [rules]
        "prompt.override" = "off"
        "command.persistence" = 12.5

        [agents.main.rules]
        "prompt.override" = "block"

        [sessions."agent:main:main".rules]
        "prompt.override" = 3
        "#,
    );
    let json = r#"{
        "version": 4, "mode": "enforce", "thresholds": {"review": 45.5, "block": 70},
        "tools": {"exec": {"floor": "review", "bonus": -10}}, "channels": {"telegram": {"bonus": 5}},
        "operatorCredit": 2.5, "limits": {"evaluationTimeoutMs": 100}, "intel": {"failMode": "review", "perMinute": 0},
        "quarantine": {"retentionDays": 7}, "host": {"paths": ["/etc/hosts", "~/.ssh"]},
        "allow": {"commands": [["git", "status"]], "senders": ["telegram:42"]},
        "rules": {"prompt.override": "off", "command.persistence": 12.5},
        "agents": {"main": {"rules": {"prompt.override": "block"}}},
        "sessions": {"agent:main:main": {"rules": {"prompt.override": 3}}}
    }"#;
    assert_eq!(from_toml, Policy::from_text(json, Format::Json).unwrap());
    assert_eq!(from_toml, Policy::from_value(&serde_json::to_value(&from_toml).unwrap()).unwrap());
    let unknown = from_toml.unknown_rules();
    let [unknown] = &unknown[..] else { panic!("{unknown:?}") };
    assert!(unknown.starts_with("rules.\"command.persistence\" changes nothing"), "{unknown}");
    assert!(unknown.ends_with("did you mean \"command.persist\"?"), "{unknown}");
}

#[test]
fn slips_are_errors_that_name_the_field() {
    refused("mdoe = \"enforce\"", "policy field mdoe: unknown field `mdoe`, expected one of");
    refused("[limits]\nqueu = 3", "policy field limits.queu: unknown field `queu`");
    refused("[tools.exec]\nflor = \"review\"", "policy field tools.exec.flor: unknown field `flor`");
    refused("[agents.a.rule]\nx = 1", "policy field agents.a.rule: unknown field `rule`");
    refused(
        "mode = \"on\"",
        "policy field mode: unknown variant `on`, expected one of `enforce`, `audit`, `off`",
    );
    refused("limits = 3", "policy field limits: invalid type: integer `3`");
    refused("rules.prompt.override = \"off\"", "a rule's name needs quotes around its dots");
    refused("rules.x = \"allow\"", "to let pass what a rule finds, write \"off\"");
    refused("rules.\"Prompt Override\" = 1", "rules.\"Prompt Override\": a rule's name has 1 to 64 of");
    refused("mode = audit", "the policy is no TOML");
    refused("version = 1\nversion = 2", "the policy is no TOML");
    refused("version = 2026-01-01", "policy field version");
    check_refused(r#"{"mode":"off","mode":"enforce"}"#, Format::Json, "\"mode\" stands twice");
    check_refused(r#"{"rules":{"a":1,"a":"off"}}"#, Format::Json, "\"a\" stands twice");
    check_refused("{} x", Format::Json, "trailing characters at line 1 column 4");
    check_refused("[]", Format::Json, "policy field (the whole): a list, where a table");
    refused("thresholds = [10, 20]", "policy field thresholds: a list, where a table");
    refused("tools.exec = [\"block\", 5]", "policy field tools.exec: a list, where a table");
    refused("agents.main.rules = []", "policy field agents.main.rules: a list, where a table");
    check_refused("null", Format::Json, "policy field");
    check_refused(&"[".repeat(100_000), Format::Json, "recursion limit");
    check_refused(&format!("a = {}", "[".repeat(100_000)), Format::Toml, "the policy is no TOML");
    for deep in [
        format!("{}b = 1", "a.".repeat(100_000)),
        format!("[{}b]", "a.".repeat(100_000)),
        format!("[[{}b]]", "a.".repeat(100_000)),
        format!("rules = {{ {}b = 1 }}", "a.".repeat(100_000)),
        "a = { ".repeat(40_000),
    ] {
        assert!(Policy::from_text(&deep, Format::Toml).is_err());
    }
    check_refused(&" ".repeat(TEXT_BYTES_MAX + 1), Format::Json, "262145 bytes, allowed are 262144");
    assert_eq!(Format::of("a/policy.TOML"), Ok(Format::Toml));
    assert!(Format::of("policy.yaml").unwrap_err().to_string().contains("must end in .toml or .json"));
}

#[test]
fn numbers_have_bounds() {
    refused("thresholds.review = 101", "thresholds.review: 101 is out of range, allowed is 0 to 100");
    refused("thresholds.block = -1", "thresholds.block: -1 is out of range, allowed is 0 to 100");
    refused("thresholds.block = nan", "finite");
    refused(
        "thresholds = { review = 60, block = 40 }",
        "thresholds.review: 60 is above thresholds.block (40)",
    );
    refused("tools.exec.bonus = 100.5", "tools.exec.bonus: 100.5 is out of range, allowed is -100 to 100");
    refused("channels.x.bonus = -101", "channels.x.bonus: -101 is out of range");
    refused("operatorCredit = -1", "operatorCredit: -1 is out of range, allowed is 0 to 100");
    refused("rules.a = 200", "rules.a: 200 is out of range, allowed is -100 to 100");
    refused(
        "limits.evaluationTimeoutMs = 0",
        "limits.evaluationTimeoutMs: 0 is out of range, allowed is 1 to 60000",
    );
    refused(
        "limits.queue = 1.5",
        "limits.queue: invalid type: floating point `1.5`, expected a whole number of 0 to",
    );
    refused("intel.ttlSeconds = 59", "intel.ttlSeconds: 59 is out of range, allowed is 60 to 31536000");
    refused("quarantine.maxBytes = 1000", "quarantine.maxBytes: 1000 is out of range, allowed is 1048576 to");
    refused("version = -1", "version: -1 is out of range");
    check_refused(r#"{"version": 9007199254740992}"#, Format::Json, "out of range");
}

#[test]
fn a_service_is_checked_and_keeps_its_key_to_itself() {
    let text = |rest: &str| format!("intel.service = {{ apiKey = \"very-secret\", {rest} }}");
    let service = toml(&text("exposure = \"whole-urls\"")).intel;
    assert!(service.asks() && service.exposure() == crate::intel::Exposure::WholeUrls);
    assert_eq!(service.service.as_ref().unwrap().api_key.reveal(), "very-secret");
    let shown = format!("{service:?} {}", serde_json::to_string(&service).unwrap());
    assert!(!shown.contains("very-secret"), "{shown}");
    for base in ["https://vt.test/x", "http://127.0.0.1:8080", "http://localhost", "http://[::1]:1/"] {
        toml(&text(&format!("baseUrl = \"{base}\"")));
    }
    for base in [
        "http://vt.test",
        "http://10.0.0.1",
        "http://127.0.0.1.vt.test",
        "ftp://127.0.0.1",
        "https://u@vt.test",
    ] {
        refused(&text(&format!("baseUrl = \"{base}\"")), "intel.service.baseUrl: ");
    }
    refused("intel.service = {}", "intel.service: missing field `apiKey`");
    refused("intel.service.apiKey = \"\"", "intel.service.apiKey: must be 1 to 512 visible ASCII characters");
    refused("intel.service.apiKey = \"a\\nb\"", "intel.service.apiKey: must be");
    refused("intel.service = [\"k\"]", "intel.service: a list, where a table");
    refused("intel.lists = [\"list.txt\"]", "intel.lists[0]: \"list.txt\" must begin with / or ~/");
    let quiet = toml("intel = { perDay = 0, failMode = \"review\", service = { apiKey = \"k\" } }").intel;
    assert_eq!((quiet.asks(), quiet.if_unchecked()), (false, crate::intel::FailMode::Open));
}

#[test]
fn lists_are_checked_entry_by_entry() {
    refused("allow.domains = [\"a.test\", \"*.a.test\"]", "allow.domains[1]: \"*.a.test\" must not hold '*'");
    refused("deny.domains = [\"https://a.test\"]", "must be a host name alone");
    refused("deny.domains = [\"ü.test\"]", "ASCII form");
    refused("deny.domains = [\"a..test\"]", "is no host name");
    refused("allow.urls = [\"https://a.test\"]", "must have a path, at least /");
    refused("allow.urls = [\"ftp://a.test/\"]", "must begin with http:// or https://");
    refused("allow.urls = [\"https://u@a.test/\"]", "must not hold '@'");
    refused("allow.urls = [\"https://a.test/x/../y\"]", "must not hold '@'");
    refused("allow.hashes = [\"abc\"]", "allow.hashes[0]: \"abc\" is no SHA-256");
    refused("allow.senders = [\"42\"]", "must be channel:sender");
    refused("deny.commands = [[]]", "deny.commands[0]: [] must have 1 to 32 words");
    refused("allow.commands = [[\"git status\"]]", "must be a list of words");
    refused("allow.commands = [\"git status\"]", "policy field allow.commands[0]: invalid type: string");
    refused("deny.phrases = [\"a\"]", "is shorter than 3 characters");
    refused("deny.phrases = [\"...\"]", "holds no letter or digit");
    refused("host.paths = [\"etc/hosts\"]", "host.paths[0]: \"etc/hosts\" must begin with / or ~/");
    refused("host.paths = [\"/a/../b\"]", "must not hold . or ..");
    refused("tools.\" exec\".bonus = 1", "has blanks around it");
    refused("agents.\"\" = {}", "an empty name matches nothing");
    let many: Vec<String> = (0..=LIST_ENTRIES_MAX).map(|n| format!("\"c:{n}\"")).collect();
    refused(
        &format!("allow.senders = [{}]", many.join(",")),
        "allow.senders: 4097 entries, allowed are 0 to 4096",
    );
}

#[track_caller]
fn compiled(text: &str) -> Compiled {
    Compiled::new(toml(text)).unwrap()
}

/// `+` allowed, `-` denied, `.` neither.
fn mark(listing: Listing) -> char {
    match listing {
        Listing::Allowed(_) => '+',
        Listing::Denied(_) => '-',
        Listing::Unlisted => '.',
    }
}

#[test]
fn hosts_addresses_hashes_and_senders_are_looked_up() {
    let hash = "AB".repeat(32);
    let lists = compiled(&format!(
        "allow.domains = [\"a.test\", \".b.test\"]\nallow.urls = [\"https://Docs.test/x\"]\n\
         allow.senders = [\"chat:7\"]\nallow.hashes = [\"{hash}\"]\n\
         deny.domains = [\"evil.test\", \"bad.b.test\"]\n"
    ));
    for (host, expect) in [
        ("a.test", '+'),
        ("A.TEST.", '+'),
        ("x.a.test", '.'),
        ("xa.test", '.'),
        ("b.test", '+'),
        ("x.y.b.test", '+'),
        ("evil.test", '-'),
        ("x.evil.test", '-'),
        ("notevil.test", '.'),
        ("bad.b.test", '-'),
        ("", '.'),
    ] {
        assert_eq!(mark(lists.domain(host)), expect, "{host}");
    }
    for (url, expect) in [
        ("https://docs.test/x/y", '+'),
        ("HTTPS://DOCS.TEST/x", '+'),
        ("https://docs.test/X", '.'),
        ("http://docs.test/x", '.'),
        ("https://docs.test/x/../y", '.'),
        ("https://docs.test/x/%2e%2E/y", '.'),
        ("https://docs.test/x\\..\\y", '.'),
        ("https://docs.test@other.test/x", '.'),
        ("https://docs.test.other.test/x", '.'),
        ("https://a.test", '+'),
        ("https://a.test:8443/?q", '+'),
        ("https://x@evil.test/", '-'),
        ("https://evil.test:1/..", '-'),
        ("ftp://a.test/", '.'),
        ("a.test", '.'),
    ] {
        assert_eq!(mark(lists.url(url)), expect, "{url}");
    }
    assert_eq!(mark(lists.hash(&[0xab; 32])), '+');
    assert_eq!(mark(lists.hash(&[0; 32])), '.');
    assert_eq!(mark(lists.sender("chat", "7")), '+');
    assert_eq!(mark(lists.sender("other", "7")), '.');
}

/// `rule:weight` pieces.
fn assessment(score: f32, findings: &[(&'static str, f32)]) -> Assessment {
    let span = Span { start: 0, end: 1 };
    let findings = findings.iter().map(|&(rule, weight)| Finding { rule, span, weight }).collect();
    Assessment { score, findings }
}

/// Verdict, risk, and the reasons' first words.
#[track_caller]
fn check(policy: &str, assessment: &Assessment, subject: &Subject<'_>, expect: &str) {
    let decision = toml(policy).decide(assessment, subject);
    let reasons: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
    let said = format!("{} {:.1}: {}", decision.verdict, decision.risk, reasons.join("; "));
    assert_eq!(said, expect, "{policy}");
}

const HERE: Subject<'static> = Subject {
    tool: Some("exec"),
    channel: Some("chat"),
    agent: "main",
    session: "agent:main:main",
    listing: Listing::Unlisted,
};

#[test]
fn thresholds_bonuses_and_floors_decide() {
    let at = |score| assessment(score, &[]);
    check("", &at(49.9), &HERE, "allow 49.9: ");
    check("", &at(50.0), &HERE, "review 50.0: risk 50.0 reaches 50, from which on the policy says review");
    check("", &at(80.0), &HERE, "block 80.0: risk 80.0 reaches 80, from which on the policy says block");
    check(
        "",
        &at(f32::NAN),
        &HERE,
        "block 100.0: risk 100.0 reaches 80, from which on the policy says block",
    );
    check(
        "thresholds.review = 20",
        &at(20.0),
        &HERE,
        "review 20.0: risk 20.0 reaches 20, from which on the policy says review",
    );
    check(
        "tools.exec.bonus = 30\nchannels.chat.bonus = -10",
        &at(40.0),
        &HERE,
        "review 60.0: +30 points for this tool; -10 points for this channel; risk 60.0 reaches 50, from which on the \
         policy says review",
    );
    check("tools.other.bonus = 30", &at(40.0), &HERE, "allow 40.0: ");
    check(
        "tools.exec.bonus = 100",
        &at(90.0),
        &HERE,
        "block 100.0: +100 points for this tool; risk 100.0 reaches 80, from which on the policy says block",
    );
    check(
        "tools.exec.floor = \"review\"",
        &at(0.0),
        &HERE,
        "review 0.0: the policy wants at least review for this tool",
    );
    check(
        "tools.exec.floor = \"review\"",
        &at(90.0),
        &HERE,
        "block 90.0: risk 90.0 reaches 80, from which on the policy says block",
    );
}

#[test]
fn rules_count_as_the_narrowest_scope_says() {
    let found = assessment(60.0, &[("a.b", 40.0), ("c.d", 20.0)]);
    check("rules.\"a.b\" = \"off\"", &found, &HERE, "allow 20.0: the policy turns a.b off");
    check("rules.\"a.b\" = 10", &found, &HERE, "allow 30.0: the policy counts a.b with 10 points");
    check(
        "rules.\"a.b\" = 70",
        &found,
        &HERE,
        "block 90.0: the policy counts a.b with 70 points; risk 90.0 reaches 80, from which on the policy says block",
    );
    check(
        "rules.\"a.b\" = \"off\"\nagents.main.rules.\"a.b\" = 30",
        &found,
        &HERE,
        "review 50.0: the policy counts a.b with 30 points; risk 50.0 reaches 50, from which on the policy says review",
    );
    check(
        "agents.main.rules.\"a.b\" = 30\nsessions.\"agent:main:main\".rules.\"a.b\" = \"off\"",
        &found,
        &HERE,
        "allow 20.0: the policy turns a.b off",
    );
    check(
        "agents.other.rules.\"a.b\" = \"off\"",
        &found,
        &HERE,
        "review 60.0: risk 60.0 reaches 50, from which on the policy says review",
    );
    check(
        "rules.\"c.d\" = \"block\"",
        &found,
        &HERE,
        "block 60.0: the policy wants at least block for what c.d finds; risk 60.0 reaches 50, from which on the \
         policy says review",
    );
    check("rules.\"x.y\" = \"block\"", &assessment(0.0, &[]), &HERE, "allow 0.0: ");
}

#[test]
fn a_rule_turned_off_takes_its_own_evidence_and_no_more() {
    let off = "rules.a = \"off\"";
    // Cut off at 100: the others still make it.
    check(
        off,
        &assessment(100.0, &[("a", 60.0), ("b", 60.0), ("c", 60.0)]),
        &HERE,
        "block 100.0: the policy turns a off; risk 100.0 reaches 80, from which on the policy says block",
    );
    // Evidence without a rule stays.
    check(off, &assessment(70.0, &[("a", 50.0)]), &HERE, "allow 20.0: the policy turns a off");
    // What spoke for the text speaks no more.
    check(
        off,
        &assessment(40.0, &[("b", 60.0), ("a", -20.0)]),
        &HERE,
        "review 60.0: the policy turns a off; risk 60.0 reaches 50, from which on the policy says review",
    );
    check(off, &assessment(100.0, &[("a", 300.0)]), &HERE, "allow 0.0: the policy turns a off");
    check(
        off,
        &assessment(50.0, &[("a", f32::NAN)]),
        &HERE,
        "review 50.0: the policy turns a off; risk 50.0 reaches 50, from which on the policy says review",
    );
}

#[test]
fn lists_go_before_scores() {
    let listed = |listing| Subject { listing, ..HERE };
    let hit = |list| Hit { list, span: None };
    let allowed = listed(Listing::Allowed(hit(ListKind::Commands)));
    let denied = listed(Listing::Denied(hit(ListKind::Phrases)));
    let bad = assessment(90.0, &[("a", 90.0)]);
    check(
        "tools.exec.floor = \"review\"",
        &bad,
        &allowed,
        "allow 90.0: risk 90.0 reaches 80, from which on the policy says block; it is on the allow-list of commands",
    );
    check(
        "rules.a = \"block\"",
        &bad,
        &allowed,
        "block 90.0: the policy wants at least block for what a finds; risk 90.0 reaches 80, from which on the policy says block; it is on the allow-list of commands, but a rule that must block goes before that",
    );
    check("", &assessment(0.0, &[]), &denied, "block 100.0: it is on the deny list of phrases");
    let both = Listing::Allowed(hit(ListKind::Urls)).and(Listing::Denied(hit(ListKind::Domains)));
    assert_eq!(both, Listing::Denied(hit(ListKind::Domains)));
    assert_eq!(Listing::Unlisted.and(Listing::Unlisted), Listing::Unlisted);
}

#[test]
fn audit_decides_and_does_not_act() {
    let bad = assessment(90.0, &[]);
    for (mode, verdict, enforced, effect, would) in [
        ("enforce", Verdict::Block, true, Verdict::Block, None),
        ("audit", Verdict::Block, false, Verdict::Allow, Some(Verdict::Block)),
        ("off", Verdict::Allow, false, Verdict::Allow, None),
    ] {
        let decision = toml(&format!("mode = \"{mode}\"")).decide(&bad, &HERE);
        assert_eq!((decision.verdict, decision.enforced), (verdict, enforced), "{mode}");
        assert_eq!((decision.effect(), decision.would_have()), (effect, would), "{mode}");
    }
}

#[test]
fn every_reason_there_can_be_has_room() {
    let findings = [("a", 5.0_f32); crate::FINDINGS_MAX];
    let text = "rules.a = 1\ntools.exec = { floor = \"block\", bonus = 1 }\nchannels.chat.bonus = 1";
    let subject = Subject { listing: Listing::Denied(Hit { list: ListKind::Urls, span: None }), ..HERE };
    let decision = toml(text).decide(&assessment(95.0, &findings), &subject);
    assert_eq!(decision.reasons.len(), crate::FINDINGS_MAX + 4);
    assert!(decision.reasons.contains(&Reason::Denied(ListKind::Urls)));
}

proptest::proptest! {
    #[test]
    fn any_text_is_survived(text in ".{0,80}") {
        for format in [Format::Toml, Format::Json] {
            if let Err(error) = Policy::from_text(&text, format) {
                let said = error.to_string();
                proptest::prop_assert!(said.len() < 4096 && !said.chars().any(char::is_control), "{said:?}");
            }
        }
    }

    #[test]
    fn risk_stays_a_risk(score in proptest::num::f32::ANY, weight in proptest::num::f32::ANY, bonus in -100i32..=100) {
        let text = format!("rules.a = {bonus}\ntools.exec.bonus = {bonus}");
        let decision = toml(&text).decide(&assessment(score, &[("a", weight), ("b", -weight)]), &HERE);
        proptest::prop_assert!((0.0..=100.0).contains(&decision.risk));
    }
}
