//! `chat.startup`: the first page of a chat window, in one call.

use super::{HistoryAnswer, HistoryParams};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::Object;

/// The same as `chat.history`, asked for when a window opens.
pub struct Startup;

/// Params of [`Startup`]: those of `chat.history`.
pub type StartupParams = HistoryParams;

impl Rpc for Startup {
    const NAME: &'static str = "chat.startup";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = StartupParams;
    type Payload = HistoryAnswer;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&super::history::V4)
    }
}
