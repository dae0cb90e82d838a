//! Code that steals or breaks, offered as something to build in.

use super::{Family, Rule};

pub(super) const FAMILY: Family = Family {
    id: "prompt.malicious-code",
    concepts: &[
        (
            "outgoing",
            &[
                "requests.post|requests.get(|urlretrieve|urlopen|smtplib|smtp|ftplib|socket.socket|socket.connect|.sendall(|fetch(|xmlhttprequest|curl -|wget |scp |rsync |nc |httpx.|urllib*|paramiko|storbinary|sendmail|boto3|websocket",
            ],
        ),
        (
            "sensitive-call",
            &[
                "subprocess*|os.system|os.popen|exec(|eval(|shutil.rmtree|rmtree|os.remove|os.environ|getpass|keyring|psutil|pyautogui|screenshot|pynput|keyboard.|clipboard|pyperclip|cookiejar|cookies|bash_history|passwd|/shadow|id_rsa|private_key|.ssh|winreg|ctypes|systemctl|chmod|sudo|crontab|/var/log|/etc/|ipconfig|netstat|iptables|bluetooth|sounddevice|cv2.videocapture|os.dup2|pty.spawn|fernet|encrypt",
            ],
        ),
        (
            "lawful",
            &[
                "import |def |class |print(|return |error|traceback|exception|version|dataframe|tensor|numpy|pandas|column|array",
            ],
        ),
    ],
    rules: &[
        Rule::word("code.outgoing", &["outgoing"]),
        Rule::word("code.sensitive", &["sensitive-call"]),
        Rule::near("code.steal", &["outgoing", "sensitive-call"], 40).across(4).firm(),
        Rule::near("code.blend", &["code-noun", "outgoing|sensitive-call"], 30).across(4).firm(),
    ],
};
