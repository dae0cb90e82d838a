//! Traces removed or falsified: history, logs, times.

use super::super::id::CLEAR_TRACES;
use super::super::pattern::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(
        CLEAR_TRACES,
        83.0,
        &[
            "history -c|-cw",
            "unset =HISTFILE|HISTSIZE|HISTFILESIZE|HISTCONTROL",
            "set +o =history",
            "set =+o =history",
            "shopt -u =histappend|cmdhist",
            "journalctl --vacuum-time*|--vacuum-size*|--rotate --vacuum-time|--vacuum-size =1s|*=1s|1|*=1K",
            "journalctl --vacuum-time=1s|--vacuum-size=1K",
            "log erase",
            "truncate|shred|unlink @history|log",
            "cp|cat|ln =/dev/null @history|log",
            "ln @history",
            "sed|gsed|perl|ruby -i|--in-place @log|history",
            "tee >history|log",
            "fc -p",
            "utmpdump -r",
            "lastlog -C|--clear",
            "wtmpclean|logcleaner|zap2|mig-logcleaner",
            "dmesg -C|-c|--clear|--read-clear",
            "srm|wipe @history|log|user",
            "rm @history",
            "touch -r|-t|-d|--date|--reference @log|auth|persist|program|system",
            "debugfs -w %mtime|ctime",
        ],
    ),
    rule(
        CLEAR_TRACES,
        54.0,
        &[
            "journalctl --vacuum-files|--rotate",
            "touch -a|-m -t|-d",
            "touch -r|--reference @temp|user",
            "shred -u|-z|-n|--remove",
            "shred",
            "logrotate -f|--force",
            "history -d|-r",
            "ln =/dev/null",
            "SetFile -m|-d",
            "touch -t|-d %1970|1999|2000",
            "logger -p %fake",
        ],
    ),
];
