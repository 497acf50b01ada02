//! Finds characters that need escapes in double quotes, eight bytes at a time.

/// Returns the number of bytes before the first quote, backslash or control character.
pub(crate) fn plain(text: &[u8]) -> usize {
    length(text, |_| 0)
}

/// Returns the number of bytes before the first quote, backslash, or character other than printable ASCII.
pub(crate) fn plain_ascii(text: &[u8]) -> usize {
    length(text, |word| word | equal(word, 0x7f))
}

/// Repeats a byte eight times.
const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Sets the highest bit of the first byte of `word` that equals `byte`. Later bytes may be marked, too.
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ all(byte);
    difference.wrapping_sub(all(1)) & !difference
}

/// Returns the number of bytes before the first that needs an escape in JSON, or that `more` marks by its highest bit.
fn length(text: &[u8], more: impl Fn(u64) -> u64) -> usize {
    let first = |word: u64| {
        let control = word.wrapping_sub(all(b' ')) & !word;
        let marks = control | equal(word, b'"') | equal(word, b'\\') | more(word);
        (marks & all(0x80)).trailing_zeros() as usize / 8
    };
    let mut rest = text;
    while let Some((word, behind)) = rest.split_first_chunk() {
        let at = first(u64::from_le_bytes(*word));
        if at < 8 {
            return text.len() - rest.len() + at;
        }
        rest = behind;
    }
    // Quotes mark the end of the text.
    let last = rest.iter().rev().fold(all(b'"'), |word, byte| word << 8 | u64::from(*byte));
    text.len() - rest.len() + first(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_plain(byte: u8) -> bool {
        byte >= b' ' && !matches!(byte, b'"' | b'\\')
    }

    fn slowly(text: &[u8], plain: impl Fn(u8) -> bool) -> usize {
        text.iter().position(|byte| !plain(*byte)).unwrap_or(text.len())
    }

    proptest! {
        #[test]
        fn the_first_byte_that_needs_an_escape_is_found(
            plain_part in prop::collection::vec(prop_oneof![b' '..=b'~', 0x80..=0xff_u8], 0..40),
            any_part: Vec<u8>,
        ) {
            let text = [plain_part, any_part].concat();
            prop_assert_eq!(plain(&text), slowly(&text, is_plain));
            prop_assert_eq!(plain_ascii(&text), slowly(&text, |byte| is_plain(byte) && byte < 0x7f));
        }
    }

    #[test]
    fn each_byte_is_told_in_each_place() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut text = [b'a'; 20];
                text[place] = byte;
                assert_eq!(plain(&text), slowly(&text, is_plain), "{byte} at {place}");
                assert_eq!(
                    plain_ascii(&text),
                    slowly(&text, |byte| is_plain(byte) && byte < 0x7f),
                    "{byte} at {place}"
                );
            }
        }
    }
}
