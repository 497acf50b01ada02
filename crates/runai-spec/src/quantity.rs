//! Amounts of memory and Kubernetes quantities, compared exactly.

use std::cmp::Ordering;

use crate::document::float;

/// A non-negative decimal number of any length: a quantity in units of 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Decimal digits, least significant first, no zero at the end.
    digits: Vec<u8>,
    /// How many of the digits stand behind the decimal point.
    scale: usize,
}

impl Amount {
    /// Reads a quantity as the API writes them: digits with at most one point, and nothing or one of the units `n`,
    /// `u`, `m`, `k`, `K`, `M`, `G`, `T`, `P`, `E` (powers of 1000), `Ki` … `Ei` (powers of 1024), or a decimal exponent.
    ///
    /// Gives `None` for texts that the API's pattern lets pass though they mean nothing, such as `1.2.3` or `4eE`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('\n');
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let digits = fraction.bytes().rev().chain(whole.bytes().rev()).map(|digit| digit - b'0').collect();
        let amount = Self { digits, scale: fraction.len() };
        let amount = match unit {
            "" => amount,
            "n" => amount.shifted(-9),
            "u" => amount.shifted(-6),
            "m" => amount.shifted(-3),
            "k" | "K" => amount.shifted(3),
            "M" => amount.shifted(6),
            "G" => amount.shifted(9),
            "T" => amount.shifted(12),
            "P" => amount.shifted(15),
            "E" => amount.shifted(18),
            "Ki" => amount.times_1024(1),
            "Mi" => amount.times_1024(2),
            "Gi" => amount.times_1024(3),
            "Ti" => amount.times_1024(4),
            "Pi" => amount.times_1024(5),
            "Ei" => amount.times_1024(6),
            _ => {
                let exponent = unit.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?;
                // Beyond this no quantity means anything, and the digits would not fit into memory.
                (exponent.abs() <= 100).then(|| amount.shifted(exponent))?
            }
        };
        Some(amount.trimmed())
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.digits.iter().all(|digit| *digit == 0)
    }

    /// The amount in units of 1 as a float, for sums and displays; the nearest one there is.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        let text: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        float::parse(&format!("{text}e-{}", self.scale)).unwrap_or(0.0)
    }

    fn shifted(mut self, exponent: i32) -> Self {
        let steps = exponent.unsigned_abs() as usize;
        if exponent < 0 {
            self.scale += steps;
        } else if self.scale >= steps {
            self.scale -= steps;
        } else {
            let zeros = vec![0; steps - self.scale];
            self.digits.splice(0..0, zeros);
            self.scale = 0;
        }
        self
    }

    fn times_1024(mut self, power: u32) -> Self {
        for _ in 0..power {
            let mut carry = 0_u32;
            for digit in &mut self.digits {
                carry += u32::from(*digit) * 1024;
                *digit = u8::try_from(carry % 10).unwrap_or_default();
                carry /= 10;
            }
            while carry > 0 {
                self.digits.push(u8::try_from(carry % 10).unwrap_or_default());
                carry /= 10;
            }
        }
        self
    }

    fn trimmed(mut self) -> Self {
        let zeros = self.digits.iter().take(self.scale).take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        self.scale -= zeros;
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.scale = 0;
        }
        self
    }

    /// The digit of 10 to the power of `power`.
    fn digit(&self, power: isize) -> u8 {
        let index = power + self.scale.cast_signed();
        usize::try_from(index).ok().and_then(|index| self.digits.get(index)).copied().unwrap_or(0)
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        let top = |amount: &Self| amount.digits.len().cast_signed() - amount.scale.cast_signed();
        let bottom = -(self.scale.max(other.scale).cast_signed());
        (bottom..top(self).max(top(other)))
            .rev()
            .map(|power| self.digit(power).cmp(&other.digit(power)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn units_compare_across_their_bases() {
        for (less, more) in [
            ("4G", "4Gi"),
            ("1023Mi", "1Gi"),
            ("999M", "1G"),
            ("1.5G", "1536M"),
            ("0.1", "1"),
            ("500m", "1"),
            ("1Ki", "1.1K"),
            ("9", "1e1"),
        ] {
            assert!(amount(less) < amount(more), "{less} < {more}");
        }
        for (one, same) in [
            ("1Gi", "1024Mi"),
            ("1G", "1000M"),
            ("1.0", "1"),
            ("1000m", "1"),
            ("1e3", "1k"),
            ("0.5Ki", "512"),
            ("00", "0G"),
        ] {
            assert_eq!(amount(one), amount(same), "{one} = {same}");
        }
    }

    #[test]
    fn digits_beyond_any_machine_number_count() {
        assert!(
            amount("100000000000000000000000000000000000000000000000001")
                > amount("100000000000000000000000000000000000000000000000000")
        );
    }

    #[test]
    fn nonsense_that_the_pattern_lets_pass_is_no_amount() {
        for text in ["1.2.3", ".", "4eE", "1e", "1e999999999", "", "1KiB", "1Mi5"] {
            assert_eq!(Amount::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_nothing_in_any_unit() {
        for text in ["0", "0.000Gi", "0e5", "+0"] {
            assert!(amount(text).is_zero(), "{text}");
        }
        assert!(!amount("0.001n").is_zero());
    }

    proptest! {
        #[test]
        fn orders_like_floats_where_floats_are_exact(a in 0u32..2_000_000, b in 0u32..2_000_000, unit in "|K|M|G|Ki|Mi|Gi") {
            let (x, y) = (amount(&format!("{a}{unit}")), amount(&format!("{b}{unit}")));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.to_f64().partial_cmp(&y.to_f64()), a.partial_cmp(&b));
        }
    }
}
