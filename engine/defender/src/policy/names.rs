//! Checks of counts and names that every section has.

use super::error::PolicyError;

/// Longest name of a tool, channel, agent or session, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 512;

/// At most `max` of them.
pub(super) fn check_count(path: &str, count: usize, max: usize) -> Result<(), PolicyError> {
    if count > max {
        return Err(PolicyError::field(path, format!("{count} entries, allowed are 0 to {max}")));
    }
    Ok(())
}

/// A name that can be met: not empty, not endless, nothing invisible around it.
pub(super) fn check_name(path: &str, name: &str) -> Result<(), PolicyError> {
    let problem = if name.is_empty() {
        "an empty name matches nothing"
    } else if name.len() > NAME_BYTES_MAX {
        "longer than 512 bytes"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else if name.trim() != name {
        "has blanks around it and so matches nothing"
    } else {
        return Ok(());
    };
    Err(PolicyError::field(format!("{path}.{name:?}"), problem))
}
