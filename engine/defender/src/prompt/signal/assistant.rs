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
                "an die ki|an ki|fur die ki|fur ki|an den assistent*|fur den assistent*|an den ki|fur den bot|an den bot|an ki-|hinweis an ki|pour l'ia|a l'ia|aux ia|pour l'assistant*|a l'assistant*|a l'attention de l'|para la ia|a la ia|para el asistente|al asistente|para a ia|para o assistente|ao assistente|per l'ia|all'ia|per l'assistente|all'assistente|voor de ai|voor de assistent|aan de assistent|dla ai|do asystenta|dla asystenta|для ии|для ассистент*|ассистенту|для бота|для помощник*|помощнику|для шi|до асистента|yapay zeka icin|asistan icin|asistana|yapay zekaya|给ai|致ai|给助手|ai助手|aiへ|aiアシスタント*|ai에게|ai 어시스턴트*|비서에게|danh cho ai|tro ly ai|untuk ai|untuk asisten|kepada asisten|الى المساعد|للمساعد|الى الذكاء|एआई सहायक*|till assistenten",
            ],
        ),
        (
            "machine-reader",
            &[
                "ai assistants|ai agents|ai agent|ai tools|ai tool|ai summarizers|ai summarisers|ai summarizer|ai summariser|ai summaries|ai reviewers|ai reviewer|ai readers|ai reader|ai screener|ai screeners|ai screening|ai crawlers|ai scrapers|ai helpers|ai helper|ai pair|ai coding|ai shopping|ai recruiter|ai recruiters|ai search|ai bots|ai models|ai systems|ai system|llm reviewers|llm reviewer|llm readers|llm agents|llm agent|llm-based|llms that|llms reading|language models that|language models reading|language model reading|large language models|digital co-workers|digital co-worker|digital assistants|digital assistant|automated assistants|automated assistant|automated agents|automated agent|automated readers|automated reader|automated systems|automated system|automated tools|automated summary|automated summaries|automated review|automated screening|automation reading|machine readers|machine reader|machine-readable note|parsing system|translating system|reading system|processing system|processing agent|summarising agent|summarizing agent|summarising tool|summarizing tool|summarising assistant|summarizing assistant|coding agents|coding assistants|coding assistant|email assistants|mail assistant|helpful ai|the ai who|the ai that|an ai who|an ai that|if an agent|any agent|agents reading|assistants reading|bots reading|bot reading|models reading|medical chatbots|chatbots and assistants|[ai|[ai:|(ai:|<ai|ai-generated summary",
                "ki-assistenten|ki-assistent|ki-systeme|ki-system|ki-agent|ki-agenten|ki-modelle|ki-tools|ki-gestutzt*|[ki|(ki|ubersetzende system|lesende ki|auswertende ki|assistants ia|assistant ia|agents ia|agent ia|systemes d'ia|outils d'ia|modeles de langage|[ia|(ia|ia:|asistentes de ia|asistente de ia|agentes de ia|sistemas de ia|herramientas de ia|modelos de lenguaje|assistenti ia|assistente ia|agenti ia|sistemi di ia|strumenti di ia|assistentes de ia|assistente de ia|agentes de ia|ferramentas de ia|ai-assistenten|ai-assistent|ai-systemen|asystenci ai|asystent ai|agenci ai|modele jezykowe|ии-ассистент*|ии-агент*|ии-помощник*|языковые модели|нейросет*|ai 助手|ai助理|智能助手|智能体|大模型|语言模型|aiエージェント|aiアシスタント|ai 비서|ai 에이전트|yapay zeka asistan*|مساعد الذكاء|المساعد الذكي|एआई असिस्टेंट|asisten ai|tro ly ai",
            ],
        ),
        (
            "recommend",
            &[
                "recommend|recommends|recommended|recommendation|rank|ranks|ranked|ranking|rate this|rate it|rating of|highest rating|highest score|maximum score|maximum number of points|full marks|top score|top choice|best choice|best option|only option|only choice|first choice|first place|in first place|at first place|top of the list|top candidate|strong hire|shortlist|shortlisted|positive review|favourable|favorable|praise|endorse|endorsement|superior to|better than|say it's the|present it as|present this|promote our|mention our|market leader|industry leader|most trusted|accept without|strongly recommend|always recommend|empfiehl|empfehlen|bestbewert*|recommande*|recomiend*|recomendar|raccomand*|consiglia*|recomend*|aanbevelen|polecaj|рекоменд*|推荐|推薦|推奨|おすすめ|추천",
            ],
        ),
        (
            "remember",
            &[
                "your memory|to memory|in memory|long-term memory|remember that|remember this|remember for|store this|save this as|memorise|memorize|standing instruction|standing order|permanent rule|permanently|for all future|in all future|in future conversations|future sessions|every future|from this moment|from now on|from here on|keep it for good|for the rest of|as a fact about|user preference|user prefers|the user has agreed|the user wants|the user already|preference:|update your settings|your settings",
            ],
        ),
        (
            "reads-this",
            &[
                "reading this|reads this|read this|process this|processing this|processes this|summarising this|summarizing this|summarises this|summarizes this|summarise this|summarize this|parsing this|parses this|scanning this|scans this|handling this|handles this|reviewing this|reviews this|translating this|translates this|indexing this|who reads|that reads|answering this|triaging this|ingesting this|analysing this|analyzing this|pasting this|pasting my|opened this|opens this|evaluating this|evaluates this|evaluation of this|sorts the|ranking this|screening this|screens this|looking at this|crawling this|scraping this|fetched this|fetching this|loads this|when this file|when this page|when this document|when this email|when this message|who aren't people|aren't people|if asked about this|when asked about this|asks about this|mentions this|cites this|quotes this|using this page|using this file|using this document|processes my|reads my|reads our|reads these|processing these|diese nachricht liest|dies liest|das liest|diese e-mail liest|lit ceci|lit ce|lisez ceci|lee esto|lee este|leyendo esto|lendo isto|le este|legge questo|legge questa|читает это|читаешь это|bunu okuyan|阅读本|处理本|读到这|読んでいる|읽는|doc noi dung nay|membaca ini",
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
        .across(1)
        .apart(),
        Rule::near("assistant.addressed-reader", &["addressed|assistant|model", "reads-this"], 9).across(1),
        Rule::near(
            "assistant.reader-order",
            &["reads-this", "act|send|invoke|destroy|alter|imperative|must|make"],
            16,
        )
        .across(1)
        .apart(),
        Rule::near("assistant.addressed-secretly", &["addressed|assistant", "secretly|no-approval"], 40)
            .across(3),
        Rule::near("assistant.your-user-order", &["your-user", "tell|act|send|alter|tell-user|must"], 10)
            .across(1),
        Rule::near(
            "assistant.machine-secretly",
            &["addressed|machine-reader|reads-this", "secretly|no-approval"],
            50,
        )
        .across(4)
        .firm()
        .apart(),
        Rule::near(
            "assistant.machine-tell",
            &["addressed|machine-reader|reads-this", "tell-user|your-user|just-say|reply"],
            24,
        )
        .across(2),
        Rule::near(
            "assistant.machine-act",
            &["addressed|machine-reader|reads-this", "send|destroy|invoke", "valuables|sink|address|tool"],
            40,
        )
        .across(3)
        .apart(),
        Rule::near("assistant.machine-recommend", &["addressed|machine-reader|reads-this", "recommend"], 30)
            .across(2),
        Rule::near("assistant.machine-remember", &["addressed|machine-reader|assistant", "remember"], 24)
            .across(2),
        Rule::near("assistant.machine-scope", &["addressed|machine-reader", "override|stale|instead"], 24)
            .across(2),
        Rule::word("assistant.machine-reader", &["machine-reader"]),
        Rule::near("assistant.must-near", &["assistant", "must"], 16).across(1),
        Rule::near("assistant.note-assistant", &["note-to", "assistant|must"], 12).across(1),
        Rule::near("assistant.must-follow", &["must", "follow", "task|instruction"], 9),
    ],
};
