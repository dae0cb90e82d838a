//! Characters that a reader does not see and a model does.

/// What an invisible character is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invisible {
    /// Zero width, soft hyphen, filler: nothing but a way to split a word.
    Nothing,
    /// Turns the direction of the text: what is read is not what is stored.
    Direction,
    /// A tag character, which stands for an ASCII character that is not shown.
    Tag(char),
    /// A variation selector. One after an emoji is normal; a run of them can carry bytes.
    Selector(u8),
}

pub(super) fn classify(c: char) -> Option<Invisible> {
    let code = u32::from(c);
    Some(match code {
        0x00AD
        | 0x034F
        | 0x061C
        | 0x115F
        | 0x1160
        | 0x17B4
        | 0x17B5
        | 0x180B..=0x180E
        | 0x200B..=0x200F
        | 0x2060..=0x2064
        | 0x206A..=0x206F
        | 0x3164
        | 0xFEFF
        | 0xFFA0
        | 0xFFF9..=0xFFFB => Invisible::Nothing,
        0x202A..=0x202E | 0x2066..=0x2069 => Invisible::Direction,
        0xE_0020..=0xE_007E => Invisible::Tag(char::from_u32(code - 0xE_0000)?),
        0xE_0000..=0xE_001F | 0xE_007F => Invisible::Nothing,
        // The usual way to number them: FE00 to FE0F are bytes 0 to 15, E0100 to E01EF the rest.
        0xFE00..=0xFE0F => Invisible::Selector(u8::try_from(code - 0xFE00).ok()?),
        0xE_0100..=0xE_01EF => Invisible::Selector(u8::try_from(code - 0xE_0100 + 16).ok()?),
        _ => return None,
    })
}
