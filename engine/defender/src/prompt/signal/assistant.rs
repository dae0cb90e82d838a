//! Data that speaks to the model which reads it.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.addresses-assistant",
    concepts: &[
        (
            "assistant",
            &[
                "assistant|ai assistant|dear assistant|dear ai|hey assistant|hey ai|attention ai|attention assistant|ai model|ai agent|ai system|ai systems|ai agents|language model|language models|llm|llms|chatbot|the model|the agent|virtual assistant|email assistant|summarizer|bot|copilot|chatgpt|gpt|claude|gemini|assistent|ki-assistent|asistente|assistente|ассистент*|помощник*|asistan|مساعد|सहायक|助手|人工智能|アシスタント|어시스턴트|비서|tro ly|asisten",
            ],
        ),
        (
            "note-to",
            &[
                "^note to|^attention|^important|^important message|^important instruction*|^important note|^important information|^message to|^instruction to|^instructions for|^instruction for|^notice to|^reminder to|^for the assistant|^to the assistant|^to the ai|^to any ai|^hello assistant|^hey assistant|^hey ai|^hey chatgpt|^hey gpt|^hey bot|^if you are an ai|^if you are a language|^if you are an llm|^if you're an ai|^as an ai|^ai instruction*|^system note|^system notice|^system override|^system alert|^system instruction*|^system update|^admin note|^admin instruction*|^developer note|^new instruction*|^urgent instruction*|^special instruction*|^additional instruction*|^updated instruction*|^hidden instruction*|^todo:|^todo",
            ],
        ),
        (
            "when-processing",
            &[
                "when processing|when you process|when reading this|when you read|while processing|upon reading|after reading|before answering|before responding|before you continue|before continuing|before proceeding|before completing|before summarizing|before you can|in order to complete|to complete this task|to complete the task|to solve the task|while you're at it|also do|additionally, you must|you must also|in addition to|as part of this|as part of your|first do|first, you|once done|once you have|after that|as your first|as your next|prior to",
            ],
        ),
        (
            "must",
            &[
                "you must|you should|you need to|you have to|you are required|you are to|you will|you shall|must strictly|must now|must immediately|must follow|it is mandatory|mandatory|is required to|you are instructed|you are ordered|you are hereby|you are authorized|your task is|your new task|your job is|your goal is|your mission|i need you to|i want you to|i would like you to|make sure to|be sure to|ensure that you|ensure you|sie mussen|du musst|vous devez|tu dois|debes|debe|devi|deve|voce deve|moet je|musisz|ты должен|вы должны|zorundasin|malisin|يجب عليك|يجب ان|आपको|你必须|您必须|你需要|しなければならない|해야 합니다|해야 한다|ban phai|anda harus|kamu harus",
            ],
        ),
    ],
    rules: &[
        Rule::word("assistant.word", &["assistant"]),
        Rule::word("assistant.note-to", &["note-to"]),
        Rule::word("assistant.when-processing", &["when-processing"]),
        Rule::word("assistant.must", &["must"]),
        Rule::near("assistant.must-near", &["assistant", "must"], 16).across(1),
        Rule::near("assistant.note-assistant", &["note-to", "assistant|must"], 12).across(1),
        Rule::near("assistant.must-follow", &["must", "follow", "task|instruction"], 9),
    ],
};
