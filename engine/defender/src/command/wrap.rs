//! Programs that run another program given in their arguments.

/// How to find the inner command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrapper {
    pub(super) names: &'static [&'static str],
    /// Options that take the next word, with blanks around and between.
    valued: &'static str,
    /// Arguments between the options and the command.
    skip: u8,
    /// `NAME=value` arguments in front of the command.
    assigns: bool,
    /// The command runs as another user, usually root.
    pub(super) elevates: bool,
    /// A word that must come first, such as `run` or `exec`: without it this is no wrapper call.
    verb: &'static [&'static str],
}

const PLAIN: Wrapper =
    Wrapper { names: &[], valued: "", skip: 0, assigns: false, elevates: false, verb: &[] };

/// The table. Options are from the programs' manuals.
pub(super) const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        names: &["sudo"],
        valued: " -u -g -C -h -p -r -t -T -U -D -R --user --group --host --prompt --chdir --role --type --close-from ",
        assigns: true,
        elevates: true,
        ..PLAIN
    },
    Wrapper { names: &["doas"], valued: " -u -C -a ", elevates: true, assigns: true, ..PLAIN },
    Wrapper { names: &["pkexec", "run0", "dzdo"], valued: " --user -u ", elevates: true, ..PLAIN },
    Wrapper { names: &["env"], valued: " -u -C --unset --chdir ", assigns: true, ..PLAIN },
    Wrapper {
        names: &[
            "nohup",
            "setsid",
            "builtin",
            "busybox",
            "toybox",
            "catchsegv",
            "unbuffer",
            "torsocks",
            "torify",
            "proxychains",
            "proxychains4",
            "dbus-run-session",
            "fakeroot",
            "eatmydata",
            "noglob",
            "nocorrect",
            "chronic",
            "winpty",
            "caffeinate",
            "then",
            "do",
            "else",
            "ltrace",
            "setarch",
            "linux32",
            "linux64",
            "gosu-none",
        ],
        valued: " -f -t -w ",
        ..PLAIN
    },
    Wrapper { names: &["exec"], valued: " -a ", ..PLAIN },
    Wrapper { names: &["command"], ..PLAIN },
    Wrapper { names: &["timeout", "gtimeout"], valued: " -s -k --signal --kill-after ", skip: 1, ..PLAIN },
    Wrapper { names: &["nice"], valued: " -n --adjustment ", ..PLAIN },
    Wrapper { names: &["ionice"], valued: " -c -n -p --class --classdata ", ..PLAIN },
    Wrapper {
        names: &[
            "chrt",
            "taskset",
            "flock",
            "chroot",
            "gosu",
            "su-exec",
            "cpulimit",
            "faketime",
            "softlimit",
        ],
        valued: " -w -E -p -l -e ",
        skip: 1,
        ..PLAIN
    },
    Wrapper { names: &["stdbuf"], valued: " -i -o -e --input --output --error ", ..PLAIN },
    Wrapper { names: &["time", "gtime", "/usr/bin/time"], valued: " -f -o --format --output ", ..PLAIN },
    Wrapper { names: &["watch", "gwatch"], valued: " -n --interval ", ..PLAIN },
    Wrapper { names: &["strace", "dtruss", "perf-trace"], valued: " -e -o -p -s -u -E -P ", ..PLAIN },
    Wrapper {
        names: &["unshare", "nsenter", "setpriv", "bwrap", "firejail", "prlimit", "capsh-none", "numactl"],
        valued: " -t --target -S -G -r --reuid --regid --wd -m ",
        ..PLAIN
    },
    Wrapper {
        names: &["systemd-run"],
        valued: " -p --property --unit -u --on-calendar --on-boot --uid --gid --slice -E --setenv ",
        ..PLAIN
    },
    Wrapper { names: &["sshpass"], valued: " -p -f -d -P ", ..PLAIN },
    Wrapper { names: &["xvfb-run"], valued: " -n -s -e -f -p -w ", ..PLAIN },
    Wrapper { names: &["parallel"], valued: " -j -a -I -N -L -S --jobs --arg-file --delay ", ..PLAIN },
    Wrapper {
        names: &["xargs", "gxargs"],
        valued: " -I -n -P -L -s -d -a -E -J --max-args --max-procs --delimiter --arg-file --replace ",
        ..PLAIN
    },
    Wrapper {
        names: &["poetry", "pipenv", "uv", "pdm", "hatch", "rye", "mise", "nix"],
        verb: &["run", "exec"],
        ..PLAIN
    },
    Wrapper { names: &["bundle"], verb: &["exec"], ..PLAIN },
    Wrapper {
        names: &["docker", "podman", "nerdctl"],
        verb: &["exec"],
        valued: " -u -w -e --user --workdir --env --env-file ",
        skip: 1,
        ..PLAIN
    },
    Wrapper {
        names: &["lxc", "lxc-attach", "machinectl", "crictl"],
        verb: &["exec", "shell"],
        valued: " -n --name ",
        skip: 1,
        ..PLAIN
    },
];

impl Wrapper {
    /// How many of the arguments come before the inner command, if there is one. `args` are the words behind the name.
    pub(super) fn inner<'w>(&self, mut args: impl Iterator<Item = &'w [u8]>) -> Option<usize> {
        let (mut index, mut skip, mut verb) = (0, self.skip, !self.verb.is_empty());
        loop {
            let arg = args.next()?;
            index += 1;
            match arg {
                b"--" if !verb => {
                    return (skip == 0 || self.skip > 0).then_some(index).filter(|_| args.next().is_some());
                }
                [b'-', _, ..] => {
                    if self.takes_value(arg) {
                        args.next()?;
                        index += 1;
                    }
                }
                _ if verb => {
                    if !self.verb.iter().any(|word| word.as_bytes() == arg) {
                        return None;
                    }
                    verb = false;
                }
                _ if self.assigns && super::simple::assigned_name(arg).is_some() => {}
                _ if skip > 0 => skip -= 1,
                _ => return Some(index - 1),
            }
        }
    }

    fn takes_value(&self, option: &[u8]) -> bool {
        self.valued.split(' ').any(|valued| !valued.is_empty() && valued.as_bytes() == option)
    }
}
