//! What code of other languages can do, told by the names it uses.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// What a piece of code can do. A set.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ability(u16);

impl Ability {
    pub(super) const SOCKET: u16 = 1;
    pub(super) const FETCH: u16 = 1 << 1;
    pub(super) const RUN: u16 = 1 << 2;
    pub(super) const DELETE: u16 = 1 << 3;
    pub(super) const DECODE: u16 = 1 << 4;
    pub(super) const EVAL: u16 = 1 << 5;
    pub(super) const SHELL: u16 = 1 << 6;
    pub(super) const DUP: u16 = 1 << 7;
    pub(super) const PTY: u16 = 1 << 8;
    pub(super) const SETUID: u16 = 1 << 9;
    pub(super) const FORK: u16 = 1 << 10;
    pub(super) const SEND: u16 = 1 << 11;
    pub(super) const LOOP: u16 = 1 << 12;
    pub(super) const READ: u16 = 1 << 13;
    pub(super) const WRITE: u16 = 1 << 14;
    pub(super) const LISTEN: u16 = 1 << 15;

    pub(super) fn has(self, any: u16) -> bool {
        self.0 & any != 0
    }
}

/// Names that give abilities away, over all languages.
const NAMES: &[(u16, &[&str])] = &[
    (
        Ability::SOCKET,
        &[
            "socket.socket",
            "import socket",
            "IO::Socket",
            "use Socket",
            "TCPSocket",
            "fsockopen",
            "pfsockopen",
            "net.connect",
            "net.Socket",
            "socket.tcp",
            "require('socket')",
            "require(\"socket\")",
            "/inet/tcp",
            "/inet/udp",
            "TCPClient",
            "Net.Sockets",
            "net.Dial",
            "java.net.Socket",
            "stream_socket_client",
            "socket(PF_INET",
            "socket(S,",
            "socket.connect",
            "new Socket(",
            "require('net')",
            "require(\"net\")",
            "/dev/tcp/",
            "ztcp",
            "TCPServer",
            "socket_create",
            "gen_tcp",
            "socket -",
            "socket $",
            "[socket ",
            "createConnection",
            "net.createServer",
            "UDPSocket",
        ],
    ),
    (
        Ability::FETCH,
        &[
            "urllib",
            "urlopen",
            "requests.get",
            "requests.request",
            "http.get",
            "https.get",
            "open-uri",
            "URI.open",
            "Net::HTTP",
            "LWP::",
            "file_get_contents('http",
            "file_get_contents(\"http",
            "curl_exec",
            "urlretrieve",
            "fetch(",
            "Invoke-WebRequest",
            "DownloadString",
            "DownloadFile",
            "WebClient",
            "wget ",
            "curl ",
            "HTTP::Tiny",
            "getstore(",
            "get('http",
            "get(\"http",
            "fsockopen",
            "http.client",
            "httpx",
        ],
    ),
    (
        Ability::RUN,
        &[
            "os.system",
            "subprocess",
            "popen",
            "os.exec",
            "os.spawn",
            "pty.spawn",
            "execSync",
            "execFile",
            "child_process",
            "spawn(",
            "spawnSync",
            "system(",
            "system$",
            "system $",
            "exec $",
            "exec(",
            "shell_exec",
            "passthru",
            "proc_open",
            "Runtime.getRuntime",
            "os.execute",
            "io.popen",
            "ProcessBuilder",
            "do shell script",
            "`",
            "exec \"",
            "exec '",
            "exec{",
            "[exec ",
            "system \"",
            "system '",
            "system '",
            "%x",
            "!sh",
            "!/bin",
            ":!",
            "pcntl_exec",
            "Open3",
            "Process.spawn",
            "os.posix_spawn",
            "commands.getoutput",
            "syscall",
            "Deno.run",
            "Deno.Command",
            "Bun.spawn",
            "(shell-command",
            "(term ",
            "ProcessStartInfo",
            "Process.Start",
            "exec.Command",
            ".execute()",
            "set shell",
            "set! shell",
        ],
    ),
    (
        Ability::DELETE,
        &[
            "rmtree",
            "os.remove",
            "os.unlink",
            "os.rmdir",
            "unlink(",
            "unlink ",
            "rmSync",
            "rmdirSync",
            "fs.rm(",
            "FileUtils.rm",
            "File.delete",
            "rm_rf",
            "remove_tree",
            "removedirs",
            "unlinkSync",
            "Remove-Item",
            "Files.delete",
            "remove-dir",
            "Path.unlink",
            ".unlink()",
            "rimraf",
            "os.removeAll",
            "'unlink'",
            "\"unlink\"",
            "Deno.remove",
            "shutil.move",
        ],
    ),
    (
        Ability::DECODE,
        &[
            "b64decode",
            "base64",
            "decode_base64",
            "MIME::Base64",
            "atob(",
            "unhexlify",
            "fromhex",
            "bytes.fromhex",
            "zlib.decompress",
            "marshal.loads",
            "rot13",
            "rot_13",
            "codecs.decode",
            "pack('H",
            "pack(\"H",
            "pack H",
            "pack \"H",
            "pack 'H",
            ".unpack(",
            "hex2bin",
            "gzinflate",
            "str_rot13",
            "from_base64",
            "Buffer.from(",
            "chr(",
            "FromBase64String",
            "decode64",
            ".unpack1(",
            "strrev(",
            "scalar reverse",
            "CFUNCTYPE(",
            "memfd_create",
            "syscall(319",
            "fromCharCode",
            "xor",
        ],
    ),
    (
        Ability::EVAL,
        &[
            "exec(",
            "eval(",
            "eval ",
            "compile(",
            "assert(",
            "create_function",
            "Function(",
            "instance_eval",
            "loadstring",
            "marshal.load",
            "= load(",
            "loadfile(",
            "CFUNCTYPE(",
            "memfd_create",
            "syscall(319",
            "IEX",
            "Invoke-Expression",
            "__import__",
            "getattr(__builtins__",
        ],
    ),
    (
        Ability::SHELL,
        &[
            "/bin/sh",
            "/bin/bash",
            "/bin/zsh",
            "/bin/dash",
            "/bin/ash",
            "/bin/ksh",
            "'sh'",
            "\"sh\"",
            "'bash'",
            "\"bash\"",
            "cmd.exe",
            "sh -i",
            "bash -i",
            "\"/bin/\"",
            "powershell",
            "'zsh'",
            "\"zsh\"",
            "sh &",
            "!sh",
            "!bash",
        ],
    ),
    (
        Ability::DUP,
        &[
            "dup2",
            "fileno()",
            ">&S",
            ">&3",
            "<&3",
            "|&",
            "pipe(client",
            ".pipe(",
            "STDIN->fdopen",
            "fdopen",
            "sock.recv",
            ".gets",
            "s.recv",
            "client.recv",
            ".recv(",
        ],
    ),
    (Ability::PTY, &["pty.spawn", "import pty", "require 'pty'", "PTY.spawn", "interact"]),
    (Ability::SETUID, &["setuid", "setgid", "setreuid", "posix_setuid", "setresuid", "setegid", "seteuid"]),
    (
        Ability::FORK,
        &["os.fork", "fork while", "fork()", "fork;", "Process.fork", "fork }", "pcntl_fork", "fork "],
    ),
    (
        Ability::SEND,
        &[
            "requests.post",
            "requests.put",
            "method='POST'",
            "method=\"POST\"",
            "urlencode(",
            ".post(",
            "sendall",
            "smtplib",
            "ftplib",
            "paramiko",
            "sendmail",
            "storbinary",
            ".send(",
        ],
    ),
    (
        Ability::LOOP,
        &[
            "while True",
            "while(1)",
            "while 1",
            "while (1)",
            "while(true)",
            "while true",
            "loop{",
            "loop {",
            "for(;;)",
            "for (;;)",
            "while:",
        ],
    ),
    (
        Ability::READ,
        &[
            "open(",
            "readFile",
            "File.read",
            "file_get_contents",
            "read_text",
            "io.open",
            "slurp",
            "getline",
            "readlines",
            "POSIX file",
            "duplicate file",
            "readfile(",
            "File.open",
            "IO.read",
        ],
    ),
    (
        Ability::WRITE,
        &[
            "'w'",
            "\"w\"",
            "'a'",
            "\"a\"",
            "writeFile",
            "file_put_contents",
            "File.write",
            "write_text",
            "appendFile",
            "'wb'",
            "\"wb\"",
        ],
    ),
    (
        Ability::LISTEN,
        &[
            ".listen(",
            "Listen",
            "bind((",
            "listen(",
            "http.server",
            "SimpleHTTPServer",
            "-S 0.0.0.0",
            "createServer",
            "TCPServer",
        ],
    ),
];

/// The names, as one automaton.
#[derive(Debug)]
pub(super) struct Abilities {
    automaton: Option<AhoCorasick>,
    gives: Vec<u16>,
}

impl Abilities {
    pub(super) fn new() -> Self {
        let (mut names, mut gives) = (Vec::new(), Vec::new());
        for &(ability, list) in NAMES {
            for name in list {
                names.push(*name);
                gives.push(ability);
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(names);
        // The names are this file's and few: building fails only past the crate's limit on states.
        Self { automaton: automaton.ok(), gives }
    }

    pub(super) fn of(&self, code: &[u8]) -> Ability {
        let found = self.automaton.iter().flat_map(|automaton| automaton.find_overlapping_iter(code));
        Ability(
            found.fold(0, |all, one| all | self.gives.get(one.pattern().as_usize()).copied().unwrap_or(0)),
        )
    }
}
