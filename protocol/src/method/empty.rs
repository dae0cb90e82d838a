//! Lists that v4 clients ask for and that this gateway never has anything in.
//!
//! The terminal client and the Control UI call these right after hello and treat a failure as a broken gateway, so they
//! are answered truthfully: there are no questions, no plugins and no suggested tasks here.

use serde::Serialize;

use super::{EMPTY, NoParams, Rpc};
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::{Object, opt, text_max};

/// Questions an agent waits to have answered.
pub struct QuestionList;

/// Payload of `question.list`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Questions {
    /// None.
    pub questions: [(); 0],
}

impl Rpc for QuestionList {
    const NAME: &'static str = "question.list";
    const ACCESS: Access = Access::v4_only(Scope::Questions);
    type Params = NoParams;
    type Payload = Questions;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&EMPTY)
    }
}

/// Approvals plugins wait for.
pub struct PluginApprovalList;

impl Rpc for PluginApprovalList {
    const NAME: &'static str = "plugin.approval.list";
    const ACCESS: Access = Access::v4_only(Scope::Approvals);
    type Params = NoParams;
    /// None.
    type Payload = [(); 0];

    fn schema(_: Wire) -> Option<&'static Object> {
        None
    }
}

/// Tasks an agent proposes.
pub struct TaskSuggestionsList;

/// Payload of `taskSuggestions.list`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TaskSuggestions {
    /// None.
    pub suggestions: [(); 0],
}

const SUGGESTIONS: Object =
    Object { fields: &[opt("sessionKey", text_max(512)), opt("agentId", text_max(128))] };

impl Rpc for TaskSuggestionsList {
    const NAME: &'static str = "taskSuggestions.list";
    const ACCESS: Access = Access::v4_only(Scope::Read);
    type Params = NoParams;
    type Payload = TaskSuggestions;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&SUGGESTIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::{covers, read};

    #[test]
    fn as_recorded() {
        covers(&Questions::default(), r#"{"questions":[]}"#);
        covers(&<PluginApprovalList as Rpc>::Payload::default(), "[]");
        covers(&TaskSuggestions::default(), r#"{"suggestions":[]}"#);
        assert!(read::<PluginApprovalList>(Wire::V4, r#"{"bogus":1}"#).is_ok(), "checked by nobody");
        for got in [
            read::<TaskSuggestionsList>(Wire::V4, r#"{"bogus":1}"#),
            read::<QuestionList>(Wire::V4, r#"{"bogus":1}"#),
        ] {
            assert_eq!(got.unwrap_err(), "at root: unexpected property 'bogus'");
        }
    }
}
