//! What one list of scopes allows of another.
//!
//! Scopes are kept as text: clients may ask for names this gateway does not know, and those are stored and compared
//! like any other.

use pincer_protocol::{Role, Scope};

/// Whether `granted` allows `wanted`: a name allows itself; for operators admin allows every `operator.` scope, and
/// write allows read and talk.
///
/// This is v4's rule. v3 lets neither admin nor write stand for anything but read here, so that a device that was granted
/// admin has to be approved again for pairing; nobody misses that.
pub(crate) fn allows(role: Role, granted: &[Box<str>], wanted: &str) -> bool {
    // Stored lists are tidy; what a client sends need not be.
    let wanted = wanted.trim();
    let has = |name: &str| granted.iter().any(|scope| **scope == *name);
    wanted.is_empty()
        || has(wanted)
        || (role == Role::Operator
            && ((wanted.starts_with("operator.") && has(Scope::Admin.as_str()))
                || ([Scope::Read, Scope::Talk].iter().any(|scope| scope.as_str() == wanted)
                    && has(Scope::Write.as_str()))))
}

/// The first of `wanted` that `granted` does not allow.
pub(crate) fn missing<'w>(role: Role, granted: &[Box<str>], wanted: &'w [Box<str>]) -> Option<&'w str> {
    wanted.iter().map(|scope| &**scope).find(|scope| !allows(role, granted, scope))
}

/// Whether `granted` allows all of `wanted`.
pub(crate) fn allows_all(role: Role, granted: &[Box<str>], wanted: &[Box<str>]) -> bool {
    missing(role, granted, wanted).is_none()
}

/// Trimmed, without repetitions and empty names, in their own order.
pub(crate) fn tidy<'s>(scopes: impl IntoIterator<Item = &'s Box<str>>) -> Vec<Box<str>> {
    let mut out: Vec<Box<str>> = Vec::new();
    for scope in scopes {
        let scope = scope.trim();
        if !scope.is_empty() && !out.iter().any(|known| **known == *scope) {
            out.push(scope.into());
        }
    }
    out
}

/// [`tidy`], sorted: how tokens hold them.
pub(crate) fn sorted<'s>(scopes: impl IntoIterator<Item = &'s Box<str>>) -> Vec<Box<str>> {
    let mut out = tidy(scopes);
    out.sort_unstable();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn what_allows_what() {
        for (role, granted, wanted, want) in [
            (Role::Operator, vec!["operator.admin"], "operator.pairing", true),
            (Role::Operator, vec!["operator.admin"], "made.up", false),
            (Role::Operator, vec!["operator.write"], "operator.read", true),
            (Role::Operator, vec!["operator.write"], "operator.talk", true),
            (Role::Operator, vec!["operator.read"], "operator.write", false),
            (Role::Operator, vec!["made.up"], "made.up", true),
            (Role::Operator, vec!["made.up"], " made.up ", true),
            (Role::Node, vec![], " ", true),
            (Role::Node, vec!["operator.admin"], "operator.read", false),
            (Role::Operator, vec![], "operator.read", false),
        ] {
            assert_eq!(allows(role, &list(&granted), wanted), want, "{role:?} {granted:?} {wanted}");
        }
        assert_eq!(sorted(&list(&["b", " a ", "", "b"])), list(&["a", "b"]));
        assert_eq!(tidy(&list(&["b", " a ", "", "b"])), list(&["b", "a"]));
    }
}
