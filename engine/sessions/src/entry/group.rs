//! Groups of optional fields: each is one allocation that a session without any of them does not have.

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use pincer_protocol::Wire;

/// A set of optional, named fields.
pub(super) trait Group: Default + PartialEq {
    /// Tries to take the field `name` from its JSON. False: there is no such field here, or the value does not fit it.
    fn take(&mut self, name: &str, json: &RawValue) -> bool;

    /// Writes the fields that are there. `wire`: leave out what that wire does not know.
    fn write<M: SerializeMap>(&self, map: &mut M, wire: Option<Wire>) -> Result<(), M::Error>;

    /// Whether no field is there.
    fn is_empty(&self) -> bool;
}

/// Declares a [`Group`]: `field: Type = "wireName"`, with `v4` before names that v3 does not know.
macro_rules! group {
    (@visible v4 $wire:expr) => { $wire != Some(pincer_protocol::Wire::V3) };
    (@visible $wire:expr) => { true };
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $( $(#[$field_doc:meta])* $field:ident: $type:ty = $($mark:ident)? $text:literal ),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: Option<$type>, )*
        }

        impl $name {
            /// Nothing set.
            pub const EMPTY: $name = $name { $( $field: None, )* };
        }

        impl crate::entry::group::Group for $name {
            fn take(&mut self, name: &str, json: &serde_json::value::RawValue) -> bool {
                match name {
                    $( $text => match serde_json::from_str::<$type>(json.get()) {
                        Ok(value) => {
                            self.$field = Some(value);
                            true
                        }
                        Err(_) => false,
                    }, )*
                    _ => false,
                }
            }

            fn write<M: serde::ser::SerializeMap>(
                &self,
                map: &mut M,
                wire: Option<pincer_protocol::Wire>,
            ) -> Result<(), M::Error> {
                let _ = wire;
                $( if let Some(value) = &self.$field
                    && group!(@visible $($mark)? wire)
                {
                    map.serialize_entry($text, value)?;
                } )*
                Ok(())
            }

            fn is_empty(&self) -> bool {
                true $( && self.$field.is_none() )*
            }
        }
    };
}

pub(super) use group;
