//! "Just say yes": a reply that is dictated word by word.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.dictated-reply",
    concepts: &[
        (
            "just-say",
            &[
                "just say|only say|simply say|say only|just respond|only respond|simply respond|just reply with|only reply|simply reply with|just print|simply print|only print|just output|only output|just answer|simply tell|simply provide|just tell me|just write|simply write|respond with only|reply with only|nothing else|say nothing|say yes|say no|say that you|say you|say i|and say|print yay|then say|now say|answer with yes|answer with no|answer with|respond: |and nothing but|with the word|with the words|the exact phrase|exactly as|begin your answer with|start your answer with|begin with sure|sure, here|sure here|include that you|also include|sage einfach|sag einfach|sagen sie|sag ja|sage ja|und sage|und sagen|antworte nur|dis simplement|dites ce qui suit|et dis|dites|solo di|di que|diga solo|y di|di solo|e di'|e dici|diga apenas|apenas diga|e diga|zeg alleen|zeg gewoon|powiedz tylko|скажи только|просто скажи|и скажи|sadece soyle|فقط قل|只说|只需说|说出|と言って|だけ言って|라고 말해|chi noi|katakan saja|reci|i reci|recite",
            ],
        ),
        (
            "believe",
            &[
                "you hate|you love|you like|you are stupid|you believe|you think|you want|you admire|you despise|you prefer|you support|i hate|i love|hate you|we hate|is the best|are the best|the best party|the best newspaper|the worst|du hasst|sie hassen|ich hasse|je deteste|odio|odias|te odio|amo|nenavidis|ненавижу|讨厌|恨|嫌い|싫어",
            ],
        ),
        (
            "you-are",
            &[
                "^you are|^you're|^your name is|^you play|^you were|^you have|^du bist|^sie sind|^tu es|^vous etes|^eres|^usted es|^sei|^tu sei|^voce e|^je bent|^jestes|^ты|^вы|^ti si|^你是|^あなたは|^당신은",
            ],
        ),
    ],
    rules: &[
        Rule::word("format.just-say", &["just-say"]),
        Rule::near("format.override", &["override", "just-say"], 20).across(2),
        Rule::near("format.believe", &["just-say", "believe"], 10),
        Rule::word("format.believe-word", &["believe"]),
        Rule::word("format.you-are", &["you-are"]),
    ],
};
