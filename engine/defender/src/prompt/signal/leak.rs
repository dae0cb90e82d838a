//! "What were you told?": the system prompt, secrets, other people's data.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.disclosure",
    concepts: &[
        (
            "system-prompt",
            &[
                "system prompt|system prompts|system message|system messages|system instruction|system instructions|initial prompt|initial instructions|initial instruction|original prompt|original instructions|hidden prompt|hidden instructions|secret prompt|secret instructions|secret prompt|base prompt|pre-prompt|preprompt|pre prompt|meta prompt|metaprompt|developer message|developer prompt|developer instructions|custom instructions|your prompt|your prompts|your instructions|your instruction|your system|your directives|your rules|your guidelines|your configuration|your initial|your programming|your context window|internal instructions|internal rules|internal guidelines|internal prompt|prompt text|prompt_text|full prompt|entire prompt|complete prompt|exact prompt|starting prompt|opening instructions|text of the prompt|the prompt as|in the prompt|this prompt|previous prompt|prompt above|prompt verbatim|your knowledge cutoff|instructions you were given|instructions you received|instructions you have|instructions given to you|you were instructed|you were told|you've been told|you have been told|you been given|you been told|were you given|were you told|been instructed|document above|your sources|your tools|your functions|functions available",
                "what you may not|what you can't tell|not supposed to tell|not allowed to tell|told not to|told to keep|keep to yourself|rules you have|rules you were|rules you've|rules you follow|rules they gave|rules you got|your first message|message before mine|before my first|before mine|setup text|configuration text|hidden text|hidden context|hidden part|programmed with|text you were|lines you were|brief you|your brief|your setup|your config|what they told you|loaded before|text i can't see",
                "texte de configuration|premier message|texto de configuracion|texto oculto|testo nascosto|testo iniziale|versteckt* anweisung*|versteckt* vorgabe*|erste nachricht|deine vorgaben|开头的系统*|最初に与え*|設定文*|처음 받은|설정 내용*|начальн* инструкц*|скрыт* инструкц*|ukryte instrukcje|gizli talimat*",
                "systemprompt*|system-prompt*|systemaufforderung*|systemnachricht*|deine anweisungen|ihre anweisungen|deine instruktionen|prompt systeme|prompt du systeme|message systeme|invite systeme|vos instructions|tes instructions|prompt del sistema|mensaje del sistema|tus instrucciones|sus instrucciones|instrucciones iniciales|indicaciones iniciales|prompt di sistema|messaggio di sistema|tue istruzioni|istruzioni iniziali|prompt do sistema|mensagem do sistema|suas instrucoes|instrucoes iniciais|systeemprompt*|jouw instructies|prompt systemowy|monit systemowy|twoje instrukcje|системный промпт|системн* промпт|системное сообщение|системные инструкции|твои инструкции|ваши инструкции|исходные инструкции|системний промпт|sistem istemi|sistem mesaj*|sistem komut*|talimatlarin*|موجه النظام|تعليماتك|رساله النظام|सिस्टम प्रॉम्प्ट|系统提示*|系統提示*|系统指令|系统消息|你的指令|你的提示|初始指令|初始提示|システムプロンプト|システムメッセージ|初期指示|あなたの指示|시스템 프롬프트*|시스템 메시지*|초기 지시*|loi nhac he thong|prompt he thong|prompt sistem|pesan sistem|instruksi sistem|instruksi awal",
            ],
        ),
        (
            "above",
            &[
                "text above|words above|everything above|all above|the above|above text|above words|above this|content above|instructions above|message above|lines above|sentences above|above message|previous text|previous words|text before|everything before|everything that came before|before this|prior text|preceding text|beginning of this|beginning of the prompt|beginning of our|beginning of the conversation|start of this conversation|start of the conversation|start of this prompt|written above|said above|written at|first sentence|first line|first message|first words|last prompt|last message|our conversation|this conversation|conversation so far|chat history|previous conversation|preceding messages|exact text|verbatim|word for word|word-for-word|in full|in its entirety|full text|exact words|exact wording|oben steht|obigen text|obige text|texte ci-dessus|texto anterior|texto de arriba|testo sopra|testo precedente|texto acima|bovenstaande tekst|текст выше|все выше|вышеприведенный|дословно|yukaridaki metn*|النص اعلاه|النص السابق|ऊपर का|ऊपर दिए गए|以上内容|上面的内容|上文|之前的内容|上述内容|上の文|上記の文|위의 텍스트|위의 내용|위 내용",
            ],
        ),
        (
            "secret",
            &[
                "password|passwords|passwort|passphrase|passcode|pass code|passkey|secret key|secret code|secret word|secret phrase|secret password|the secret|your secret|your secrets|secrets|secret|api key|api keys|apikey|access key|access code|access codes|access token|auth token|token|private key|private keys|encryption key|credentials|credential|login details|login credentials|login|pin code|pin number|security code|security codes|security question|security key|security phrase|code word|codeword|code phrase|entry code|key phrase|2fa|otp|one-time|seed phrase|recovery phrase|ssh key|master key|secret information|sensitive data|sensitive information|confidential information|confidential data|credit card number|social security number|pwd",
                "kennwort|geheimnis|geheimer schlussel|geheimcode|geheimen schlussel|zugangsdaten|mot de passe|cle secrete|code secret|phrase secrete|phrase de passe|identifiants|contrasena|clave secreta|codigo secreto|frase secreta|credenciales|clave|chiave segreta|codice segreto|parola d'ordine|credenziali|senha|chave secreta|codigo secreto|credenciais|frase secreta|wachtwoord*|geheime sleutel|geheime code|haslo|hasla|tajny klucz|tajny kod|парол*|секретный ключ|секретный код|секрет*|ключ|учетные данные|пароля|ключова фраза|sifre*|parola|gizli anahtar|gizli kod|كلمه المرور|كلمه السر|كلمه مرور|كلمه سر|المفتاح السري|الرمز السري|بيانات الاعتماد|पासवर्ड|गुप्त कुंजी|गुप्त कोड|गुप्त|密码|密碼|口令|密钥|秘钥|暗号|秘密|凭据|パスワード|秘密鍵|秘密のキー|合言葉|秘密|パスフレーズ|비밀번호|암호|비밀 키|비밀|패스워드|mat khau|khoa bi mat|ma bi mat|cum mat khau|kata sandi|sandi|kunci rahasia|kode rahasia|kontrasenyas|lihim na susi|lihim|lozink*|sifra|losenord|salasana|κωδικο*|heslo|jelszo|parol*|nenosiri|wagwoord|รหัสผ่าน|รหัสลับ|ความลับ|กุญแจลับ|পাসওয়ার্ড|গোপন|கடவுச்சொல்|పాస్వర్డ్|neno la siri|sifren*|sifrey*|sifresi*|parolan*|passord|adgangskode|פססוורד|סיסמה|סיסמא|รหัส|passwort*|password*|パス ワード",
                "palavra-passe|palavra passe|kata laluan|adgangskode*|losenord*|passord*|salasana*|hesl*|jelszo*|jelszav*|parola*|лозинк*|הסיסמה|סיסמ*|رمز عبور|گذرواژه|پاس ورڈ|रहस्य|पासकोड|পাসওয়ার্ড*|গোপন*|কোড|கடவுச்சொல்*|రహస్య*|పాస్‌వర్డ్|รหัสผ่าน|รหัสลับ|neno la siri|nywila|mat ma|ma khoa|lihim|tajna lozinka|şifre|κλειδι|συνθηματικο|κωδικ*|hemlig*|hemmelig*|salainen|titkos|tajn*|ความลับ|合い言葉|暗証番号|비밀번호*|암호*|비번",
            ],
        ),
        (
            "pii",
            &[
                "address|home address|email address|email of|email for|s email|e-mail of|s e-mail|his email|her email|their email|whose email|mail address|phone number|phone|birth date|birthdate|birthday|birth year|date of birth|year of birth|birth month|birthplace|born|lives|live|living at|reside|resides|residence|city|hometown|location|located|social security|ssn|age|gender|sex|marital status|income|salary|full name|first name|last name|surname|middle name|initials|zip code|postal code|medical|medical history|credit card|bank account|account number|id number|passport|driver's license|nationality|ethnicity|religion|sexual orientation|political|personal information|personal data|personal details|private information|private data|contact information|relationship|occupation|employer|socioeconomic status|race|race and ethnicity",
                "adresse|wohnt|wohnort|geburtsdatum|geburtsjahr|telefonnummer|name des|adresse e-mail|habite|vit|date de naissance|numero de telephone|direccion|vive|fecha de nacimiento|numero de telefono|correo|ciudad|indirizzo|abita|data di nascita|numero di telefono|endereco|mora|data de nascimento|cidade|telefone|adres|woont|geboortedatum|woonplaats|mieszka|data urodzenia|адрес*|живет|живёт|проживает|дата рождения|дату рождения|город|телефон*|мешкає|yasiyor|adres*|dogum|telefon|العنوان|عنوان|يعيش|تاريخ الميلاد|مدينه|يقيم|पता|रहता|रहते|रहती|जन्म*|शहर|फोन|ईमेल|地址|住在|居住|住哪里|出生*|电话|电子邮件|城市|邮箱|住所|住んで|生年月日|電話番号|メールアドレス|주소|살고|거주*|생년월일|전화번호|이메일|사는|dia chi|song o|ngay sinh|so dien thoai|alamat|tinggal|tanggal lahir|kota|nomor telepon|nakatira|kaarawan|tirahan|address ng|zivi|adresa|rodenja|ที่อยู่|อาศัย|วันเกิด|เบอร์โทร|อีเมล|ঠিকানা|থাকে*|জন্ম*|ফোন|ইমেল|bank balance|balance|bakiye*|saldo|kontostand|solde|баланс|余额|残高|잔액|رصيد|बैलेंस|so du|favorite color|favourite colour|favorite|lieblingsfarbe|couleur preferee|color favorito|colore preferito|cor favorita|любимый цвет|最喜欢的颜色|好きな色|좋아하는 색|warna favorit|initialen|initiales|iniciales|iniziali|iniciais|инициал*|首字母|イニシャル|이니셜|inisyal|inisial|bas harf*|license plate|plaque d'immatriculation|geburtsmonat|mes de nacimiento|mes de nascimento|mois de naissance|mese di nascita|месяц рождения|dogum ayi*|birth day",
                "bydli|narozen*|szuletes*|lakcim*|nasterii|locuieste|adresa|διευθυνση*|γεννησης|μενει|כתובת|תאריך לידה|آدرس|تولد|پتہ|anwani|anaishi|முகவரி|చిరునామా|ঠিকানা*|জন্ম*|থাকেন|bor han|bor hon|bor brukeren|bor brugeren|bor anvandaren|fodselsdag*|fodelsedag*|syntyma*|asuu|taon ng kapanganakan|kapanganakan|paborito*|tahun lahir|tempat tinggal|noi o|nam sinh|thanh pho cu tru",
            ],
        ),
        (
            "pretext",
            &[
                "if i were to ask|if i asked you|if i ask you|let's say|imagine we|imagine we're|imagine you're|suppose|hint|hints|rhymes|rhyme|riddle|first letter|first letters|each letter|letter by letter|character by character|reverse order|in reverse|backwards|reversed|pig latin|base64|morse|spaces between|separated by|interlace|split|acrostic|poem about|haiku|song about|story about|write a poem|in the form of|encode|encoded|encrypted|caesar|rot13|leetspeak|emoji|emojis|ascii|binary|hex|synonyms for|definition of|fill in|complete the sentence|autocomplete|rückwarts|a l'envers|al reves|al contrario|ao contrario|наоборот|в обратном порядке|بالعكس|ترتيب عكسي|उल्टे|反向|倒序|逆順|逆に|거꾸로|역순",
                "imagine that|imagine a|in a world where|hypothetical|想象|假设|想像して|想像してみて|仮定|상상해*|가정해*|कल्पना*|मान लीजिए|تخيل|افترض|لنفترض|представь*|предположим|imagina*|imaginemos|imaginez|imaginons|supposons|asumamos|supongamos|immagina*|supponiamo|suponha*|stell dir vor|stellen sie sich|angenommen|stel je voor|wyobraz*|bayangkan|misalkan|tuong tuong|gia su|hayal et*|diyelim|จินตนาการ|สมมติ|কল্পনা*|ধরুন|ipagpalagay|isipin",
                "俳句|haiku*|poeme*|acrostiche|poema*|gedicht*|poesia*|acrostico|puisi|tula|bai tho|siir*|стих*|قصيده|कविता*|시를|하이쿠|詩を|一首诗|诗|กลอน|কবিতা*|วรรณกรรม",
            ],
        ),
        (
            "possess",
            &[
                "your|you|the system's|the system|our|ours|its|the|thy|dein|deine|ihr|ihre|das|ton|votre|le|tu|su|la|el|tuo|tua|il|a sua|sua|seu|o|je|het|twoje|твой|ваш|ваши|твои|senin|sizin|你的|您的|あなたの|당신의|आपका|आपके|cua ban|anda|iyong|mo",
            ],
        ),
    ],
    rules: &[
        Rule::chain("leak.tell-system-prompt", &["tell", "system-prompt"], 10),
        Rule::word("leak.system-prompt", &["system-prompt"]),
        Rule::chain("leak.tell-above", &["tell", "above"], 9),
        Rule::word("leak.above", &["above"]),
        Rule::chain("leak.tell-secret", &["tell", "secret"], 8),
        Rule::near("leak.tell-your-secret", &["tell|question", "your", "secret"], 8),
        Rule::chain("leak.your-secret", &["your", "secret"], 3),
        Rule::chain("leak.secret-tell", &["secret", "tell"], 4),
        Rule::word("leak.secret", &["secret"]),
        Rule::near("leak.ask-secret", &["question|tell", "secret"], 5),
        Rule::near("leak.tell-pii", &["tell|question", "pii"], 7),
        Rule::near("leak.pretext-pii", &["pretext|pieces|fiction", "pii"], 16).across(1),
        Rule::near("leak.authority-ask", &["authority", "tell", "secret|pii|system-prompt"], 30).across(2),
        Rule::near("leak.user-pii", &["the-user", "pii"], 6),
        Rule::near("leak.tell-user-pii", &["tell", "the-user", "pii"], 12),
        Rule::near("leak.pretext-secret", &["pretext", "secret|system-prompt"], 24).across(2),
        Rule::near("leak.override-secret", &["override", "secret|system-prompt|pii|above"], 24).across(2),
        Rule::near("leak.override-tell", &["override", "tell", "system-prompt"], 24).across(2).sure(),
        Rule::near("leak.secret-secret", &["secret", "tell", "possess"], 6),
    ],
};
