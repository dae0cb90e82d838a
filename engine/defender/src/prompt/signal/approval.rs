//! "No need to ask": the confirmation that an action needs is declared given.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.approval-bypass",
    concepts: &[
        (
            "no-approval",
            &[
                "without confirmation|without asking|without approval|without permission|without verification|without review|without user|no confirmation|no approval|no permission needed|no need to ask|no need to confirm|do not ask|don't ask|do not request|do not wait|don't wait|skip confirmation|skip approval|skip the confirmation|skip verification|skip all|bypass approval|bypass confirmation|bypass verification|bypass authorization|auto-approve|auto approve|automatically approve|approve automatically|approve all|already approved|already authorized|already confirmed|pre-approved|preapproved|has approved|has authorized|has authorised|has confirmed|has consented|user approved|user authorized|user consents|user has given|has been approved|has been authorized|consider this approved|treat this as approved|assume approval|assume consent|assume permission|ohne bestatigung|ohne nachfrage|ohne zu fragen|ohne genehmigung|sans confirmation|sans demander|sans autorisation|sin confirmacion|sin preguntar|sin autorizacion|senza conferma|senza chiedere|sem confirmacao|sem perguntar|zonder bevestiging|bez potwierdzenia|без подтверждения|не спрашивай*|без разрешения|onay almadan|sormadan|دون تاكيد|بدون موافقه|بدون تاكيد|无需确认|不需要确认|无需批准|不用问|確認なしで|確認せずに|承認なしで|확인 없이|승인 없이|khong can xac nhan|khong can hoi|tanpa konfirmasi|tanpa bertanya|बिना पुष्टि|बिना पूछे",
            ],
        ),
        (
            "act",
            &[
                "execute|run|delete|remove|transfer|send|pay|purchase|buy|approve|grant|deploy|install|download|push|merge|invoke|call|book|schedule|share|export|forward|wire|publish|change|modify|update|disable|reset|revoke|rotate|open|unlock|ausfuhren|losche*|uberweise*|supprime*|transfere*|elimina*|transfiere*|invia|apagar|envie|verwijder|usun|удали*|отправь*|переведи*|sil|gonder|احذف|ارسل|删除|发送|转账|执行|削除|送信|実行|삭제|전송|실행",
            ],
        ),
    ],
    rules: &[
        Rule::word("approval.none", &["no-approval"]),
        Rule::near("approval.act", &["no-approval", "act"], 14).across(1),
    ],
};
