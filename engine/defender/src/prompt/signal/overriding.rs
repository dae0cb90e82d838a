//! "Forget what you were told": the instructions that came before shall not hold.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.override",
    concepts: &[
        (
            "override",
            &[
                "ignore|ignoring|disregard|disregarding|forget|forgetting|forgot|overlook|dismiss|discard|neglect|override|overrule|overwrite",
                "bypass|skip|abandon|erase|nullify|void|cancel|drop|set aside|put aside|leave aside|throw away|throw out|pay no attention to|do not follow",
                "don't follow|dont follow|stop following|no longer follow|do not obey|don't obey|no longer obey|do not listen to|don't listen to|do not pay attention to",
                "suspend|suspended|outrank|outranks|zero weight|no weight|stop being|stop hiding behind|let go of|switch off|switched off|turn off|lifted|waive|waived|loosen|doesn't count|don't count|do not count|doesn't apply|no longer a|give up your|rid of",
                "don't pay attention to|do not heed|don't heed|take no notice of|unlearn|wipe|clear out|purge|leave behind|look past|supersede|supersedes|replaces|ignor|ignroe|disreguard|igonre",
                "ignorier*|vergiss|vergessen|vergesst|vernachlassig*|missacht*|beachte nicht|verwirf|verwerfen|lass*  ausser acht|uberspring*",
                "ignorez|ignorer|oublie|oubliez|oublier|neglige*|ne tenez pas compte|ne tiens pas compte|fais abstraction|faites abstraction|laisse tomber|passe outre",
                "ignora|ignorar|ignore|ignoren|olvida|olvidar|olvide|olviden|olvidate|descarta*|omite|omita|haz caso omiso|haga caso omiso|no hagas caso|pasa por alto|desestima*",
                "ignori|ignorare|ignorate|dimentica*|scorda*|trascura*|tralascia*|non tenere conto|non considerare|ignoriamo",
                "esqueca|esquecer|esquece|desconsidere|desconsiderar|desconsidera|despreze|nao leve em conta",
                "negeer|vergeet|negeren|vergeten|sla geen acht|laat * buiten beschouwing|zignoruj|ignoruj|zapomnij|zapomnijcie|pomin|pominac|zlekcewaz",
                "игнорир*|проигнорир*|забудь*|забыть|отбрось*|пренебреги*|не обращай внимания|не учитывай|ігнору*|проігнору*|забудь*|знехтуй*",
                "yok say|gormezden gel*|unut*|dikkate alma*|goz ardi et*|boşver|بوس|تجاهل*|انس|انسى|انسي|تغاضى|اهمل|لا تتبع",
                "नजरअंदाज*|अनदेखा*|अनदेखी*|भूल जा*|भुला*|उपेक्षा*|अवहेलना*|忽略|忽视|无视|無視|忘记|忘掉|忘了|忘記|不要理会|不要管|别管|抛开|放弃|不理会",
                "無視し*|無視|忘れ*|忘れて|気にしない|무시하*|무시해*|무시|잊어*|잊으*|잊고|bo qua|quen di|hay quen|phot lo|lo di|khong quan tam",
                "abaikan|lupakan|jangan hiraukan|kesampingkan|kalimutan|huwag pansinin|balewalain|ipagwalang*|zaboravi*|ignorisi|ignorira*|zanemar*|glem|ignorera|glom|bortse|ignoroi|unohda|αγνοη*|ξεχασ*",
                "เพิกเฉย|ละเว้น|อย่าสนใจ|ลืม|ไม่ต้องสนใจ|উপেক্ষা|ভুলে যান|অগ্রাহ্য|புறக்கணி*|విస్మరించ*|hunsu*|puuza|ignorá|ignorovat|zabudni|zapomen*|felejts*|uita|ignora*|التجاهل",
                "ignoreall*|ignoreprev*|ignorethe*|disregardall*|disregardprev*|forgetall*|forgetprev*|forgeteverything*",
                "ध्यान न दें|ध्यान मत|भूल जाएं|भूल जाइए|दुर्लक्ष*|विसरून|উপেক্ষা*|ভুলে যাও|বাদ দাও|বাদ দিন|অগ্রাহ্য*|এড়িয়ে|மறந்துவிடு*|மறந்து|మర్చిపో*|మరిచిపో*|અવગણ*|ભૂલી જા*|نظر انداز*|نظرانداز*|بھول جا*|نادیده*|فراموش کن*|توجه نکن*",
                "התעלם*|תתעלם*|התעלמי|שכח*|תשכח*|jangan pedulikan|tinggalkan|sahau|usizingatie|isantabi|ignoruj*|nevsimej si|nevsimaj si|hagyd figyelmen|hagyja figyelmen|felejtsd|felejtse|ignorati|uitati|nu tine cont|nu tineti cont|забрав*|пренебрегн*|игнориши|занемари*|заборави*",
                "не зважай*|не звертай уваги|jata huomiotta|ala valita|se bort fra|bortse fran|strunta i|ไม่สนใจ|อย่าไปสนใจ|ไม่ต้องไปสนใจ|มองข้าม|อย่าทำตาม|ไม่ต้องทำตาม|dung de y|mac ke|quen het|quen tat ca|ξεχνα|παραβλεψ*",
            ],
        ),
        (
            "scope",
            &[
                "previous|previously|prior|preceding|above|earlier|before|foregoing|initial|original|existing|former|past|so far|up to now|until now|up until now",
                "up to this point|came before|come before|that came|mentioned above|given above|given before|stated|beforehand|old|default|pre-existing|preset|hitherto|up there|current",
                "vorherig*|vorig*|bisherig*|obig*|fruher*|vorangegangen*|zuvor|davor|oben|vorstehend*|ursprunglich*|vorangehend*|bislang",
                "precedent*|anterieur*|ci-dessus|avant|initial*|d'avant|auparavant|plus haut|jusqu'ici|jusqu'a present|jusqu'a maintenant",
                "anterior*|previ*|precedente*|arriba|antes|hasta ahora|acima|anteriormente|ate agora|iniciais|inicial|iniciales|original*",
                "sopra|prima|finora|inizial*|vorige|voorgaande|eerdere|bovenstaande|hierboven|daarvoor|tot nu toe|poprzedni*|wczesniejsz*|powyzsz*|dotychczasow*",
                "предыдущ*|прежн*|ранее|выше|вышеуказан*|прошл*|до этого|попередн*|раніше|вище|onceki|yukaridaki|daha onceki|bundan once|السابقه|السابق|اعلاه|ما سبق|قبل",
                "पिछल*|पूर्व|उपरोक्त|पहले|ऊपर|之前*|以前*|以上|先前*|上述|上面*|前面*|此前|前の|以前の|上記*|これまで|先ほど|今までの|이전*|위의|앞의|앞선|지금까지|기존",
                "truoc|truoc do|truoc day|o tren|phia tren|sebelumnya|sebelum|di atas|terdahulu|nakaraang|naunang|nauna|prethodn*|tidligere|forrige|foregaende|tidigare|edelliset|aiemmat|προηγουμεν*|predchoz*|elozo|anterioare|ก่อนหน้า|ข้างต้น|ด้านบน|เดิม|পূর্ববর্তী|আগের|উপরের",
                "উপরের*|আগের*|পূর্বের*|पहले की|ऊपर की|முந்தைய*|மேலே*|మునుపటి|పైన|הקודמ*|קודמ*|לעיל|قبلی|بالا|پیشین|پچھل*|سابقہ|اوپر|awali|yaliyotangulia|παραπανω|predchadzajuc*|predesl*|vyse|korabbi*|fenti*|de mai sus|precedente|aiemp*|edella",
                "ovanstaende|ovenfor|ovenstaende|предишн*|горн*|претходн*|gornj*|sebelum ini|ข้างบน|sa itaas|nasa itaas|kafin|hapo juu",
            ],
        ),
        (
            "instruction",
            &[
                "instruction|instructions|prompt|prompts|directive|directives|rule|rules|guideline|guidelines|command|commands|order|orders|direction|directions",
                "constraint|constraints|restriction|restrictions|programming|guidance|instructed|told|protocols|protocol|policies|policy|intructions|instuctions|instrucitons|instructiosn|brief|mandates|system message|system prompt",
                "guardrails|guard rails|safeguards|safety rules|safety layer|safety training|safety stuff|content rules|topic limits|limits|limitations|boundaries|configuration|setup message|company policy|moderation|ethics|filters|your role|your training",
                "anweisung*|anordnung*|instruktion*|befehl*|vorgabe*|regeln|richtlinie*|aufforderung*|hinweise|auftrag|auftrage",
                "consigne*|directive*|ordres|regles|commande*|instruccion*|indicacion*|ordenes|reglas|directriz|directrices|comando*",
                "istruzion*|ordini|regole|direttiv*|comandi|instruc*|ordens|regras|diretriz*|instructies|opdrachten|regels|aanwijzing*|instrukcj*|polecen*|zasad*|wytyczn*",
                "инструкц*|указани*|команд*|правил*|распоряжен*|директив*|інструкц*|вказівк*|talimat*|komut*|kural*|yonerge*|التعليمات|تعليمات|الاوامر|اوامر|القواعد|التوجيهات|توجيهات",
                "निर्देश*|आदेश*|नियम*|अनुदेश*|指示*|指令*|命令*|规则*|規則|要求|提示词*|提示*|ルール|プロンプト|지시*|명령*|규칙*|지침*|프롬프트",
                "huong dan|chi dan|chi thi|menh lenh|lenh|quy tac|instruksi|perintah|aturan|petunjuk|panuto|tagubilin|utos|instrukcije|uputstv*|upute|instruktioner|ohjeet|οδηγιες|pokyny|utasitas*|instructiunile|คำสั่ง|คำแนะนำ|กฎ|নির্দেশ*|নিয়ম*",
                "anvisning*|ohje*|saannot|pokyn*|instrukc*|szabaly*|regul*|οδηγι*|κανονες|הוראות*|ההוראות|הכללים|دستور*|ہدایات|ہدایت|قوانین|maagizo|maelekezo|sheria|விதி*|வழிமுறை*|அறிவுறுத்தல்*|సూచన*|నియమ*|સૂચના*|सूचना*|упутств*|arahan|patakaran|alituntunin|নির্দেশ*|নিয়ম*",
            ],
        ),
        (
            "context",
            &[
                "text|texts|message|messages|conversation|context|content|contents|information|info|documents|document|paragraph|paragraphs|data|input|task|tasks|question|questions|request|requests|assignment|assignments",
                "tweet|email|article|webpage|page|passage|chat|history|discussion|knowledge|training|statements|statement|words|articles|material|things|stuff|paper|details|everything",
                "ausfuhrungen|informationen|aufgabe*|dokument*|inhalt*|nachricht*|artikel|frage*|gesprach*|tache*|conversation*|informations|documents|textes|questions",
                "tarea*|informacion*|documento*|preguntas|mensajes|compit*|informazion*|domande|testo|tarefa*|informac*|mensagens|perguntas|taken|vragen|zadan*|dokumenty|текст*|сообщени*|задани*|вопрос*|разговор*|документ*",
                "内容|信息|文字|对话|文本|任务|问题|文章|文書|内容を|会話|タスク|内용|내용|대화|작업|문서|정보|noi dung|thong tin|percakapan|informasi|tugas|konteks|المحادثه|النص|المعلومات|المهام",
            ],
        ),
        (
            "all",
            &[
                "all|any|every|everything|each|anything|whatever|entire|whole|all of|alles|alle|allen|aller|jegliche*|samtliche*|tout|toutes|tous|toute|tutte|tutti|tutto|ogni|todo|todos|todas|toda|cualquier*|tudo|qualquer|alle|wszystk*|wszelki*|все|всё|всех|любые|усі|всі|tum|butun|her seyi|كل|جميع|सभी|सब|所有|一切|全部|すべて|全て|모든|모두|tat ca|moi|semua|seluruh|lahat|sve|alla|kaikki",
            ],
        ),
        (
            "everything",
            &[
                "everything|all that|all of that|all of this|all this|what i said|what i told|what i have said|what was said|what you were told|what you have been told|what you've been|what you know|what came before|what we talked|what we discussed|what you learned|the rest|the above|everything else|anything you",
                "alles|alles was|all das|tout ce|tout ca|tout|todo lo|todo|tudo|tudo o|tutto|tutto cio|tutto quello|alles wat|wszystko|все|всё|все, что|всё, что|her seyi|hersey*|كل شيء|كل ما|सब कुछ|सब|一切|所有|すべて|全部|모든 것|모두|moi thu|semua|lahat|sve|allt|kaikki",
            ],
        ),
        (
            "stale",
            &[
                "no longer apply|no longer applies|no longer valid|no longer relevant|do not apply|don't apply|are void|are cancelled|are canceled|are obsolete|are outdated|are now void|is now void|have been lifted|have been removed|have been revoked|are revoked|are suspended|are null|are superseded|no longer in effect|not in effect|have been replaced|have been updated|have changed|were a test|was a test|was just a test|gelten nicht mehr|ne s'appliquent plus|ya no se aplican|non valgono piu|больше не действуют|不再适用|已失效|は無効",
            ],
        ),
    ],
    rules: &[
        Rule::near("override.instruction", &["override", "instruction"], 7),
        Rule::near("override.scoped", &["override", "scope", "instruction"], 9).sure(),
        Rule::chain("override.context", &["override", "scope", "context"], 8),
        Rule::chain("override.scope", &["override", "scope"], 5),
        Rule::chain("override.scope-first", &["scope", "override"], 4),
        Rule::chain("override.context-first", &["scope", "context|everything", "override"], 8),
        Rule::chain("override.everything", &["override", "everything"], 3).apart(),
        Rule::near("override.all", &["override", "all", "instruction|context"], 7),
        Rule::chain("override.your", &["override", "your", "instruction"], 6).sure(),
        Rule::near("override.stale", &["instruction", "stale"], 9).firm(),
        Rule::word("override.word", &["override"]),
        Rule::chain("override.scoped-only", &["scope", "instruction"], 3),
    ],
};
