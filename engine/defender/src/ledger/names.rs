//! Names of what other modules define, as the ledger writes them. They are part of the format: none may change.

use serde::{Deserialize, Deserializer, Serializer, de};

use crate::Provenance;

const PROVENANCES: [(Provenance, &str); 7] = [
    (Provenance::Operator, "operator"),
    (Provenance::ChannelUser, "channelUser"),
    (Provenance::GroupMember, "groupMember"),
    (Provenance::ToolOutput, "toolOutput"),
    (Provenance::WebContent, "webContent"),
    (Provenance::FileContent, "fileContent"),
    (Provenance::Hook, "hook"),
];

pub(super) mod provenance {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(value: &Provenance, to: S) -> Result<S::Ok, S::Error> {
        let name = match value {
            Provenance::Operator => "operator",
            Provenance::ChannelUser => "channelUser",
            Provenance::GroupMember => "groupMember",
            Provenance::ToolOutput => "toolOutput",
            Provenance::WebContent => "webContent",
            Provenance::FileContent => "fileContent",
            Provenance::Hook => "hook",
        };
        to.serialize_str(name)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Provenance, D::Error> {
        let text = String::deserialize(from)?;
        let known = PROVENANCES.iter().find(|(_, name)| *name == text);
        known.map(|(value, _)| *value).ok_or_else(|| de::Error::custom("unknown provenance"))
    }
}
