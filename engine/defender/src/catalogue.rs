//! Every rule that a finding may name, and what it says, for people and for policies.

use crate::RuleId;

/// A rule, as people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleText {
    /// Its name.
    pub id: RuleId,
    /// What was seen when it is found.
    pub meaning: &'static str,
}

const fn says(id: RuleId, meaning: &'static str) -> RuleText {
    RuleText { id, meaning }
}

/// All rules, by guard, in the order of their names.
pub const RULES: &[RuleText] = &[
    says("command.allowed", "the policy's `allow.commands` has this command"),
    says("command.bind-shell", "a shell is offered to whoever connects"),
    says("command.clear-traces", "logs or the shell's history are removed"),
    says("command.cloud-loss", "something in a cloud account or cluster is deleted, or opened to everybody"),
    says("command.credential-access", "keys, passwords or tokens are read"),
    says("command.database-loss", "a database or table is dropped or emptied"),
    says("command.decode-run", "something is decoded and then run"),
    says("command.denied", "the policy's `deny.commands` has this command"),
    says("command.destroy-data", "files are deleted or overwritten, many or important ones"),
    says("command.destroy-device", "a disk or partition is overwritten or formatted"),
    says("command.disable-protection", "a firewall, audit, update or similar protection is turned off"),
    says("command.download-run", "something is fetched from the network and run"),
    says("command.escalate", "more rights are taken: root, a setuid bit, a new administrator"),
    says("command.exfiltrate", "files or secrets are sent somewhere"),
    says("command.fork-bomb", "processes are started without end"),
    says("command.halt", "the machine is stopped or restarted"),
    says("command.mine", "coins are mined"),
    says("command.obfuscated", "the command hides what it does"),
    says("command.permissions", "files are opened to everybody"),
    says("command.persist", "something is made to run again later: cron, a unit, a login script, a key"),
    says("command.recon", "the machine or its network is scouted"),
    says("command.reverse-shell", "a shell is connected to another machine"),
    says("command.shell-escape", "a program that is not a shell is made to start one"),
    says("command.too-deep", "commands inside commands, deeper than is read"),
    says("command.too-long", "longer than is read"),
    says("command.too-much", "more parts than are read"),
    says("command.transfer", "files are moved to or from another machine"),
    says("command.tunnel", "a way through the network's boundary is opened"),
    says("command.unknown-program", "a program of which nothing is known"),
    says("command.unread", "a part that cannot be read without running it"),
    says("command.vcs-loss", "history or uncommitted work of a repository is thrown away"),
    says("defender.busy", "there was no place to judge it in; a person is asked"),
    says("defender.timeout", "judging it took too long; a person is asked"),
    says("intel.blocked-domain", "a local list blocks this domain"),
    says("intel.blocked-file", "a local list blocks this file"),
    says("intel.blocked-url", "a local list blocks this address"),
    says("intel.malicious-domain", "the service calls this domain malicious"),
    says("intel.malicious-file", "the service calls this file malicious"),
    says("intel.malicious-url", "the service calls this address malicious"),
    says("intel.suspicious-domain", "the service calls this domain suspicious"),
    says("intel.suspicious-file", "the service calls this file suspicious"),
    says("intel.suspicious-url", "the service calls this address suspicious"),
    says("intel.unchecked", "the service did not answer, and the policy asks for a person then"),
    says("prompt.addresses-assistant", "data speaks to the model that reads it"),
    says("prompt.approval-bypass", "a confirmation that an action needs is declared given"),
    says("prompt.dictated-reply", "a reply is dictated word by word"),
    says("prompt.disclosure", "the system prompt, secrets or other people's data are asked for"),
    says(
        "prompt.discussion",
        "speaks for the text: it discusses attacks, documents, or asks an ordinary question",
    ),
    says("prompt.encoded", "a part of it was encoded"),
    says("prompt.exfiltration", "data is to be sent, posted or put into a link"),
    says("prompt.general", "its words are those of attacks, without one that stands out"),
    says("prompt.harmful-request", "asks for what a model should not give"),
    says("prompt.hidden-characters", "has characters that nobody sees"),
    says("prompt.hidden-text", "has text that nobody sees: comments, styles that hide"),
    says("prompt.jailbreak", "a persona, game or mode that lifts the model's limits"),
    says("prompt.malicious-code", "code that steals or breaks, offered to be built in"),
    says("prompt.new-task", "work that nobody gave replaces the work that was"),
    says("prompt.override", "instructions that came before shall not hold"),
    says("prompt.pressure", "urgency, importance or secrecy, to make the reader act before thinking"),
    says("prompt.reply-control", "orders about the reply, from somebody whom it does not go to"),
    says("prompt.role-marker", "turns of a conversation that data has no business to contain"),
    says("prompt.smuggling", "pieces that are to be put together and obeyed"),
    says(
        "prompt.too-much",
        "long, and made of more words and signs a byte than real texts are: the rest was not read",
    ),
    says("prompt.tool-order", "an order to use tools: run this, delete that, grant access"),
    says("tool.unread-arguments", "arguments of a tool that could not all be read"),
    says("url.unreadable", "an address that cannot be read as one"),
];

/// What the rule `id` says, if there is one.
pub fn rule_text(id: &str) -> Option<&'static RuleText> {
    RULES.iter().find(|rule| rule.id == id)
}

/// The rule whose name is nearest to `id`, for who misspelt it.
pub fn nearest_rule(id: &str) -> Option<RuleId> {
    let near = RULES.iter().map(|rule| (distance(id, rule.id), rule.id)).min()?;
    (near.0 <= 1 + id.len() / 4).then_some(near.1)
}

/// How many letters must be put in, taken out or changed to make one name of the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, byte) in from.bytes().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(to.bytes()) {
            let here = (corner + usize::from(byte != other)).min(left + 1).min(*cell + 1);
            (corner, left) = (*cell, here);
            *cell = here;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_every_guard_is_told_of() {
        let mut used: Vec<&str> = crate::prompt::families().collect();
        let sources = [
            include_str!("command/id.rs"),
            include_str!("judge.rs"),
            include_str!("intel/signal.rs"),
            include_str!("prompt/assess.rs"),
            include_str!("prompt/effort.rs"),
            include_str!("prompt/matcher.rs"),
        ];
        for text in sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2)) {
            let guard = ["command.", "intel.", "prompt.", "tool.", "url."]
                .iter()
                .any(|guard| text.starts_with(guard));
            if guard && text.bytes().all(|byte| byte.is_ascii_lowercase() || b".-".contains(&byte)) {
                used.push(text);
            }
        }
        assert!(used.len() > 50, "{used:?}");
        for id in used {
            assert!(rule_text(id).is_some(), "{id} is missing");
        }
        assert!(RULES.is_sorted_by_key(|rule| rule.id));
    }

    #[test]
    fn misspelt_names_are_guessed() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abd"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest_rule("prompt.overide"), Some("prompt.override"));
        assert_eq!(nearest_rule("promt.override"), Some("prompt.override"));
        assert_eq!(nearest_rule("weather"), None);
    }
}
