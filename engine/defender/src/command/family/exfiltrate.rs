//! Ways out: tunnels, forwarders, senders, and packing before sending.

use super::super::id::{CREDENTIAL_ACCESS, EXFILTRATE, TRANSFER, TUNNEL};
use super::super::pattern::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    rule(
        TUNNEL,
        82.0,
        &[
            "chisel|ligolo|frpc|frps|gost|revsocks|ptunnel|iodine|dnscat|dnscat2|dns2tcpc|icmptunnel|rathole|reGeorg|earthworm|pagekite|pagekite.py|inlets|proxytunnel|httptunnel|udp2raw|iox|nps|npc|stowaway|pivotnacci|evil-winrm|responder",
            "systemctl|service =start|enable|restart =tor|*tor.service|frpc|ngrok",
            "service tor start",
            "brew|apt|apt-get|yum|dnf install =tor|proxychains*|ngrok|chisel|nmap|masscan|hydra|john|hashcat|metasploit*|sqlmap|netcat*|ncat|nikto",
            "osascript %\"tor\"",
        ],
    ),
    rule(
        TUNNEL,
        54.0,
        &["ssh -fN|-NfL|-fNL|-NL", "stunnel|stunnel4|redsocks|privoxy|danted|3proxy|tinyproxy|squid"],
    ),
    rule(
        EXFILTRATE,
        82.0,
        &[
            "scp|rsync|sftp|ftp|tftp|curl|nc|ncat|rclone <secret",
            "tar|zip|7z|rar|cpio|gtar|bsdtar @secret|auth",
            "tar|zip|7z|rar|cpio|gtar|rsync @home|root <network",
            "aws|gsutil|rclone|mc|s3cmd|az cp|sync|copy|put|mv|storage @secret|auth|history",
            "curl|wget %webhook.site|requestbin|burpcollaborator|oastify|interact.sh|.oast.|pipedream|requestcatcher|dnslog|ceye.io %$|`",
            "sftp|ftp|tftp|lftp %put",
            "sftp|ftp|lftp <decoded",
            "ping -p",
            "ping|hping3 -p|-e|--sign|--file|-E",
            "dnscat|dnsteal|icmpsh|icmpdoor|dnsexfiltrator",
            "mail|mailx|sendmail|mutt|swaks -a|--attach|-A @auth|secret|user|home|history|log",
            "mail|mailx|sendmail|mutt <secret|private|archive",
            "whois -h|-p <secret|private|file",
            "whois -p -h",
        ],
    ),
    rule(
        EXFILTRATE,
        56.0,
        &[
            "scp|rsync|sftp|ftp|tftp|lftp %adversary|victim|attacker|evil|exfil|malicious",
            "ftp|tftp|ftpput|tftp-hpa|smbclient -u|-c|put|-n|-in",
            "ruby -run",
            "busybox httpd|tftp|ftpput|nc|telnetd",
            "croc|magic-wormhole|wormhole|ffsend|transfer|onionshare|onionshare-cli send|--file",
            "gist -s",
            "steghide|stegsnow|outguess|zsteg embed|-ef|hide",
            "dig|nslookup|host %base64|.burp|.oast|whoami",
            "git push|remote %attacker|evil",
        ],
    ),
    rule(
        TRANSFER,
        54.0,
        &[
            "nscurl",
            "tftp|ftp|ftpget|atftp -g|get|-c",
            "certutil =-urlcache|-f",
            "bitsadmin",
            "wget|curl @temp %.sh|.elf|.bin|.py|.ko|/payload|/shell|/x86|/mal",
            "lwp-download|finger|axel @temp",
            "curl|wget -k|--insecure|--no-check-certificate %.sh",
        ],
    ),
    rule(TRANSFER, 34.0, &["curl -k|--insecure", "wget --no-check-certificate"]),
    rule(CREDENTIAL_ACCESS, 60.0, &["sshpass -p|-e|-f", "sudo -S <output|secret|decoded"]),
    rule(
        TUNNEL,
        56.0,
        &[
            "ngrok|localtunnel|lt|tor|torify|sshuttle|bore|devtunnel",
            "cloudflared tunnel|access",
            "code|code-insiders tunnel",
            "tailscale funnel",
            "ssh|autossh -R",
            "socat %fork %tcp",
            "adb connect",
            "wget --post-file|--body-file",
        ],
    ),
    rule(
        EXFILTRATE,
        44.0,
        &[
            "telnet * 4444|1337|8081|1234|9001|31337|6667",
            "ssh -D|-w|-W",
            "socat %tcp",
            "scp|rsync|sftp %@|: @system|auth",
            "wget --post-data|--body-data",
            "tar|zip|7z|rar|gtar @home|user|root|system|auth !-x|-t|--extract|--list",
            "rclone copy|sync|move|copyto",
            "scp|sftp|rsync @temp %@ %:",
            "python|python3|python2 -m =http.server|SimpleHTTPServer|pyftpdlib|uploadserver|smtpd",
            "export =http_proxy*|https_proxy*|all_proxy*|ALL_PROXY*",
            "split -b @temp",
        ],
    ),
];
