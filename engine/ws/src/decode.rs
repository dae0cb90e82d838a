//! Taking messages out of a stream of client frames.

use std::io::Cursor;

use pincer_buffers::{Buffer, Pool};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::close::{self, CloseFrame, CloseReason};
use crate::encode::CONTROL_BYTES_MAX;
use crate::mask;

/// Longest header of a client's frame: two bytes, eight of length, four of mask.
const HEADER_BYTES_MAX: usize = 14;

/// Most that is leased for a frame before its bytes have come. A header can promise 25 MiB for the price of 14 bytes;
/// past this, memory grows only as fast as the peer sends.
const LEASE_AHEAD_BYTES: usize = 16 << 10;

/// One message, or a control frame between the fragments of one.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A whole text message; UTF-8 is checked. Mutable so that it can be parsed where it lies.
    Text(&'a mut [u8]),
    /// A whole binary message.
    Binary(&'a mut [u8]),
    /// Answer with [`append_pong`](crate::encode::append_pong) and the same bytes.
    Ping(&'a [u8]),
    /// An answer to a ping of ours, or a sign of life.
    Pong(&'a [u8]),
    /// The peer is done: answer with the same code, then close. Nothing is decoded after this.
    Close(Option<CloseFrame<'a>>),
}

/// Reads the frames of one connection.
///
/// Feed it every read with [`Decoder::next`] until that returns `None`. Between messages it owns no memory beyond
/// itself; while a frame or a fragmented message is incomplete it keeps the bytes so far in one pooled buffer, never
/// more than `message_bytes_max` + 125 of them.
#[derive(Debug)]
pub struct Decoder {
    /// The fragmented message so far, then the payload so far of the frame that is incomplete.
    held: Buffer,
    /// How much of `held` is finished fragments: what is behind it belongs to the frame being read.
    fragments_len: u32,
    /// How much of `held` is checked text.
    utf8_len: u32,
    message_bytes_max: u32,
    /// Kind of the fragmented message that waits for its continuation.
    fragmented: Option<Kind>,
    phase: Phase,
}

// Ten thousand idle connections are ten thousand of these.
const _: () = assert!(size_of::<Decoder>() <= 64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Between frames, or inside a header of which `len` bytes are here.
    Header { bytes: [u8; HEADER_BYTES_MAX], len: u8 },
    /// Inside a payload, part of which is in `held`.
    Payload(Frame, u32),
    /// A message or control payload in `held` was handed out; the next call drops it.
    HandedOut,
    /// A close frame or an error was handed out. The rest of the stream means nothing.
    Closed,
}

const BETWEEN_FRAMES: Phase = Phase::Header { bytes: [0; HEADER_BYTES_MAX], len: 0 };

/// What is still to be known of a frame once its header was accepted.
#[derive(Debug, Clone, Copy)]
struct Frame {
    role: Role,
    is_final: bool,
    /// Rotated so that its first byte belongs to the next byte of payload.
    mask: [u8; 4],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// First or only frame, or a continuation, of a message of this kind.
    Data(Kind),
    Ping,
    Pong,
    Close,
}

impl Decoder {
    /// A decoder at the start of a stream. A message of more than `message_bytes_max` bytes is refused with 1009;
    /// values above 4 GiB count as 4 GiB.
    pub fn new(message_bytes_max: usize) -> Decoder {
        Decoder {
            held: Buffer::default(),
            fragments_len: 0,
            utf8_len: 0,
            message_bytes_max: saturate(message_bytes_max),
            fragmented: None,
            phase: BETWEEN_FRAMES,
        }
    }

    /// Changes the limit, from the next frame header on.
    pub fn set_message_bytes_max(&mut self, message_bytes_max: usize) {
        self.message_bytes_max = saturate(message_bytes_max);
    }

    /// Takes the next message out of `input`, which is advanced past it. `None`: all of `input` was consumed, and what
    /// was incomplete is kept.
    ///
    /// Call until it says `None`, also to let go of the memory behind the last message. A message that lies in `input`
    /// in one frame is unmasked and handed out there; others are handed out from the buffer they were collected in.
    /// After an error or a close frame everything is swallowed.
    ///
    /// # Errors
    /// The first thing wrong with the stream, as early as it can be known.
    pub fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
        pool: &mut Pool,
    ) -> Result<Option<Incoming<'s>>, CloseReason> {
        match self.step(input, pool) {
            Ok(Step::Starved) => Ok(None),
            Ok(Step::InPlace(role, payload)) => deliver(&mut self.phase, role, payload),
            Ok(Step::Held(role, start)) => {
                let payload = self.held.get_mut(start..).unwrap_or_default();
                deliver(&mut self.phase, role, payload)
            }
            Err(reason) => {
                self.phase = Phase::Closed;
                Err(reason)
            }
        }
    }

    /// Bytes kept because something is incomplete.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Whether a frame or a fragmented message is incomplete: the peer owes us the rest.
    pub fn is_mid_message(&self) -> bool {
        self.fragmented.is_some()
            || match self.phase {
                Phase::Header { len, .. } => len > 0,
                Phase::Payload(..) => true,
                Phase::HandedOut | Phase::Closed => false,
            }
    }

    /// Ends the decoder and gives what it keeps back.
    pub fn release(self, pool: &mut Pool) {
        pool.restore(self.held);
    }

    /// Reads until there is something to hand out. Apart from [`Decoder::next`] so that borrows stay simple.
    fn step<'i>(&mut self, input: &mut &'i mut [u8], pool: &mut Pool) -> Result<Step<'i>, CloseReason> {
        loop {
            match self.phase {
                Phase::Closed => {
                    pool.restore(std::mem::take(&mut self.held));
                    *input = &mut [];
                    return Ok(Step::Starved);
                }
                Phase::HandedOut => {
                    self.drop_handed_out(pool);
                    self.phase = BETWEEN_FRAMES;
                }
                Phase::Header { bytes, len } => {
                    if len == 0
                        && self.fragmented.is_none()
                        && let Some((payload, mask)) = take_text(input, self.message_bytes_max as usize)
                    {
                        unmask_text(payload, mask)?;
                        return Ok(Step::InPlace(Role::Data(Kind::Text), payload));
                    }
                    let Some((frame, payload_len)) = self.read_header(bytes, len, input)? else {
                        return Ok(Step::Starved);
                    };
                    let whole = usize::try_from(payload_len).is_ok_and(|len| len <= input.len());
                    if whole && frame.is_final && self.fragmented.is_none_or(|_| frame.role.is_control()) {
                        let payload = take(input, payload_len as usize);
                        if frame.role == Role::Data(Kind::Text) {
                            unmask_text(payload, frame.mask)?;
                        } else {
                            mask::apply(payload, frame.mask);
                        }
                        self.phase = BETWEEN_FRAMES;
                        return Ok(Step::InPlace(frame.role, payload));
                    }
                    self.phase = Phase::Payload(frame, payload_len);
                }
                Phase::Payload(frame, missing) => {
                    if let Some(step) = self.read_payload(frame, missing, input, pool)? {
                        return Ok(step);
                    }
                }
            }
        }
    }

    /// Takes a header out of `input`, behind the `len` bytes of it that came before.
    fn read_header(
        &mut self,
        mut bytes: [u8; HEADER_BYTES_MAX],
        mut len: u8,
        input: &mut &mut [u8],
    ) -> Result<Option<(Frame, u32)>, CloseReason> {
        if len == 0 {
            let mut cursor = Cursor::new(&**input);
            if let Some(parsed) = parse_header(&mut cursor)? {
                let size = cursor.position() as usize;
                take(input, size);
                return self.accept(&parsed).map(Some);
            }
        }
        // The rare case: a read ended inside a header.
        while let Some((byte, place)) = input.first().copied().zip(bytes.get_mut(usize::from(len))) {
            *place = byte;
            len += 1;
            take(input, 1);
            let known = bytes.get(..usize::from(len)).unwrap_or_default();
            if let Some(parsed) = parse_header(&mut Cursor::new(known))? {
                return self.accept(&parsed).map(Some);
            }
        }
        self.phase = Phase::Header { bytes, len };
        Ok(None)
    }

    /// Checks a header against the protocol, the limit and the message that is under way.
    fn accept(&self, (header, len): &(FrameHeader, u64)) -> Result<(Frame, u32), CloseReason> {
        // The order of these is tungstenite's, so that both name the same fault where a frame has two.
        let max = self.message_bytes_max;
        let len = u32::try_from(*len).ok().filter(|len| *len <= max).ok_or(CloseReason::MessageTooBig)?;
        let mask = header.mask.ok_or(CloseReason::Unmasked)?;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(CloseReason::ReservedBits);
        }
        let role = match header.opcode {
            OpCode::Control(_) if !header.is_final => return Err(CloseReason::ControlFragmented),
            OpCode::Control(_) if len as usize > CONTROL_BYTES_MAX => {
                return Err(CloseReason::ControlTooLong);
            }
            OpCode::Control(Control::Ping) => Role::Ping,
            OpCode::Control(Control::Pong) => Role::Pong,
            OpCode::Control(Control::Close) => Role::Close,
            OpCode::Data(Data::Continue) => {
                let kind = self.fragmented.ok_or(CloseReason::UnexpectedContinuation)?;
                if len > max.saturating_sub(self.fragments_len) {
                    return Err(CloseReason::MessageTooBig);
                }
                Role::Data(kind)
            }
            OpCode::Data(Data::Text | Data::Binary) if self.fragmented.is_some() => {
                return Err(CloseReason::ExpectedContinuation);
            }
            OpCode::Data(Data::Text) => Role::Data(Kind::Text),
            OpCode::Data(Data::Binary) => Role::Data(Kind::Binary),
            OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_)) => {
                return Err(CloseReason::ReservedOpcode);
            }
        };
        Ok((Frame { role, is_final: header.is_final, mask }, len))
    }

    /// Moves payload from `input` to `held`. A step when that completed something or `input` ran dry.
    fn read_payload<'i>(
        &mut self,
        mut frame: Frame,
        missing: u32,
        input: &mut &'i mut [u8],
        pool: &mut Pool,
    ) -> Result<Option<Step<'i>>, CloseReason> {
        let here = input.len().min(missing as usize);
        let missing = missing - here as u32;
        if here > 0 {
            self.make_room(here, missing, pool)?;
            let start = self.held.len();
            self.held.extend_from_slice(take(input, here));
            mask::apply(self.held.get_mut(start..).unwrap_or_default(), frame.mask);
            frame.mask = mask::rotate(frame.mask, here);
        }
        let message_ends = missing == 0 && frame.is_final;
        if frame.role == Role::Data(Kind::Text) {
            self.check_utf8(message_ends)?;
        }
        if missing > 0 {
            self.phase = Phase::Payload(frame, missing);
            return Ok(Some(Step::Starved));
        }
        let Role::Data(kind) = frame.role else {
            self.phase = Phase::HandedOut;
            return Ok(Some(Step::Held(frame.role, self.fragments_len as usize)));
        };
        if !message_ends {
            self.fragments_len = saturate(self.held.len());
            self.fragmented = Some(kind);
            self.phase = BETWEEN_FRAMES;
            return Ok(None);
        }
        self.fragments_len = 0;
        self.fragmented = None;
        self.phase = Phase::HandedOut;
        Ok(Some(Step::Held(frame.role, 0)))
    }

    /// Makes room in `held` for `here` bytes that came, and some of the `missing` that this frame still promises.
    fn make_room(&mut self, here: usize, missing: u32, pool: &mut Pool) -> Result<(), CloseReason> {
        let needed = self.held.len().saturating_add(here);
        if self.held.capacity() >= needed {
            return Ok(());
        }
        let promised = needed.saturating_add(missing as usize);
        // Doubling keeps the copying linear; the promise keeps the last step from overshooting it.
        let wanted = needed.max(promised.min(LEASE_AHEAD_BYTES.max(self.held.capacity().saturating_mul(2))));
        pool.try_grow(&mut self.held, wanted).map_err(|_| CloseReason::Overloaded)
    }

    /// Checks the text in `held` that is not checked yet. A character may still lack its end, unless `ends`.
    fn check_utf8(&mut self, ends: bool) -> Result<(), CloseReason> {
        let unchecked = self.held.get(self.utf8_len as usize..).unwrap_or_default();
        match simdutf8::compat::from_utf8(unchecked) {
            Ok(_) => self.utf8_len = saturate(self.held.len()),
            Err(error) if ends || error.error_len().is_some() => return Err(CloseReason::InvalidUtf8),
            Err(error) => self.utf8_len = self.utf8_len.saturating_add(saturate(error.valid_up_to())),
        }
        Ok(())
    }

    /// Drops what was handed out of `held`: a control payload behind fragments, or a whole message and with it the buffer.
    fn drop_handed_out(&mut self, pool: &mut Pool) {
        self.held.truncate(self.fragments_len as usize);
        if self.fragments_len == 0 {
            self.utf8_len = 0;
            pool.restore(std::mem::take(&mut self.held));
        }
    }
}

/// What [`Decoder::step`] came to.
enum Step<'i> {
    /// `input` is used up.
    Starved,
    /// A payload in `input`, unmasked and checked.
    InPlace(Role, &'i mut [u8]),
    /// A payload in `held`, from here to its end.
    Held(Role, usize),
}

impl Role {
    fn is_control(self) -> bool {
        !matches!(self, Role::Data(_))
    }
}

fn deliver<'a>(
    phase: &mut Phase,
    role: Role,
    payload: &'a mut [u8],
) -> Result<Option<Incoming<'a>>, CloseReason> {
    Ok(Some(match role {
        Role::Data(Kind::Text) => Incoming::Text(payload),
        Role::Data(Kind::Binary) => Incoming::Binary(payload),
        Role::Ping => Incoming::Ping(payload),
        Role::Pong => Incoming::Pong(payload),
        Role::Close => {
            *phase = Phase::Closed;
            Incoming::Close(close::parse(payload)?)
        }
    }))
}

/// Takes a whole text message of one frame that lies whole in `input`, header and all, the usual case; its payload is still
/// masked. `None`, and nothing taken: something else, or longer than `max`.
fn take_text<'i>(input: &mut &'i mut [u8], max: usize) -> Option<(&'i mut [u8], [u8; 4])> {
    const FINAL_TEXT: u8 = 0x81;
    let (header, len, mask) = match **input {
        [FINAL_TEXT, len @ 0x80..0xfe, a, b, c, d, ..] => (6, usize::from(len & 0x7f), [a, b, c, d]),
        [FINAL_TEXT, 0xfe, high, low, a, b, c, d, ..] => {
            (8, usize::from(u16::from_be_bytes([high, low])), [a, b, c, d])
        }
        _ => return None,
    };
    if len > max || header + len > input.len() {
        return None;
    }
    take(input, header);
    Some((take(input, len), mask))
}

fn unmask_text(payload: &mut [u8], mask: [u8; 4]) -> Result<(), CloseReason> {
    let is_text = mask::apply(payload, mask) || simdutf8::basic::from_utf8(payload).is_ok();
    if is_text { Ok(()) } else { Err(CloseReason::InvalidUtf8) }
}

/// Splits the first `len` bytes off `input`; all of it when it is shorter.
fn take<'i>(input: &mut &'i mut [u8], len: usize) -> &'i mut [u8] {
    let all = std::mem::take(input);
    let (first, rest) = all.split_at_mut(len.min(all.len()));
    *input = rest;
    first
}

fn parse_header(cursor: &mut Cursor<&[u8]>) -> Result<Option<(FrameHeader, u64)>, CloseReason> {
    // Reading from memory cannot fail, so the only error is an opcode without a meaning.
    FrameHeader::parse(cursor).map_err(|_| CloseReason::ReservedOpcode)
}

fn saturate(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
