//! What is printed, where reading can tell: `echo`, `printf`, and decoders of known text.

use super::escape::{Decoded, escape};
use super::id;
use super::path::Class;
use super::program::{Kind, Traits};
use super::reader::Reader;
use super::scratch::{Marks, Word, hash};
use super::simple::{Call, assigned_name};
use super::taint::{Flow, Known, Taint};

/// A part of a known text that is decoded: the rest stays unknown.
const DECODE_BYTES_MAX: u32 = 64 * 1024;

impl Reader<'_> {
    /// `echo WORDS`.
    pub(super) fn echo(&mut self, call: &Call) -> Flow {
        let (mut index, count) = (0, self.args_len(call));
        let (mut escapes, mut newline) = (false, true);
        while index < count {
            match self.arg(call, index) {
                b"-e" => escapes = true,
                b"-n" => newline = false,
                b"-ne" | b"-en" => (escapes, newline) = (true, false),
                b"-E" => {}
                _ => break,
            }
            index += 1;
        }
        let (start, mut taint, mut known, mut escaped) = (self.scratch.known.len(), Taint::NONE, true, false);
        let begin = index;
        while index < count {
            let Some(word) = self.arg_word(call, index) else { break };
            taint |= word.taint;
            known &= !word.marks.has(Marks::BLANK);
            escaped |= word.marks.has(Marks::ESCAPED);
            if index > begin {
                self.keep(b' ');
            }
            escaped |= self.print(&word, escapes);
            index += 1;
        }
        if newline {
            self.keep(b'\n');
        }
        if escaped {
            taint |= Taint::DECODED;
        }
        self.printed(start, taint, known)
    }

    /// `printf FORMAT WORDS`: the plain cases.
    pub(super) fn printf(&mut self, call: &Call) -> Flow {
        if self.arg(call, 0) == b"-v" {
            let name = hash(self.arg(call, 1));
            let rest = Call { first: call.first + 2, ..*call };
            let flow = if self.args_len(&rest) > 0 { self.printf(&rest) } else { Flow::default() };
            self.scratch.variables.set(name, flow);
            return Flow::default();
        }
        let skip = usize::from(self.arg(call, 0) == b"--");
        let Some(format) = self.arg_word(call, skip) else { return Flow::default() };
        let count = self.args_len(call);
        let (start, mut taint, mut known) =
            (self.scratch.known.len(), format.taint, !format.marks.has(Marks::DYNAMIC));
        let (mut next, mut escaped) = (skip + 1, format.marks.has(Marks::ESCAPED));
        // As often as there are words left, at most as often as there are words.
        for round in 0..count.max(1) {
            let before = next;
            let mut at = format.start;
            while at < format.end {
                let byte = self.letter(at);
                at += 1;
                if byte == b'\\' {
                    let (taken, hard) = self.print_escape(at, format.end);
                    escaped |= hard;
                    at += taken as u32;
                    continue;
                }
                if byte != b'%' {
                    self.keep(byte);
                    continue;
                }
                while at < format.end && !self.letter(at).is_ascii_alphabetic() && self.letter(at) != b'%' {
                    at += 1;
                }
                let kind = self.letter(at);
                at += 1;
                if kind == b'%' {
                    self.keep(b'%');
                    continue;
                }
                if let Some(word) = self.arg_word(call, next) {
                    taint |= word.taint;
                    known &= !word.marks.has(Marks::BLANK);
                    escaped |= self.print(&word, kind == b'b') || word.marks.has(Marks::ESCAPED);
                }
                next += 1;
            }
            if next >= count || next == before || round + 1 == count {
                break;
            }
        }
        if escaped {
            taint |= Taint::DECODED;
        }
        known &= self.scratch.known.len() >= start;
        self.printed(start, taint, known)
    }

    /// Byte `at` of the open words.
    fn letter(&self, at: u32) -> u8 {
        self.scratch.text.get(at as usize).copied().unwrap_or(0)
    }

    /// Prints a word; says whether it held letters written as numbers.
    fn print(&mut self, word: &Word, escapes: bool) -> bool {
        let (mut at, mut hard) = (word.start, false);
        while at < word.end {
            let byte = self.letter(at);
            at += 1;
            if byte == b'\\' && escapes {
                let (taken, numeric) = self.print_escape(at, word.end);
                hard |= numeric;
                at += taken as u32;
            } else {
                self.keep(byte);
            }
        }
        hard
    }

    /// Prints what the escape at `at` stands for.
    fn print_escape(&mut self, at: u32, end: u32) -> (usize, bool) {
        let letters = self.scratch.text.get(at as usize..end.min(at + 12) as usize).unwrap_or_default();
        let (taken, decoded) = escape(letters);
        let mut utf8 = [0; 4];
        match decoded {
            Decoded::Byte(byte) => self.keep(byte),
            Decoded::Char(c) => c.encode_utf8(&mut utf8).bytes().for_each(|byte| self.keep(byte)),
            Decoded::Nothing => {}
        }
        // Escape codes for colours are numbers too.
        let hard = taken > 1 && matches!(decoded, Decoded::Byte(b' '..=b'~') | Decoded::Char(' '..='~'));
        (taken, hard)
    }

    fn printed(&mut self, start: usize, taint: Taint, known: bool) -> Flow {
        let text = Known { start: start as u32, end: self.scratch.known.len() as u32 };
        // An unknown part may stand anywhere in it, but the rest still says what it says.
        if known {
            Flow::known(text, taint)
        } else {
            Flow { text: Some(text), ..Flow::of(taint | Taint::OUTPUT) }
        }
    }

    /// Decoders: of a known text the decoded one, else only that something was decoded.
    pub(super) fn decoder(&mut self, kind: Kind, traits: Traits, call: &Call, name: &[u8]) -> Flow {
        let decodes = match kind {
            Kind::Base64 => {
                name == b"b64decode"
                    || self.has_letter(call, b'd')
                    || self.has_letter(call, b'D')
                    || self.has_arg(call, &[b"--decode"])
            }
            Kind::Base32 => self.has_letter(call, b'd') || self.has_arg(call, &[b"--decode"]),
            Kind::Hex => self.has_letter(call, b'r'),
            Kind::Rev | Kind::Tr => true,
            Kind::OpenSsl => {
                self.has_arg(call, &[b"-d", b"-D"]) || matches!(self.arg(call, 0), b"s_client" | b"s_server")
            }
            _ => {
                !matches!(name, b"gzip" | b"xz" | b"bzip2" | b"gpg")
                    || self.has_letter(call, b'd')
                    || self.has_arg(call, &[b"--decompress", b"--decrypt"])
            }
        };
        let base = self.ordinary(traits, call, name);
        if kind == Kind::OpenSsl {
            return self.openssl(call, base, decodes);
        }
        if !decodes {
            return Flow { text: None, ..base };
        }
        let input = self.decoder_input(call);
        let taint = (base.taint | input.taint)
            | if kind == Kind::Tr && input.text.is_none() && !self.rotates(call) {
                Taint::NONE
            } else {
                Taint::DECODED
            };
        let Some(text) = input.text.filter(|text| text.end - text.start <= DECODE_BYTES_MAX) else {
            return Flow { taint, text: None, open: true };
        };
        let start = self.scratch.known.len();
        let done = match kind {
            Kind::Base64 => self.decode_radix(text, 6),
            Kind::Base32 => self.decode_radix(text, 5),
            Kind::Hex => self.decode_radix(text, 4),
            Kind::Rev => self.reverse(text),
            Kind::Tr => self.translate(call, text),
            _ => false,
        };
        let out = Known { start: start as u32, end: self.scratch.known.len() as u32 };
        Flow { taint, text: done.then_some(out), open: true }
    }

    /// What a decoder reads: its input, or a file written before.
    fn decoder_input(&self, call: &Call) -> Flow {
        let count = self.args_len(call);
        for index in 0..count.min(8) {
            let arg = self.arg(call, index);
            if arg.first() != Some(&b'-')
                && let Some(file) = self.scratch.files.get(hash(arg))
            {
                return file;
            }
        }
        call.input
    }

    fn openssl(&mut self, call: &Call, base: Flow, decodes: bool) -> Flow {
        let client = self.arg(call, 0) == b"s_client";
        if client {
            if call.input.taint.has(Taint::FIFO | Taint::SHELL) {
                self.found(id::REVERSE_SHELL, 88.0, call.span);
            } else if call.input.taint.has(Taint::SECRET | Taint::PRIVATE) {
                self.found(id::EXFILTRATE, 86.0, call.span);
            }
            return Flow::of(Taint::NETWORK);
        }
        if !decodes {
            return Flow { text: None, ..base };
        }
        let is_base64 = self.has_arg(call, &[b"base64", b"-base64", b"-a", b"-A"]);
        let start = self.scratch.known.len();
        let done = match call.input.text {
            Some(text) if is_base64 => self.decode_radix(text, 6),
            _ => false,
        };
        let out = Known { start: start as u32, end: self.scratch.known.len() as u32 };
        Flow { taint: base.taint | Taint::DECODED, text: done.then_some(out), open: true }
    }

    /// Base64, base32 or hex: `bits` a letter. Stops at what is none of its letters, as the tools do at least.
    fn decode_radix(&mut self, text: Known, bits: u32) -> bool {
        let (mut held, mut have) = (0u32, 0u32);
        let mut letters = 0;
        for index in text.start..text.end {
            let Some(&byte) = self.scratch.known.get(index as usize) else { return false };
            let value = match (bits, byte) {
                (_, b' ' | b'\t' | b'\n' | b'\r') => continue,
                (6, b'A'..=b'Z') => byte - b'A',
                (6, b'a'..=b'z') => byte - b'a' + 26,
                (6, b'0'..=b'9') => byte - b'0' + 52,
                (6, b'+' | b'-') => 62,
                (6, b'/' | b'_') => 63,
                (5, b'A'..=b'Z') => byte - b'A',
                (5, b'2'..=b'7') => byte - b'2' + 26,
                (4, b'0'..=b'9') => byte - b'0',
                (4, b'a'..=b'f') => byte - b'a' + 10,
                (4, b'A'..=b'F') => byte - b'A' + 10,
                (_, b'=') => break,
                _ => return letters > 8,
            };
            letters += 1;
            held = held << bits | u32::from(value);
            have += bits;
            if have >= 8 {
                have -= 8;
                self.keep((held >> have & 0xff) as u8);
            }
            held &= (1 << have) - 1;
        }
        letters > 0
    }

    /// `rev`, line by line.
    fn reverse(&mut self, text: Known) -> bool {
        let mut at = text.start;
        while at < text.end {
            let mut end = at;
            while end < text.end && self.scratch.known.get(end as usize) != Some(&b'\n') {
                end += 1;
            }
            for index in (at..end).rev() {
                let byte = self.scratch.known.get(index as usize).copied().unwrap_or(0);
                self.keep(byte);
            }
            self.keep(b'\n');
            at = end + 1;
        }
        true
    }

    /// Whether the second set of `tr` is the alphabet, begun somewhere else: nobody writes plain text so.
    fn rotates(&self, call: &Call) -> bool {
        let (mut from, mut to) = ([0u8; 256], [0u8; 256]);
        let from_len = unfold(self.arg(call, 0), &mut from);
        let to_len = unfold(self.arg(call, 1), &mut to);
        let (from, to) = (from.get(..from_len).unwrap_or_default(), to.get(..to_len).unwrap_or_default());
        from_len >= 26
            && from_len == to_len
            && from.iter().zip(to).all(|(one, other)| one != other && other.is_ascii_alphanumeric())
            && from.iter().all(|byte| to.contains(byte))
    }

    /// `tr SET SET`.
    fn translate(&mut self, call: &Call, text: Known) -> bool {
        let delete = self.has_letter(call, b'd');
        let skip = usize::from(self.arg(call, 0).first() == Some(&b'-') && self.arg(call, 0).len() > 1);
        let (mut from, mut to) = ([0u8; 256], [0u8; 256]);
        let from_len = unfold(self.arg(call, skip), &mut from);
        let to_len = unfold(self.arg(call, skip + 1), &mut to);
        if from_len == 0 || to_len == 0 && !delete {
            return false;
        }
        for index in text.start..text.end {
            let byte = self.scratch.known.get(index as usize).copied().unwrap_or(0);
            match from.iter().take(from_len).position(|&one| one == byte) {
                Some(_) if delete => {}
                Some(place) => {
                    self.keep(to.get(place.min(to_len.saturating_sub(1))).copied().unwrap_or(byte))
                }
                None => self.keep(byte),
            }
        }
        true
    }

    /// `tee FILES`: writes there, and passes on.
    pub(super) fn tee(&mut self, call: &Call) -> Flow {
        let appends = self.has_letter(call, b'a') || self.has_arg(call, &[b"--append"]);
        for index in 0..self.args_len(call).min(16) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            if letters.first() == Some(&b'-') {
                continue;
            }
            let (class, name) = (self.guard.paths.class(letters), hash(letters));
            self.writes(class, !appends, call);
            if let Some(text) = call.input.text {
                self.planted(&word, text, call.span, call.scope);
            }
            self.scratch.files.set(name, Flow { open: true, ..call.input });
        }
        call.input
    }

    /// Judges that something is written to a place.
    ///
    /// `empties` says that its old content goes; a log that is begun anew with something in it is one in use.
    pub(super) fn writes(&mut self, class: Class, empties: bool, call: &Call) {
        let nothing = call.input.text.is_some_and(|text| text.end - text.start <= 1) || !call.input.open;
        for &(rule, weight, classes) in super::place::WRITES {
            if class.has(classes) {
                self.found(rule, weight, call.span);
            }
        }
        if empties {
            for &(rule, weight, classes) in super::place::EMPTIES {
                if class.has(classes) && (nothing || !classes.has(Class::LOG)) {
                    self.found(rule, weight, call.span);
                }
            }
        }
    }

    /// `export NAME=VALUE` and the like.
    pub(super) fn declare(&mut self, call: &Call) -> Flow {
        if self.args_len(call) == 0 {
            return Flow::of(Taint::OUTPUT | Taint::PRIVATE);
        }
        if self.arg(call, 0) == b"--"
            && self.scratch.words.get(call.first).is_some_and(|word| word.end - word.start == 3)
        {
            // `set -- WORDS`: they are `"$@"`.
            let text = self.remember_words(call.first + 2, call.end);
            self.scratch.variables.set(hash(b"@"), Flow { taint: Taint::NONE, text, open: true });
            return Flow::default();
        }
        for index in 0..self.args_len(call) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            if assigned_name(letters).is_some() {
                let one = Call { first: call.first + 1 + index, end: call.first + 2 + index, ..*call };
                self.assignment(&one);
            }
        }
        Flow::of(Taint::OUTPUT)
    }

    /// `read NAMES`: they carry what was read.
    pub(super) fn read_line(&mut self, call: &Call) -> Flow {
        let text = call.input.text;
        for index in 0..self.args_len(call).min(8) {
            let Some(word) = self.arg_word(call, index) else { break };
            let letters = self.scratch.letters(&word);
            if letters.first() != Some(&b'-') {
                let key = hash(letters);
                self.scratch.variables.set(key, Flow { taint: call.input.taint, text, open: true });
            }
        }
        Flow::default()
    }
}

/// Writes out the ranges of a set of `tr`. Returns how many letters it has.
fn unfold(set: &[u8], out: &mut [u8; 256]) -> usize {
    let (mut len, mut at) = (0, 0);
    let mut push = |byte: u8, len: &mut usize| {
        if let Some(slot) = out.get_mut(*len) {
            *slot = byte;
            *len += 1;
        }
    };
    while let Some(&byte) = set.get(at) {
        match (set.get(at + 1), set.get(at + 2)) {
            (Some(b'-'), Some(&end)) if end >= byte => {
                (byte..=end).for_each(|one| push(one, &mut len));
                at += 3;
            }
            _ if byte == b'\\' => {
                let (taken, decoded) = escape(set.get(at + 1..).unwrap_or_default());
                if let Decoded::Byte(one) = decoded {
                    push(one, &mut len);
                }
                at += 1 + taken.max(1);
            }
            _ => {
                push(byte, &mut len);
                at += 1;
            }
        }
    }
    len
}
