//! v3: who spawned a session. Set once, by the program that spawns.

use pincer_protocol::method::sessions::PatchParams;
use pincer_protocol::{ErrorShape, Field};

use crate::entry::Entry;
use crate::key::SessionKey;

pub(super) fn apply(entry: &mut Entry, params: &PatchParams, key: &SessionKey) -> Result<(), ErrorShape> {
    let spawned_by: Field<Box<str>> = match &params.spawned_by {
        Field::Absent => Field::Absent,
        Field::Null => Field::Null,
        Field::Value(parent) if parent.trim().is_empty() => {
            return Err(ErrorShape::invalid("invalid spawnedBy: empty"));
        }
        Field::Value(parent) => Field::Value(parent.trim().into()),
    };
    once(&mut entry.tuning_mut().spawned_by, spawned_by, "spawnedBy", key)?;
    let depth = match params.spawn_depth {
        Field::Absent => Field::Absent,
        Field::Null => Field::Null,
        // Deeper than this is nonsense, and no reason to fail.
        Field::Value(depth) => Field::Value(u32::try_from(depth).unwrap_or(u32::MAX)),
    };
    once(&mut entry.tuning_mut().spawn_depth, depth, "spawnDepth", key)
}

/// Sets a field that never changes once it is set.
fn once<T: PartialEq>(
    slot: &mut Option<T>,
    value: Field<T>,
    name: &str,
    key: &SessionKey,
) -> Result<(), ErrorShape> {
    let refuse = |why: &str| Err(ErrorShape::invalid(format!("{name} {why}")));
    match value {
        Field::Absent => Ok(()),
        Field::Null if slot.is_some() => refuse("cannot be cleared once set"),
        Field::Null => Ok(()),
        Field::Value(_) if !key.is_subagent() => refuse("is only supported for subagent:* sessions"),
        Field::Value(value) if slot.as_ref().is_some_and(|old| *old != value) => {
            refuse("cannot be changed once set")
        }
        Field::Value(value) => {
            *slot = Some(value);
            Ok(())
        }
    }
}
