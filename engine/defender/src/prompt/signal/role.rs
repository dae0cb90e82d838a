//! Turns of a conversation that data has no business to contain.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.role-marker",
    concepts: &[
        (
            "template",
            &[
                "<¦im_start¦>|<¦im_end¦>|<¦system¦>|<¦user¦>|<¦assistant¦>|<¦endoftext¦>|<¦end¦>|<¦eot_id¦>|<¦start_header_id¦>|<¦end_header_id¦>|<¦begin_of_text¦>|<¦endofprompt¦>|[inst]|[/inst]|<<sys>>|<</sys>>|<s>[|<start_of_turn>|<end_of_turn>|### instruction|### response|### human|### assistant|### system|###instruction|### new|<human>|<bot>|<¦prompter¦>|\\n\\nhuman:|<¦channel¦>|<¦message¦>",
            ],
        ),
        (
            "role-tag",
            &[
                "<system>|</system>|<system_prompt>|</system_prompt>|<system-prompt>|<system-reminder>|<instructions>|</instructions>|<instruction>|</instruction>|<user>|</user>|<assistant>|</assistant>|</user_query>|</document>|</context>|</data>|</input>|</email>|</tool_result>|<tool_result>|<tool_call>|<function_call>|<function_calls>|<function_results>|</function_results>|<admin>|<important>|</important>|<information>|</information>|[system]|[/system]|[admin]|[assistant]|[system message]|[system note|[system override]|[instructions]|[developer]|[end of|[start of|---end|--- end|=== end|----- end|begin system|end system|#system|# system|## system|{{system|{{#system|\"role\": \"system\"|\"role\":\"system\"|'role': 'system'|\"role\": \"assistant\"",
            ],
        ),
        (
            "role-line",
            &[
                "^system:|^assistant:|^user:|^human:|^ai:|^bot:|^chatgpt:|^admin:|^developer:|^system message:|^system prompt:|^system :|^instruction:|^instructions:|^new instructions:|^prompt:|^answer:|^response:|^observation:|^thought:|^action:|^tool:|^function:|^q:|^a:",
            ],
        ),
        ("ornament", &[">>|<<|:::|###|***|===|!!!|~~~|[[|]]|{{|}}|((|))|+++|---|///"]),
    ],
    rules: &[
        Rule::word("role.template", &["template"]),
        Rule::word("role.tag", &["role-tag"]),
        Rule::word("role.line", &["role-line"]),
        Rule::near("role.tag-order", &["template|role-tag|role-line", "override|must|new|duty"], 16)
            .across(2)
            .firm(),
        Rule::near("role.ornament-urgent", &["ornament", "urgent|interrupt|new"], 6).across(1).firm(),
    ],
};
