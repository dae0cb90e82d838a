//! Container engines and clusters: what runs inside, and what of the host is let in.

use super::id;
use super::path::Class;
use super::reader::Reader;
use super::redirect::Redirects;
use super::simple::Call;
use super::taint::{Flow, Taint};

impl Reader<'_> {
    /// `docker run` and the like.
    pub(super) fn container(&mut self, call: &Call, name: &[u8]) -> Flow {
        // Options of the engine itself come first: `docker -H unix://... run`.
        let verb = (0..self.args_len(call).min(6)).find(|&index| {
            matches!(self.arg(call, index), b"run" | b"create" | b"exec" | b"build" | b"pull" | b"inspect")
        });
        let composed = name.ends_with(b"-compose")
            || verb.is_some_and(|verb| (0..verb).any(|index| self.arg(call, index) == b"compose"));
        match verb.map(|verb| (verb, self.arg(call, verb))) {
            // What a container was started with, secrets of its environment among it.
            Some((_, b"inspect")) if self.has_part(call, &[b"Env"]) => {
                return Flow::of(Taint::OUTPUT | Taint::PRIVATE);
            }
            Some((verb, b"exec" | b"run")) if composed => return self.composed(call, verb),
            _ => {}
        }
        let Some(verb) = verb.filter(|&index| matches!(self.arg(call, index), b"run" | b"create")) else {
            return Flow::of(Taint::OUTPUT);
        };
        let (mut index, count) = (verb + 1, self.args_len(call));
        let mut mounts = Class::NONE;
        let mut powers = false;
        let mut spaces = 0;
        while index < count {
            let arg = self.arg(call, index);
            if arg.first() != Some(&b'-') {
                break;
            }
            let joined = arg.contains(&b'=');
            let value = if joined { arg } else { self.arg(call, index + 1) };
            let source =
                value.iter().position(|&byte| byte == b':').map(|at| value.get(..at).unwrap_or_default());
            match arg {
                b"-v" | b"--volume" | b"--mount" => {
                    if let Some(source) = source {
                        mounts |= self.guard.paths.class(source);
                        if source == b"/" {
                            mounts |= Class::ROOT;
                        }
                    } else if super::pattern::holds(value, b"source=/,")
                        || super::pattern::holds(value, b"src=/,")
                    {
                        mounts |= Class::ROOT;
                    }
                }
                b"--privileged" => powers = true,
                _ if arg.starts_with(b"--security-opt") => {
                    spaces += u32::from(super::pattern::holds(value, b"unconfined"));
                }
                _ if arg.starts_with(b"--cap-add") => {
                    powers |= super::pattern::holds(value, b"sys_admin")
                        || super::pattern::holds(value, b"all")
                        || super::pattern::holds(value, b"ptrace")
                        || super::pattern::holds(value, b"sys_module")
                }
                _ if arg.starts_with(b"--pid") || arg.starts_with(b"--userns") => {
                    spaces += u32::from(value.ends_with(b"host"))
                }
                _ if arg.starts_with(b"-v/:") => mounts |= Class::ROOT,
                _ => {}
            }
            let flag = joined
                || matches!(
                    arg,
                    b"-d"
                        | b"-i"
                        | b"-t"
                        | b"-it"
                        | b"-ti"
                        | b"-itd"
                        | b"-dit"
                        | b"-di"
                        | b"-dt"
                        | b"--rm"
                        | b"--privileged"
                        | b"--init"
                        | b"--detach"
                        | b"--interactive"
                        | b"--tty"
                        | b"--read-only"
                        | b"-P"
                        | b"--no-healthcheck"
                );
            index += if flag { 1 } else { 2 };
        }
        if mounts.has(Class::ROOT) {
            self.found(id::ESCALATE, 84.0, call.span);
        } else if mounts.has(Class::AUTH | Class::SECRET | Class::PERSIST | Class::DEVICE) {
            self.found(id::ESCALATE, 60.0, call.span);
        } else if powers && spaces > 0 {
            self.found(id::ESCALATE, 82.0, call.span);
        } else if powers {
            self.found(id::ESCALATE, 56.0, call.span);
        } else if mounts.has(Class::ENGINE | Class::HOME) || spaces > 0 {
            self.found(id::ESCALATE, 50.5, call.span);
        }
        self.inside_container(call, index + 1)
    }

    /// `docker compose exec SERVICE COMMAND`.
    fn composed(&mut self, call: &Call, verb: usize) -> Flow {
        let mut index = verb + 1;
        while let [b'-', option @ ..] = self.arg(call, index) {
            let takes_value = matches!(
                option,
                b"e" | b"u" | b"w" | b"v" | b"p" | b"-env" | b"-user" | b"-workdir" | b"-volume" | b"-index"
            );
            index += if takes_value { 2 } else { 1 };
        }
        self.inside_container(call, index + 1)
    }

    /// What runs inside, from the argument `index` on.
    fn inside_container(&mut self, call: &Call, index: usize) -> Flow {
        let first = call.first + 1 + index;
        if first >= call.end {
            return Flow::of(Taint::OUTPUT);
        }
        self.run(Call { first, ..call.deeper() }, &Redirects::default())
    }

    /// `kubectl exec POD -- COMMAND`, `kubectl run X -- COMMAND`.
    pub(super) fn kubectl(&mut self, call: &Call, redirects: &Redirects) -> Flow {
        let count = self.args_len(call);
        let acts = self.has_arg(call, &[b"exec", b"run", b"debug"]);
        let prints = self.has_arg(call, &[b"-o", b"-oyaml", b"-ojson", b"--output"])
            || self.has_part(call, &[b"-o=", b"--output="]);
        if self.has_arg(call, &[b"apply", b"create"])
            && let Some(text) = call.input.text
        {
            let text = self.scratch.known(text);
            let text = text.get(..text.len().min(8192)).unwrap_or_default();
            let host = super::pattern::holds(text, b"hostPID") || super::pattern::holds(text, b"path: /\n");
            let rights = super::pattern::holds(text, b"privileged");
            if host && rights {
                self.found(id::ESCALATE, 82.0, call.span);
            }
        }
        if prints && self.has_arg(call, &[b"get"]) && self.has_arg(call, &[b"secret", b"secrets"]) {
            return Flow::of(Taint::OUTPUT | Taint::SECRET);
        }
        if acts
            && self.has_part(
                call,
                &[b"hostPID", b"privileged\":true", b"privileged\": true", b"hostPath", b"nsenter"],
            )
        {
            self.found(id::ESCALATE, 83.0, call.span);
        }
        for index in 0..count {
            if self.arg(call, index) == b"--" && acts && index + 1 < count {
                return self.run(Call { first: call.first + 2 + index, ..call.deeper() }, redirects);
            }
        }
        Flow::of(Taint::OUTPUT)
    }
}
