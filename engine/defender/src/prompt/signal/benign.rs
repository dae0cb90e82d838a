//! What speaks for a text: that it discusses attacks, documents something, or asks an ordinary question.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.discussion",
    concepts: &[
        (
            "discusses",
            &[
                "prompt injection|prompt injections|jailbreaks|injection attack|injection attacks|attack vector|attack vectors|attacker|attackers|adversary|adversaries|adversarial|vulnerability|vulnerabilities|mitigation|mitigations|mitigate|threat model|threat|threats|defend against|protect against|detects|detect|detection|guardrail|guardrails|red team|red teaming|security research|researchers|paper|owasp|cve|exploit|exploits|malicious|untrusted|sanitize|best practices|security policy|responsible disclosure|report a vulnerability|false positives|benchmark|dataset|classifier",
            ],
        ),
        (
            "example",
            &[
                "for example|for instance|e.g.|such as|example|examples|an example of|like this|i.e.|zum beispiel|par exemple|por ejemplo|per esempio|por exemplo|bijvoorbeeld|na przyklad|например|наприклад|ornegin|على سبيل المثال|उदाहरण|例如|比如|例えば|예를 들어|vi du|contohnya|misalnya",
            ],
        ),
        (
            "document",
            &[
                "readme|installation|install|usage|license|licence|contributing|changelog|getting started|quickstart|requirements|npm|pip|cargo|docker|github|git clone|repository|documentation|api reference|configuration|table of contents|section|chapter|function|parameter|parameters|returns|option|options|default|flag|flags|see also|deprecated|supported|features",
            ],
        ),
        (
            "asks-how",
            &[
                "^how do|^how can|^how should|^how does|^how to|^what is|^what are|^what does|^what's|^can you explain|^could you explain|^can you help|^could you help|^why|^which|^explain|^describe|^is there|^is it|^are there|^should i|^what happens|^who|^where can|^wie kann|^was ist|^comment|^como|^come|^hoe|^jak|^как|^nasil|^كيف|^如何|^什么是|^どうやって|^어떻게",
            ],
        ),
        (
            "program",
            &[
                "program|script|c program|java program|python script|python program|shell script|bash script|perl script|php script|powershell script|algorithm|mechanism|that implements|implements a|function that|regex|sql query|library|libraries|module|modules|linux system|network traffic|machine learning|user input|input validation|error handling",
            ],
        ),
        (
            "trait",
            &[
                "as an expert|experienced|skilled|expertise|professional|provide guidance|help users|interviewer|translator|tutor|coach|consultant|advisor|copywriter|my goal|our goal|the goal|my audience|target audience|tone|format|bullet points|markdown|table|rules:|you will:|your task is to|responsibilities|constraints|output format|variables|${",
            ],
        ),
        (
            "protect",
            &[
                "protect|protecting|safeguard|safeguarding|confidentiality|must not reveal|never reveal|never share|never disclose|not disclose|not share|do not share|privacy|secure|securely|encryption|access control|unauthorized access|compliance|guard|prevent|preventing|prevents|monitor|monitoring|audit|authentication|ensure the security|keep safe|keep it safe",
            ],
        ),
        (
            "speaks-of",
            &[
                "the assistant shall|the assistant should|the assistant will|the assistant may|the assistant can|the bot shall|the bot should|the bot will|the bot can|the agent shall|the agent should|the agent will|the model may|the model should|the model will|the chatbot|a chatbot|an assistant|assistants must|assistants should|agents must|agents should|staff may|staff must|employees must|employees may|our assistant|our chatbot|our bot|use of ai|ai policy|ai act|ai features|ai-generated|system prompts|language models|llms|your system prompt|a language model|a model|users may|users should|developers|attackers|what attackers|classic example|in the wild|in quotation",
            ],
        ),
        (
            "courtesy",
            &[
                "thank you|thanks|regards|best regards|sincerely|dear|hi|hello|cheers|let me know|if you have any questions|feel free|unsubscribe|sent from|subject:|from:|to:|re:|fwd:",
            ],
        ),
        (
            "change",
            &[
                "change|changing|reset|resetting|manage|manager|forgot my|update my|store|storing|hash|hashing|generator|strength|strong|policy|expires|expire|create a|choose a|protect my|how do i|how can i|how should|best practices|andern|zurucksetzen|verwalten|vergessen|changer|reinitialiser|oublie mon|cambiar|restablecer|cambiare|reimpostare|alterar|redefinir|wijzigen|zmienic|сменить|поменять|сбросить|восстановить|degistir*|sifirla*|تغيير|اعاده تعيين|बदल*|रीसेट|更改|修改|重置|变更|変更|リセット|管理方法|변경|재설정|바꾸|doi mat khau|thay doi|dat lai|mengganti|mengubah|palitan|เปลี่ยน|পরিবর্তন",
            ],
        ),
        ("english", &["the|and|of|to|is|in|that|for|with|are|this|on|be|it"]),
        (
            "foreign",
            &[
                "der|die|und|das|ist|nicht|le|la|les|des|est|et|el|los|las|que|il|che|di|um|uma|het|een|nie|jest|и|в|не|на|ve|bir|bu|va|yang|dan|và|cua|ang|ng|sa|je|da",
            ],
        ),
        (
            "rot13",
            &[
                "gur|naq|lbh|lbhe|vafgehpgvbaf|vtaber|cebzcg|cerivbhf|sbetrg|guvf|gung|jvgu|ner|jung|cyrnfr|fnl|nyy|sbe|cnffjbeq|flfgrz|qvfertneq|abg|unir|sebz|ubj|jevgr|nobhg|trarengr|gryy|rkcynva",
            ],
        ),
        (
            "reversed",
            &[
                "eht|dna|uoy|ruoy|snoitcurtsni|erongi|tpmorp|suoiverp|tegrof|siht|taht|htiw|era|tahw|esaelp|lla|rof|drowssap|metsys|dragersid|ton|evah|morf|woh|etirw|tuoba|etareneg|llet|nialpxe",
            ],
        ),
    ],
    rules: &[
        Rule::word("benign.discusses", &["discusses"]),
        Rule::word("benign.example", &["example"]),
        Rule::word("benign.document", &["document"]),
        Rule::word("benign.asks-how", &["asks-how"]),
        Rule::word("benign.program", &["program"]),
        Rule::word("benign.trait", &["trait"]),
        Rule::word("benign.protect", &["protect"]),
        Rule::word("benign.courtesy", &["courtesy"]),
        Rule::word("benign.speaks-of", &["speaks-of"]),
        Rule::near("benign.change-secret", &["change", "secret"], 8).across(1).firm(),
        Rule::near("benign.protect-secret", &["protect", "secret|valuables"], 16).across(1).firm(),
        Rule::word("benign.english", &["english"]),
        Rule::word("benign.foreign", &["foreign"]),
        Rule::word("benign.rot13", &["rot13"]),
        Rule::word("benign.reversed", &["reversed"]),
    ],
};
