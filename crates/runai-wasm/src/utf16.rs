//! Conversion between UTF-8 byte offsets and JavaScript's UTF-16 code units.

/// Converts byte offsets, in any order, to UTF-16 code units.
pub(crate) fn places(text: &str, offsets: &[usize]) -> Vec<usize> {
    if text.is_ascii() {
        return offsets.to_vec();
    }
    let mut order: Vec<usize> = (0..offsets.len()).collect();
    order.sort_unstable_by_key(|index| offsets[*index]);
    let mut places = vec![0; offsets.len()];
    let (mut at, mut units) = (0, 0);
    for index in order {
        let offset = text.floor_char_boundary(offsets[index].min(text.len()));
        units += text[at..offset].chars().map(char::len_utf16).sum::<usize>();
        at = offset;
        places[index] = units;
    }
    places
}

/// Converts UTF-16 code units, in any order, to byte offsets. Returns `None` if one is past the end or within a
/// character.
pub(crate) fn offsets(text: &str, places: &[usize]) -> Option<Vec<usize>> {
    if text.is_ascii() {
        return places.iter().all(|place| *place <= text.len()).then(|| places.to_vec());
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_unstable_by_key(|index| places[*index]);
    let mut offsets = vec![0; places.len()];
    let (mut at, mut units) = (0, 0);
    for index in order {
        let place = places[index];
        while units < place {
            let next = text.get(at..)?.chars().next()?;
            at += next.len_utf8();
            units += next.len_utf16();
        }
        if units != place {
            return None;
        }
        offsets[index] = at;
    }
    Some(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_surrogate_pairs_twice() {
        assert_eq!(places("aé🚀b", &[8, 0, 3, 7, 1, 99]), [5, 0, 2, 4, 1, 5]);
        assert_eq!(places("abc", &[2, 1]), [2, 1]);
        assert_eq!(offsets("aé🚀b", &[5, 0, 2, 4, 1]), Some(vec![8, 0, 3, 7, 1]));
        assert_eq!((offsets("aé🚀b", &[3]), offsets("aé🚀b", &[6]), offsets("ab", &[3])), (None, None, None));
    }
}
