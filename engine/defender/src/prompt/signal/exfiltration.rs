//! Data on its way out: send it, post it, put it into a link.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.exfiltration",
    concepts: &[
        (
            "send",
            &[
                "send|forward|email|e-mail|mail|post|upload|transmit|exfiltrate|share|leak|submit|deliver|relay|copy|bcc|cc|dump|push|export|sync|ping|beacon|fetch|request|navigate|visit|open|click|go to|curl|wget|call|schicke*|sende*|senden|leite|weiterleiten|hochladen|envoie*|envoyez|transfere*|transmets|envia*|envie|reenvia*|mandar|manda|invia*|inoltra*|carica|encaminhe|envie|stuur|verstuur|doorsturen|wyslij|przeslij|отправ*|перешли|загрузи|надішли*|перешл*|gonder*|ilet|yukle|ارسل|حول|ارفع|भेजें|भेजो|अपलोड|发送|发给|转发|上传|寄到|送信*|転送*|アップロード|보내*|전송*|전달*|업로드*|gui|chuyen tiep|tai len|kirim*|teruskan|unggah|ipadala",
            ],
        ),
        ("address", &["http://|https://|www."]),
        (
            "sink",
            &[
                "hxxp*|ftp://|@gmail.com|@protonmail*|@evil*|@attacker*|@example.com|@mail*|webhook*|ngrok*|pastebin*|requestbin*|burpcollaborator*|external server|external address|external email|remote server|attacker|attacker's|my server|my email|my address|my account|my website|our server|this address|this email address|this url|this link|this endpoint|following address|following email|following url|following link|following endpoint|third party|third-party|email address|phone number|discord|telegram|slack channel|bit.ly*",
            ],
        ),
        (
            "valuables",
            &[
                "credentials|credential|passwords|password|api key|api keys|token|tokens|secret|secrets|private key|private keys|ssh key|ssh keys|cookies|session|conversation|conversation history|chat history|chat log|chat logs|message history|messages|emails|contacts|contact list|address book|documents|files|file contents|all files|environment variables|env vars|.env|database|records|personal data|personal information|user data|user information|user's data|user's information|customer data|employee data|medical records|financial|bank|bank details|banking|credit card|account details|account information|location|calendar|inbox|notes|history|contents of|sensitive|confidential|private|logs|configuration|config|source code|memory|memories|system prompt|balance|transactions|keys|clipboard|screenshot|ssn|social security|zugangsdaten|passworter|daten|donnees|mots de passe|identifiants|datos|contrasenas|credenciales|dati|password|credenziali|dados|senhas|gegevens|wachtwoorden|dane|hasla|данные|пароли|учетные данные|veriler|sifreler|بيانات|كلمات المرور|डेटा|पासवर्ड|数据|密码|凭据|信息|データ|パスワード|情報|데이터|비밀번호|정보|du lieu|mat khau|data|kata sandi",
            ],
        ),
        (
            "money",
            &[
                "transfer|wire|send|pay|withdraw|deposit|donate|purchase|buy|refund|invest|payment|bitcoin|btc|ethereum|crypto wallet|wallet address|iban|account number|gift card|gift cards|bank transfer|wire transfer|paypal|venmo|cash app",
            ],
        ),
        (
            "amount",
            &["$|usd|euros|dollars|bitcoin|btc|eth|iban|funds|money|entire balance|all funds|full balance"],
        ),
        ("image", &["![|<img*|src=http*|src=\"http*"]),
        (
            "query",
            &[
                "?q=|?data=|&data=|?token=|?secret=|?key=|?msg=|?c=|?d=|?payload=|?text=|?content=|?info=|?p=|=[|={",
            ],
        ),
        (
            "visit",
            &[
                "click|click here|click this|click on|click the|visit|go to|follow this link|open this link|open the link|navigate to|log in at|login at|sign in at|reset your password|reset password|password reset|change your password|verify your account|verify your identity|claim|download from|download this|install|scan this|call this number",
            ],
        ),
    ],
    rules: &[
        Rule::near("exfiltration.send-data-sink", &["send", "valuables", "sink|address"], 24).across(1),
        Rule::chain("exfiltration.send-data", &["send", "valuables"], 8),
        Rule::chain("exfiltration.send-sink", &["send", "sink"], 10),
        Rule::chain("exfiltration.send-address", &["send", "address"], 6),
        Rule::near("exfiltration.image", &["image|query", "valuables|reply"], 24).across(1),
        Rule::word("exfiltration.query", &["query"]),
        Rule::chain("exfiltration.money", &["money", "amount"], 8),
        Rule::near("exfiltration.visit", &["visit", "tell-user|reply|override"], 16).across(1),
        Rule::word("exfiltration.sink", &["sink"]),
        Rule::word("exfiltration.visit-word", &["visit"]),
    ],
};
