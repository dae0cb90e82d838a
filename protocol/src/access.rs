//! Who may call what: roles, scopes, and a method's requirement per wire.

use serde::{Deserialize, Serialize};

use crate::Wire;

/// What a connection is. Decided at `connect`, never changed afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A person's client or a program acting for one; everything goes by scope.
    Operator,
    /// A headless device that serves commands; it may call only the node methods.
    Node,
}

impl Role {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Node => "node",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Option<Role> {
        match text {
            "operator" => Some(Role::Operator),
            "node" => Some(Role::Node),
            _ => None,
        }
    }
}

/// A permission this gateway knows. Clients may send others: they are echoed, and grant nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Look, never change.
    Read,
    /// Send messages and start runs.
    Write,
    /// See and resolve exec approvals.
    Approvals,
    /// See and decide device pairing.
    Pairing,
    /// Talk mode (v4).
    Talk,
    /// Read talk secrets.
    TalkSecrets,
    /// Answer questions (v4).
    Questions,
}

impl Scope {
    /// Every scope, in the order of the bits.
    pub const ALL: [Scope; 8] = [
        Scope::Admin,
        Scope::Read,
        Scope::Write,
        Scope::Approvals,
        Scope::Pairing,
        Scope::Talk,
        Scope::TalkSecrets,
        Scope::Questions,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Admin => "operator.admin",
            Scope::Read => "operator.read",
            Scope::Write => "operator.write",
            Scope::Approvals => "operator.approvals",
            Scope::Pairing => "operator.pairing",
            Scope::Talk => "operator.talk",
            Scope::TalkSecrets => "operator.talk.secrets",
            Scope::Questions => "operator.questions",
        }
    }

    /// Reads the name on the wire; `None` for scopes this gateway does not know.
    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A set of scopes in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// No scope at all: only unscoped methods and events.
    pub const EMPTY: ScopeSet = ScopeSet(0);

    /// The set of the known scopes among `names`.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> ScopeSet {
        names.into_iter().filter_map(Scope::parse).fold(ScopeSet::EMPTY, ScopeSet::with)
    }

    /// This set and `scope`.
    pub const fn with(self, scope: Scope) -> ScopeSet {
        ScopeSet(self.0 | 1 << scope as u8)
    }

    /// Whether `scope` itself is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Whether the set satisfies a requirement for `scope`: admin passes everything, write covers read.
    pub const fn allows(self, scope: Scope) -> bool {
        self.contains(Scope::Admin)
            || self.contains(scope)
            || (matches!(scope, Scope::Read) && self.contains(Scope::Write))
    }

    /// Whether any scope of `wanted` is allowed. An empty `wanted` is satisfied by everyone.
    pub fn allows_any(self, wanted: &[Scope]) -> bool {
        wanted.is_empty() || wanted.iter().any(|scope| self.allows(*scope))
    }
}

/// What a caller must hold to call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nobody is refused, not even nodes (`health`).
    Nothing,
    /// An operator that holds this scope.
    Scope(Scope),
    /// A node.
    Node,
}

/// One method's requirement on each wire. `None`: the wire does not have the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// On protocol 3.
    pub v3: Option<Need>,
    /// On protocol 4.
    pub v4: Option<Need>,
    /// Whether `hello-ok` lists it on v3. Upstream answers some methods it does not list.
    pub listed_v3: bool,
    /// Whether `hello-ok` lists it on v4.
    pub listed_v4: bool,
}

impl Access {
    /// The same need on both wires, listed on both.
    pub const fn both(need: Need) -> Access {
        Access { v3: Some(need), v4: Some(need), listed_v3: true, listed_v4: true }
    }

    /// The same scope on both wires, listed on both.
    pub const fn scope(scope: Scope) -> Access {
        Access::both(Need::Scope(scope))
    }

    /// Only protocol 4 has it.
    pub const fn v4_only(scope: Scope) -> Access {
        Access { v3: None, v4: Some(Need::Scope(scope)), listed_v3: false, listed_v4: true }
    }

    /// Different scopes per wire.
    pub const fn per_wire(v3: Scope, v4: Scope) -> Access {
        Access { v3: Some(Need::Scope(v3)), v4: Some(Need::Scope(v4)), listed_v3: true, listed_v4: true }
    }

    /// Answered but not listed in `hello-ok`.
    pub const fn unlisted(self) -> Access {
        Access { listed_v3: false, listed_v4: false, ..self }
    }

    /// The need on `wire`.
    pub const fn on(&self, wire: Wire) -> Option<Need> {
        match wire {
            Wire::V3 => self.v3,
            Wire::V4 => self.v4,
        }
    }

    /// Whether `hello-ok` lists the method on `wire`.
    pub const fn listed(&self, wire: Wire) -> bool {
        match wire {
            Wire::V3 => self.listed_v3 && self.v3.is_some(),
            Wire::V4 => self.listed_v4 && self.v4.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_algebra() {
        let write = ScopeSet::from_names(["operator.write", "made.up"]);
        assert!(write.allows(Scope::Read), "write covers read");
        assert!(!write.allows(Scope::Admin));
        assert!(!write.allows(Scope::Pairing));
        let admin = ScopeSet::EMPTY.with(Scope::Admin);
        assert!(Scope::ALL.into_iter().all(|scope| admin.allows(scope)), "admin passes everything");
        assert!(ScopeSet::EMPTY.allows_any(&[]));
        assert!(!ScopeSet::EMPTY.allows_any(&[Scope::Read]));
    }
}
