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
            "addressed",
            &[
                "for the ai|for ai|for any ai|for an ai|to the ai|to ai|to any ai|to whichever ai|for assistants|for ai assistants|for automated|to automated|for language models|for llms|to llms|for any assistant|to any assistant|to the assistant|for the assistant|for your assistant|to your assistant|for bots|to the bot|for the bot|for agents|to agents|for the agent|to the agent|for the tool|to the tool|for the software|for machine readers|for whatever tool|for the model|to the model|for the summarizer|for the summariser|dear ai|dear assistant|dear bot|hello ai|hi ai|hey ai|hello assistant|hi assistant|ai agents:|assistants:|assistant:|agent:|ai:|bot:|assistant,|agent,|@assistant|@ai|@bot|@agent|@copilot|ai note|ai-note|llm note|ai reader|ai readers|ai tools|if you are an ai|if you're an ai|if you are an assistant|if you're an assistant|if you are a bot|if you are a language|if you're a language|if you are automated|if an ai|if an assistant|any ai",
                "an die ki|an ki|fur die ki|fur ki|an den assistent*|fur den assistent*|an den ki|fur den bot|an den bot|an ki-*|hinweis an ki|pour l'ia|a l'ia|aux ia|pour l'assistant*|a l'assistant*|a l'attention de l'*|para la ia|a la ia|para el asistente|al asistente|para a ia|para o assistente|ao assistente|per l'ia|all'ia|per l'assistente|all'assistente|voor de ai|voor de assistent|aan de assistent|dla ai|do asystenta|dla asystenta|для ии|для ассистент*|ассистенту|для бота|для помощник*|помощнику|для шi|до асистента|yapay zeka icin|asistan icin|asistana|yapay zekaya|给ai|致ai|给助手|ai助手|aiへ|aiアシスタント*|ai에게|ai 어시스턴트*|비서에게|danh cho ai|tro ly ai|untuk ai|untuk asisten|kepada asisten|الى المساعد|للمساعد|الى الذكاء|एआई सहायक*|till assistenten",
            ],
        ),
        (
            "reads-this",
            &[
                "reading this|reads this|read this|process this|processing this|processes this|summarising this|summarizing this|summarises this|summarizes this|summarise this|summarize this|parsing this|parses this|scanning this|scans this|handling this|handles this|reviewing this|reviews this|translating this|translates this|indexing this|who reads|that reads|answering this|triaging this|ingesting this|analysing this|analyzing this|processes my|reads my|reads our|reads these|processing these|diese nachricht liest|dies liest|das liest|diese e-mail liest|lit ceci|lit ce|lisez ceci|lee esto|lee este|leyendo esto|lendo isto|le este|legge questo|legge questa|читает это|читаешь это|bunu okuyan|阅读本|处理本|读到这|読んでいる|읽는|doc noi dung nay|membaca ini",
            ],
        ),
        (
            "your-user",
            &[
                "your user|your user's|your users|your users'|your human|your human's|your principal|your operator|your owner|whoever you assist|the person you assist|the person you work for|whoever asked you|the one who asked you|deinem nutzer|deiner nutzerin|deines nutzers|ihrem nutzer|dein nutzer|ton utilisateur|votre utilisateur|tu usuario|su usuario|seu usuario|tuo utente|il tuo utente|je gebruiker|jouw gebruiker|twojego uzytkownika|своему пользователю|вашему пользователю|твоему пользователю|kullanicina|kullaniciniza|你的用户|您的用户|ユーザーに|사용자에게|nguoi dung cua ban|pengguna anda",
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
        Rule::word("assistant.addressed", &["addressed"]),
        Rule::word("assistant.reads-this", &["reads-this"]),
        Rule::word("assistant.your-user", &["your-user"]),
        Rule::near(
            "assistant.addressed-order",
            &["addressed", "act|send|invoke|destroy|alter|imperative|must|make"],
            16,
        )
        .across(1),
        Rule::near("assistant.addressed-reader", &["addressed|assistant|model", "reads-this"], 9).across(1),
        Rule::near(
            "assistant.reader-order",
            &["reads-this", "act|send|invoke|destroy|alter|imperative|must|make"],
            16,
        )
        .across(1),
        Rule::near("assistant.addressed-secretly", &["addressed|assistant", "secretly|no-approval"], 40)
            .across(3),
        Rule::near("assistant.your-user-order", &["your-user", "tell|act|send|alter|tell-user|must"], 10)
            .across(1),
        Rule::near("assistant.must-near", &["assistant", "must"], 16).across(1),
        Rule::near("assistant.note-assistant", &["note-to", "assistant|must"], 12).across(1),
        Rule::near("assistant.must-follow", &["must", "follow", "task|instruction"], 9),
    ],
};
