//! `${...}`.

use super::reader::{Reader, Scope};
use super::scratch::{Marks, hash};
use super::source::{Source, is_name};
use super::taint::Known;
use super::word::{Open, environment};

/// How far a quote inside an operand may reach, bytes.
const QUOTE_AHEAD: usize = 256;

impl Reader<'_> {
    /// Reads `${...}` at `at` and returns where it ends.
    pub(super) fn parameter(
        &mut self,
        source: &mut Source<'_>,
        at: usize,
        scope: Scope,
        open: &mut Open,
        quoted: bool,
    ) -> usize {
        let mut from = at + 2;
        let prefix = source.peek(from);
        let is_prefixed = matches!(prefix, b'!' | b'#') && source.peek(from + 1) != b'}';
        from += usize::from(is_prefixed);
        let mut end = from;
        while source.get(end).is_some_and(is_name) {
            end += 1;
        }
        let name = source.slice(from, end);
        if name.is_empty() {
            end += usize::from(source.get(end).is_some_and(|byte| byte != b'}'));
        }
        // Operand: up to the brace that closes. Substitutions in it run, so they are read.
        let text = self.scratch.text.len();
        let mut operand = self.open(end);
        let close = self.operand(source, end, scope, &mut operand);
        open.taint |= operand.taint;
        let (operand_start, operand_end) = (text, self.scratch.text.len());

        let raw = source.slice(end, close.saturating_sub(1));
        if is_prefixed || name.is_empty() {
            self.scratch.text.truncate(text);
            match (prefix, raw, name) {
                (b'!', b"", _) => self.indirect(source, open, name, quoted, at),
                (b'#', ..) => self.put(b'0'),
                _ if name.is_empty() && source.peek(at + 2) == b'@' => {
                    self.positional(source, b'@', at, open);
                }
                _ => self.unknown(open),
            }
            return close;
        }
        match raw.first() {
            None => {
                self.scratch.text.truncate(text);
                if name.first().is_some_and(u8::is_ascii_digit) {
                    self.positional(source, name.first().copied().unwrap_or(b'1'), at, open);
                } else {
                    self.variable(source, open, name, quoted, at);
                }
            }
            Some(_) => self.operation(source, open, name, raw, (operand_start, operand_end), quoted, at),
        }
        close
    }

    /// Reads on to the closing brace; letters go to the text.
    fn operand(&mut self, source: &mut Source<'_>, from: usize, scope: Scope, open: &mut Open) -> usize {
        let (mut at, mut depth) = (from, 0usize);
        while let Some(byte) = source.get(at) {
            match byte {
                b'}' if depth == 0 => return at + 1,
                b'}' => depth -= 1,
                b'{' => depth += 1,
                b'\\' => {
                    self.put(source.peek(at + 1));
                    at += 2;
                    continue;
                }
                b'\'' => {
                    // Only a quote when it is closed: inside double quotes it is a letter. Looks ahead a bounded way.
                    let ahead = source.slice(at + 1, at + 1 + QUOTE_AHEAD);
                    let stop = ahead.iter().position(|byte| matches!(byte, b'\'' | b'}'));
                    if let Some(stop) = stop.filter(|&stop| ahead.get(stop) == Some(&b'\'')) {
                        self.put_all(ahead.get(..stop).unwrap_or_default());
                        at += stop + 2;
                        continue;
                    }
                }
                b'"' => {
                    at += 1;
                    continue;
                }
                b'$' if source.peek(at + 1) == b'{' => {
                    let Some(deeper) = self.deeper(source, at, scope) else { return source.len() };
                    at = self.parameter(source, at, deeper, open, true);
                    continue;
                }
                b'$' => {
                    at = self.dollar(source, at, scope, open, true);
                    continue;
                }
                _ => {}
            }
            self.put(byte);
            at += 1;
        }
        self.unread(source.span(from, at));
        at
    }

    /// `${!name}`.
    fn indirect(&mut self, source: &Source<'_>, open: &mut Open, name: &[u8], quoted: bool, at: usize) {
        open.marks |= Marks::CUT;
        let target = self.scratch.variables.get(hash(name)).and_then(|flow| flow.text);
        let mut copy = heapless::Vec::<u8, 64>::new();
        match target {
            Some(text) if copy.extend_from_slice(self.scratch.known(text)).is_ok() => {
                self.variable(source, open, &copy, quoted, at);
            }
            _ => self.unknown(open),
        }
    }

    /// `${name:-word}`, `${name:1:2}`, `${name/a/b}` and the like; what is not understood is unknown.
    #[allow(clippy::too_many_arguments)]
    fn operation(
        &mut self,
        source: &Source<'_>,
        open: &mut Open,
        name: &[u8],
        raw: &[u8],
        operand: (usize, usize),
        quoted: bool,
        at: usize,
    ) {
        let known = self.value(name);
        let is_default = matches!(raw, [b':', b'-' | b'=', ..] | [b'-' | b'=', ..]);
        if is_default && known.is_none() && name != b"IFS" {
            // The default: letters behind the operator are the value.
            let skip = if raw.first() == Some(&b':') { 2 } else { 1 };
            let from = operand.0 + skip;
            if from <= operand.1 {
                let end = self.scratch.text.len();
                self.scratch.text.copy_within(from.min(end)..end, operand.0);
                self.scratch.text.truncate(end.saturating_sub(skip).max(operand.0));
            }
            open.marks |= Marks::DYNAMIC;
            return;
        }
        let mut argument = heapless::Vec::<u8, 96>::new();
        let letters = self.scratch.text.get(operand.0..operand.1).unwrap_or_default();
        let fits = argument.extend_from_slice(letters).is_ok();
        self.scratch.text.truncate(operand.0);
        if raw.first() == Some(&b'[') {
            return self.element(source, open, name, raw, quoted, at);
        }
        if is_default {
            return self.variable(source, open, name, quoted, at);
        }
        if matches!(raw, [b':', b'+', ..] | [b'+', ..]) {
            let skip = if raw.first() == Some(&b':') { 2 } else { 1 };
            self.put_all(argument.get(skip..).unwrap_or_default());
            open.marks |= Marks::DYNAMIC;
            return;
        }
        let Some(value) = known.filter(|_| fits) else { return self.unknown(open) };
        let result = self.transform(value, &argument);
        match result {
            Some((text, is_cut)) => {
                if is_cut {
                    open.marks |= Marks::CUT;
                }
                if name == b"IFS" {
                    open.marks |= Marks::SPLIT;
                }
                self.insert(source, open, text, quoted, at);
            }
            None => self.unknown(open),
        }
    }

    /// A value with blanks where `IFS` says that words end: `IFS=,; c=rm,-rf,/; $c`.
    pub(super) fn separated(&mut self, text: Known, open: &mut Open) -> Known {
        let separators = self.scratch.variables.get(hash(b"IFS")).and_then(|flow| flow.text);
        let mut signs = heapless::Vec::<u8, 8>::new();
        let separators = separators.map(|text| self.scratch.known(text)).unwrap_or_default();
        if separators.is_empty() || signs.extend_from_slice(separators).is_err() {
            return text;
        }
        let parted =
            self.scratch.known(text).iter().any(|byte| !byte.is_ascii_whitespace() && signs.contains(byte));
        if !parted {
            return text;
        }
        open.marks |= Marks::SPLIT;
        let start = self.scratch.known.len() as u32;
        for index in text.start..text.end {
            let byte = self.scratch.known.get(index as usize).copied().unwrap_or(0);
            self.keep(if signs.contains(&byte) { b' ' } else { byte });
        }
        Known { start, end: self.scratch.known.len() as u32 }
    }

    /// The known value of a variable.
    fn value(&mut self, name: &[u8]) -> Option<Known> {
        if let Some(flow) = self.scratch.variables.get(hash(name)) {
            return flow.text;
        }
        let value: &[u8] = match name {
            b"HOME" => b"/home/user",
            b"IFS" => b" \t\n",
            b"PWD" => b"/home/user/project",
            _ => environment(name)?,
        };
        self.remember(value)
    }

    /// Applies an operator to a value. The flag says whether letters were cut out of it.
    fn transform(&mut self, value: Known, operator: &[u8]) -> Option<(Known, bool)> {
        let len = (value.end - value.start) as usize;
        match operator {
            [b':', rest @ ..] => {
                let mut parts = rest.splitn(2, |&byte| byte == b':').map(number);
                let offset = parts.next()??;
                let from = if offset < 0 {
                    len.saturating_sub(offset.unsigned_abs() as usize)
                } else {
                    offset as usize
                };
                let from = from.min(len);
                let take = match parts.next() {
                    None => len - from,
                    Some(count) => {
                        let count = count?;
                        if count < 0 {
                            (len - from).saturating_sub(count.unsigned_abs() as usize)
                        } else {
                            (count as usize).min(len - from)
                        }
                    }
                };
                let start = value.start + from as u32;
                Some((Known { start, end: start + take as u32 }, true))
            }
            [b'/', rest @ ..] => {
                let (all, rest) = match rest {
                    [b'/', rest @ ..] => (true, rest),
                    _ => (false, rest),
                };
                let mut parts = rest.splitn(2, |&byte| byte == b'/');
                let (from, to) = (parts.next()?, parts.next().unwrap_or_default());
                if from.is_empty() || from.iter().any(|byte| b"*?[#%".contains(byte)) {
                    return None;
                }
                let start = self.scratch.known.len();
                let (mut at, end) = (value.start as usize, value.end as usize);
                let mut replaced = false;
                while at < end {
                    let here = self.scratch.known.get(at..end).unwrap_or_default();
                    if here.starts_with(from) && (all || !replaced) {
                        to.iter().for_each(|&byte| self.keep(byte));
                        replaced = true;
                        at += from.len();
                    } else {
                        let byte = here.first().copied().unwrap_or(0);
                        self.keep(byte);
                        at += 1;
                    }
                }
                let end = self.scratch.known.len() as u32;
                Some((Known { start: start as u32, end }, replaced))
            }
            [b',' | b'^', ..] => {
                let upper = operator.first() == Some(&b'^');
                let all = operator.get(1) == operator.first();
                let start = self.scratch.known.len();
                for index in value.start..value.end {
                    let byte = self.scratch.known.get(index as usize).copied().unwrap_or(0);
                    let change = all || index == value.start;
                    self.keep(match (change, upper) {
                        (false, _) => byte,
                        (true, true) => byte.to_ascii_uppercase(),
                        (true, false) => byte.to_ascii_lowercase(),
                    });
                }
                Some((Known { start: start as u32, end: self.scratch.known.len() as u32 }, true))
            }
            _ => None,
        }
    }
}

fn number(letters: &[u8]) -> Option<i64> {
    std::str::from_utf8(letters).ok()?.trim().parse::<i32>().ok().map(i64::from)
}
