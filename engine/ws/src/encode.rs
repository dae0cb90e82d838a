//! Writing frames. A server's frames are never masked, and this one never fragments.

/// Longest control payload (RFC 6455 section 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Longest close reason: a control payload less the code.
pub const CLOSE_REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// Longest header of a server's frame.
pub const HEADER_BYTES_MAX: usize = 10;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Writes the header of a text frame with `len` bytes of payload into `header` and returns how many of its bytes
/// count. For payloads that are shared and sent from where they are.
pub fn text_header(len: usize, header: &mut [u8; HEADER_BYTES_MAX]) -> usize {
    data_header(TEXT, len, header)
}

/// Appends a whole text frame. `payload` has to be UTF-8.
pub fn append_text(out: &mut Vec<u8>, payload: &[u8]) {
    append_data(out, TEXT, payload);
}

/// Appends a whole binary frame.
pub fn append_binary(out: &mut Vec<u8>, payload: &[u8]) {
    append_data(out, BINARY, payload);
}

/// Appends a ping; of `payload` at most the first [`CONTROL_BYTES_MAX`] bytes.
pub fn append_ping(out: &mut Vec<u8>, payload: &[u8]) {
    append_control(out, PING, &[], payload);
}

/// Appends the answer to a ping; of `payload` at most the first [`CONTROL_BYTES_MAX`] bytes.
pub fn append_pong(out: &mut Vec<u8>, payload: &[u8]) {
    append_control(out, PONG, &[], payload);
}

/// Appends a close frame. `reason` is cut to [`CLOSE_REASON_BYTES_MAX`] bytes, between characters.
pub fn append_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let reason = reason.get(..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX)).unwrap_or_default();
    append_control(out, CLOSE, &code.to_be_bytes(), reason.as_bytes());
}

/// Appends a close frame without a code: the answer to one that had none.
pub fn append_close_empty(out: &mut Vec<u8>) {
    append_control(out, CLOSE, &[], &[]);
}

/// Appends a text frame whose payload `fill` appends; it must not touch what was there before.
/// Returns what `fill` returned.
pub fn append_text_with<R>(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let frame = OpenText::begin(out);
    let result = fill(out);
    frame.finish(out);
    result
}

/// A text frame under construction at the end of an output buffer, its length known only when it is finished.
///
/// Room for a four-byte header is left first, which is right for payloads of 126 to 65,535 bytes, nearly all of ours.
/// Others are moved once when finished.
#[derive(Debug)]
#[must_use = "unfinished frames leave a broken stream: call finish or cancel"]
pub struct OpenText {
    start: usize,
}

impl OpenText {
    const ROOM: usize = 4;

    /// Leaves room for the header. Append the payload to `out` next, and nothing else.
    pub fn begin(out: &mut Vec<u8>) -> OpenText {
        let start = out.len();
        out.extend_from_slice(&[0; Self::ROOM]);
        OpenText { start }
    }

    /// Bytes of payload so far.
    pub fn payload_len(&self, out: &[u8]) -> usize {
        out.len().saturating_sub(self.start + Self::ROOM)
    }

    /// Writes the header, moving the payload when it needs another size.
    pub fn finish(self, out: &mut Vec<u8>) {
        let payload = self.start + Self::ROOM;
        debug_assert!(out.len() >= payload, "the payload was appended after `begin`");
        let mut header = [0; HEADER_BYTES_MAX];
        let len = out.len().saturating_sub(payload);
        let size = text_header(len, &mut header);
        let end = self.start + size + len;
        if size > Self::ROOM {
            out.resize(end, 0);
        }
        if size != Self::ROOM {
            out.copy_within(payload..payload + len, self.start + size);
            out.truncate(end);
        }
        if let (Some(place), Some(header)) = (out.get_mut(self.start..self.start + size), header.get(..size))
        {
            place.copy_from_slice(header);
        }
    }

    /// Takes the frame back: `out` is as it was before [`OpenText::begin`].
    pub fn cancel(self, out: &mut Vec<u8>) {
        out.truncate(self.start);
    }
}

fn append_data(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    let mut header = [0; HEADER_BYTES_MAX];
    let size = data_header(opcode, payload.len(), &mut header);
    out.reserve(size + payload.len());
    out.extend_from_slice(header.get(..size).unwrap_or_default());
    out.extend_from_slice(payload);
}

fn append_control(out: &mut Vec<u8>, opcode: u8, prefix: &[u8], payload: &[u8]) {
    let payload = payload.get(..CONTROL_BYTES_MAX - prefix.len()).unwrap_or(payload);
    // At most CONTROL_BYTES_MAX, so the one-byte length holds it.
    let len = (prefix.len() + payload.len()) as u8;
    out.extend_from_slice(&[FIN | opcode, len]);
    out.extend_from_slice(prefix);
    out.extend_from_slice(payload);
}

fn data_header(opcode: u8, len: usize, header: &mut [u8; HEADER_BYTES_MAX]) -> usize {
    let first = FIN | opcode;
    let [a, b, c, d, e, f, g, h] = (len as u64).to_be_bytes();
    match len {
        0..=125 => {
            *header = [first, h, 0, 0, 0, 0, 0, 0, 0, 0];
            2
        }
        126..=0xffff => {
            *header = [first, 126, g, h, 0, 0, 0, 0, 0, 0];
            4
        }
        _ => {
            *header = [first, 127, a, b, c, d, e, f, g, h];
            10
        }
    }
}

#[cfg(test)]
mod tests;
