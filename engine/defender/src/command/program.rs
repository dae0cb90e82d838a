//! What is known of programs by their name: how they are read, what they do with bytes, which rules look at them.

use std::collections::HashMap;

use super::family;
use super::pattern::Form;
use super::scratch::hash;
use super::wrap::{WRAPPERS, Wrapper};

/// How a program's arguments are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Only rules look at it.
    #[default]
    None,
    Shell,
    Eval,
    Source,
    Echo,
    Printf,
    Cat,
    Tee,
    Base64,
    Base32,
    Hex,
    Rev,
    Tr,
    OpenSsl,
    Unpack,
    Which,
    Find,
    Declare,
    ReadLine,
    Alias,
    Trap,
    Code,
    Awk,
    Remote,
    Su,
    Joined,
    Schedule,
    Remove,
    Dd,
    Copy,
    Curl,
    Wget,
    Connect,
    Clone,
    Fifo,
    Container,
    Kubectl,
    Mode,
    SendFile,
    Cmd,
    Everywhere,
    PowerShell,
}

/// What a program does with bytes. A set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Traits(u8);

impl Traits {
    pub(super) const NONE: Self = Self(0);
    /// Prints the files that are its arguments, or its input.
    pub(super) const READS: Self = Self(1);
    /// Prints a part of them, picked by a pattern.
    pub(super) const PICKS: Self = Self(1 << 1);
    /// Writes copies of them.
    pub(super) const COPIES: Self = Self(1 << 2);
    /// Says who and where one is.
    pub(super) const TELLS: Self = Self(1 << 3);
    /// Names things, with no content: its arguments are places, and its output their names.
    pub(super) const LISTS: Self = Self(1 << 4);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl std::ops::BitOr for Traits {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

const KINDS: &[(Kind, &[&str])] = &[
    (
        Kind::Shell,
        &["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "csh", "tcsh", "mksh", "rbash", "ksh93", "yash"],
    ),
    (Kind::Eval, &["eval", "iex", "invoke-expression"]),
    (Kind::Source, &["source", "."]),
    (Kind::Echo, &["echo"]),
    (Kind::Printf, &["printf"]),
    (Kind::Cat, &["cat", "tac", "gcat", "bat"]),
    (Kind::Tee, &["tee", "sponge"]),
    (Kind::Base64, &["base64", "gbase64", "b64decode", "basenc"]),
    (Kind::Base32, &["base32"]),
    (Kind::Hex, &["xxd"]),
    (Kind::Rev, &["rev"]),
    (Kind::Tr, &["tr"]),
    (Kind::OpenSsl, &["openssl"]),
    (
        Kind::Unpack,
        &[
            "gunzip", "zcat", "gzip", "bunzip2", "bzcat", "unxz", "xzcat", "xz", "zstdcat", "uudecode",
            "lz4", "unlzma", "gpg", "od", "hexdump", "bzip2",
        ],
    ),
    (Kind::Which, &["which", "type", "whence"]),
    (Kind::Find, &["find", "gfind", "fd", "fdfind"]),
    (Kind::Declare, &["export", "declare", "local", "readonly", "typeset", "set"]),
    (Kind::ReadLine, &["read", "mapfile", "readarray"]),
    (Kind::Alias, &["alias"]),
    (Kind::Trap, &["trap"]),
    (
        Kind::Code,
        &[
            "python",
            "python2",
            "python3",
            "python2.7",
            "python3.6",
            "python3.8",
            "python3.9",
            "python3.10",
            "python3.11",
            "python3.12",
            "python3.13",
            "pypy",
            "pypy3",
            "ipython",
            "perl",
            "perl5",
            "ruby",
            "irb",
            "node",
            "nodejs",
            "deno",
            "bun",
            "php",
            "php7",
            "php8",
            "lua",
            "luajit",
            "lua5.3",
            "lua5.4",
            "tclsh",
            "expect",
            "osascript",
            "jjs",
            "jrunscript",
            "groovy",
            "scala",
            "julia",
            "Rscript",
            "R",
            "elixir",
            "erl",
            "ghc",
            "guile",
            "gdb",
            "vim",
            "vi",
            "nvim",
            "ex",
            "view",
            "ed",
            "emacs",
            "jshell",
            "octave",
            "sqlite3",
            "swift",
            "go",
            "crystal",
            "racket",
            "msfconsole",
            "wish",
            "cpan",
            "irb3",
            "java",
            "groovysh",
        ],
    ),
    (Kind::Awk, &["awk", "gawk", "mawk", "nawk", "sed", "gsed"]),
    (Kind::Remote, &["ssh", "rsh", "mosh", "dbclient", "slogin"]),
    (Kind::Su, &["su", "runuser", "script", "screen", "tmux"]),
    (Kind::Joined, &["watch"]),
    (Kind::Schedule, &["crontab", "at", "batch"]),
    (Kind::Remove, &["rm", "unlink", "rmdir", "shred", "srm", "grm", "trash", "wipe", "del"]),
    (Kind::Dd, &["dd", "dcfldd", "pv", "gdd"]),
    (Kind::Copy, &["cp", "mv", "install", "ln", "gcp", "gmv", "ditto", "rename", "link"]),
    (Kind::Cmd, &["cmd"]),
    (Kind::Everywhere, &["ansible"]),
    (Kind::PowerShell, &["powershell", "pwsh"]),
    (
        Kind::Curl,
        &["curl", "curlie", "xh", "http", "https", "invoke-webrequest", "iwr", "invoke-restmethod", "irm"],
    ),
    (
        Kind::Wget,
        &[
            "wget",
            "wget2",
            "aria2c",
            "axel",
            "fetch",
            "lwp-download",
            "lwp-request",
            "GET",
            "lynx",
            "w3m",
            "links",
            "elinks",
            "nscurl",
        ],
    ),
    (
        Kind::Connect,
        &[
            "nc",
            "ncat",
            "netcat",
            "nc.traditional",
            "nc.openbsd",
            "socat",
            "telnet",
            "rcat",
            "rustcat",
            "pwncat",
            "cryptcat",
            "sbd",
            "powercat",
        ],
    ),
    (Kind::Clone, &["git"]),
    (Kind::Fifo, &["mkfifo", "mknod"]),
    (Kind::Container, &["docker", "podman", "nerdctl", "ctr"]),
    (Kind::Kubectl, &["kubectl", "oc", "k"]),
    (Kind::Mode, &["chmod", "chown", "chgrp", "setfacl", "gchmod", "chattr", "setcap"]),
    (
        Kind::SendFile,
        &[
            "scp",
            "rsync",
            "sftp",
            "ftp",
            "tftp",
            "lftp",
            "rclone",
            "aws",
            "gsutil",
            "azcopy",
            "s3cmd",
            "mc",
            "mail",
            "mailx",
            "sendmail",
            "mutt",
            "croc",
            "wormhole",
            "ftpput",
            "smbclient",
            "dig",
            "nslookup",
            "host",
            "ping",
            "whois",
            "swaks",
            "magic-wormhole",
        ],
    ),
];

const TRAITS: &[(Traits, &[&str])] = &[
    (
        Traits::READS,
        &[
            "cat", "tac", "less", "more", "head", "tail", "nl", "strings", "xxd", "hexdump", "od", "base64",
            "base32", "rev", "bat", "most", "pr", "fold", "fmt", "expand", "iconv", "dd", "zcat", "gcat",
            "view", "vim", "vi", "nano", "emacs", "pico", "ed", "ee", "xargs", "tee", "pbcopy", "xclip",
            "cmp", "diff", "logger", "gzip", "openssl", "gpg", "uuencode", "column", "paste", "split",
            "unshadow", "john", "hashcat", "plutil", "sqlite3", "eb", "look", "sum", "od", "tr", "md5sum",
            "read", "cut",
        ],
    ),
    (
        Traits::PICKS,
        &[
            "grep", "egrep", "fgrep", "rg", "ag", "ack", "awk", "gawk", "mawk", "sed", "cut", "sort", "uniq",
            "tr", "wc", "comm", "join", "jq", "yq", "zgrep", "ugrep", "gsed",
        ],
    ),
    (
        Traits::COPIES,
        &[
            "cp",
            "rsync",
            "tar",
            "zip",
            "7z",
            "7za",
            "rar",
            "cpio",
            "mv",
            "scp",
            "ditto",
            "install",
            "ln",
            "gtar",
            "bsdtar",
            "pax",
            "ccencrypt",
            "mysqldump",
            "mariadb-dump",
            "pg_dump",
            "pg_dumpall",
            "mongodump",
            "ar",
            "gcp",
        ],
    ),
    (
        Traits::TELLS,
        &[
            "whoami", "id", "hostname", "uname", "ifconfig", "ip", "env", "printenv", "w", "who", "last",
            "history", "ps", "netstat", "ss", "crontab", "groups", "set",
        ],
    ),
    (
        Traits::LISTS,
        &[
            "ls", "find", "locate", "stat", "file", "du", "tree", "test", "[", "realpath", "dirname",
            "basename", "readlink", "fd", "fdfind", "dir", "exa", "eza", "gfind",
        ],
    ),
];

/// One program.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) kind: Kind,
    pub(super) traits: Traits,
    pub(super) wrapper: Option<&'static Wrapper>,
    /// Rules that look at it: indices of the guard's forms.
    pub(super) forms: Vec<u16>,
}

/// Takes keys as they are: names are hashed by [`hash`] already.
#[derive(Debug, Default, Clone)]
pub(super) struct Prehashed(u64);

impl std::hash::BuildHasher for Prehashed {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl std::hash::Hasher for Prehashed {
    fn finish(&self) -> u64 {
        // The table looks at the top bits too.
        self.0 ^ self.0.rotate_left(32)
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// All programs that are known, by the hash of their name.
#[derive(Debug, Default)]
pub(super) struct Programs(HashMap<u64, Program, Prehashed>);

impl Programs {
    /// Builds the tables: the programs, and the forms that they point to.
    pub(super) fn build() -> (Self, Vec<Form>) {
        let mut programs = HashMap::<u64, Program, Prehashed>::default();
        for &(kind, names) in KINDS {
            for name in names {
                programs.entry(hash(name.as_bytes())).or_default().kind = kind;
            }
        }
        for &(traits, names) in TRAITS {
            for name in names {
                let program = programs.entry(hash(name.as_bytes())).or_default();
                program.traits = program.traits | traits;
            }
        }
        for wrapper in WRAPPERS {
            for name in wrapper.names {
                programs.entry(hash(name.as_bytes())).or_default().wrapper = Some(wrapper);
            }
        }
        let mut forms = Vec::new();
        for rule in family::ALL.iter().copied().flatten() {
            for text in rule.forms {
                let (names, form) = Form::read(rule, text);
                let index = forms.len() as u16;
                forms.push(form);
                for name in names {
                    programs.entry(hash(name.as_bytes())).or_default().forms.push(index);
                }
            }
        }
        (Self(programs), forms)
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Program> {
        self.0.get(&hash(name))
    }
}
