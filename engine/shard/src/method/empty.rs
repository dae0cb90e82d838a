//! Lists that are empty because what they list is not built. v4's terminal client asks for them at start.

use pincer_protocol::method::empty::{
    PluginApprovalList, QuestionList, Questions, TaskSuggestions, TaskSuggestionsList,
};

use crate::dispatch::{Answer, Cx, Handle, Outcome};

impl Handle for QuestionList {
    fn handle(_: &mut Cx<'_>, _: Self::Params) -> Outcome<Questions> {
        Ok(Answer::Now(Questions::default()))
    }
}

impl Handle for PluginApprovalList {
    fn handle(_: &mut Cx<'_>, _: Self::Params) -> Outcome<Self::Payload> {
        Ok(Answer::Now(Default::default()))
    }
}

impl Handle for TaskSuggestionsList {
    fn handle(_: &mut Cx<'_>, _: Self::Params) -> Outcome<TaskSuggestions> {
        Ok(Answer::Now(TaskSuggestions::default()))
    }
}
