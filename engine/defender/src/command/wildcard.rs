//! Paths written with wildcards that can stand for a place that matters: `/etc/sh?dow`.

use super::path::Class;

/// Longest path with wildcards that is compared, bytes.
const PATTERN_BYTES_MAX: usize = 64;

/// What wildcards are compared with.
const TARGETS: &[(&[u8], [Class; 2])] = &[
    (b"/etc/shadow", [Class::SECRET, Class::AUTH]),
    (b"/etc/passwd", [Class::PRIVATE, Class::AUTH]),
    (b"/etc/sudoers", [Class::PRIVATE, Class::AUTH]),
    (b"~/.ssh/id_rsa", [Class::SECRET, Class::NONE]),
    (b"~/.ssh/id_ed25519", [Class::SECRET, Class::NONE]),
    (b"~/.aws/credentials", [Class::SECRET, Class::NONE]),
];

/// What a path with wildcards can stand for. A star for a whole name says nothing.
pub(super) fn class_of(path: &[u8]) -> Class {
    let hides = std::matches!(path.first(), Some(b'/' | b'~'))
        && path.len() <= PATTERN_BYTES_MAX
        && path.iter().any(|byte| matches!(byte, b'?' | b'[' | b'*'))
        && path.split(|&byte| byte == b'/').all(|part| part != b"*" && part != b"**");
    if !hides {
        return Class::NONE;
    }
    let stands_for =
        TARGETS.iter().filter(|(target, _)| target.first() == path.first() && matches(path, target));
    stands_for.fold(Class::NONE, |all, &(_, [one, other])| all | one | other)
}

/// Whether the wildcards of `pattern` match all of `text`. A set in brackets is taken for any one letter.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while place < text.len() {
        let (one, len) = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, place));
                at += 1;
                continue;
            }
            Some(b'?') => (true, 1),
            Some(b'[') => match pattern.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == b']'))
            {
                Some(close) => (true, close + 1),
                None => (false, 1),
            },
            Some(byte) => (text.get(place) == Some(byte), 1),
            None => (false, 1),
        };
        if one && (text.get(place) != Some(&b'/') || pattern.get(at) == Some(&b'/')) {
            at += len;
            place += 1;
            continue;
        }
        match star {
            // A star stands for the letters of one name.
            Some((behind, from)) if text.get(from) != Some(&b'/') => {
                at = behind;
                place = from + 1;
                star = Some((behind, from + 1));
            }
            _ => return false,
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|&byte| byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::{Class, class_of, matches};

    #[test]
    fn wildcards_match_names() {
        for (pattern, text, wanted) in [
            ("/etc/sh?dow", "/etc/shadow", true),
            ("/e*/sh*w", "/etc/shadow", true),
            ("/[e]tc/s*", "/etc/shadow", true),
            ("/*", "/etc/shadow", false),
            ("/etc/shadow?", "/etc/shadow", false),
            ("/e[/shadow", "/etc/shadow", false),
            ("", "x", false),
            ("***", "x", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
        assert!(class_of(b"/etc/shado?").has(Class::SECRET));
        assert!(!class_of(b"/etc/*").has(Class::SECRET));
        assert!(!class_of(b"/etc/*.conf").has(Class::SECRET));
    }
}
