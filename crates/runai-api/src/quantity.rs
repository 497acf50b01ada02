//! Parses Kubernetes quantities and compares them without rounding.

use std::cmp::Ordering;

/// A quantity without its unit: a non-negative decimal number of any length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Decimal digits, least significant first, without leading or trailing zeros.
    digits: Vec<u8>,
    /// The power of 10 of the least significant digit; 0 if there are no digits.
    exponent: isize,
}

impl Amount {
    /// Parses a quantity of the API: digits with at most one point, then optionally one of
    ///
    /// * a decimal unit: `n`, `u`, `m`, `k`, `K`, `M`, `G`, `T`, `P` or `E`,
    /// * a binary unit: `Ki`, `Mi`, `Gi`, `Ti`, `Pi` or `Ei`,
    /// * a decimal exponent from -100 to 100: `e6`.
    ///
    /// Ignores a leading `+` and trailing newlines, which the API's pattern allows. Returns `None` for other text, even
    /// if it matches that pattern, such as `1.2.3` or `4eE`.
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
        let (exponent, factor) = match unit {
            "" => (0, 1),
            "n" => (-9, 1),
            "u" => (-6, 1),
            "m" => (-3, 1),
            "k" | "K" => (3, 1),
            "M" => (6, 1),
            "G" => (9, 1),
            "T" => (12, 1),
            "P" => (15, 1),
            "E" => (18, 1),
            "Ki" => (0, 1 << 10),
            "Mi" => (0, 1 << 20),
            "Gi" => (0, 1 << 30),
            "Ti" => (0, 1 << 40),
            "Pi" => (0, 1 << 50),
            "Ei" => (0, 1 << 60),
            _ => {
                let exponent = unit.strip_prefix(['e', 'E'])?.parse::<isize>().ok()?;
                // No quantity needs a larger exponent, and the sum below could overflow.
                (exponent.abs() <= 100).then_some((exponent, 1))?
            }
        };
        Some(Self { digits, exponent: exponent - fraction.len().cast_signed() }.times(factor).trimmed())
    }

    /// Returns whether the amount is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Returns the nearest float, for arithmetic and display.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.to_decimal().parse().unwrap_or(0.0)
    }

    /// Returns the amount as a decimal number with an exponent, such as `1024e6`.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        let text: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let digits = if text.is_empty() { "0" } else { &text };
        format!("{digits}e{}", self.exponent)
    }

    fn times(mut self, factor: u64) -> Self {
        // 9 times the largest factor plus the carry is less than 2^64.
        let mut carry = 0;
        let mut next = |digit| {
            carry += u64::from(digit) * factor;
            let digit = carry % 10;
            carry /= 10;
            (u8::try_from(digit).unwrap_or_default(), carry > 0)
        };
        let mut carried = false;
        for digit in &mut self.digits {
            (*digit, carried) = next(*digit);
        }
        while carried {
            let digit;
            (digit, carried) = next(0);
            self.digits.push(digit);
        }
        self
    }

    fn trimmed(mut self) -> Self {
        let zeros = self.digits.iter().take_while(|digit| **digit == 0).count();
        self.digits.drain(..zeros);
        self.exponent += zeros.cast_signed();
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        if self.is_zero() { Self { exponent: 0, ..self } } else { self }
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        // Zero is the smallest. Otherwise the number whose first digit has the higher power of 10 is larger.
        let magnitude = |amount: &Self| (!amount.is_zero(), amount.exponent + amount.digits.len().cast_signed());
        let by_digits = || self.digits.iter().rev().cmp(other.digits.iter().rev());
        magnitude(self).cmp(&magnitude(other)).then_with(by_digits)
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
    fn compares_across_units() {
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
    fn compares_arbitrarily_long_numbers() {
        assert!(
            amount("100000000000000000000000000000000000000000000000001")
                > amount("100000000000000000000000000000000000000000000000000")
        );
    }

    #[test]
    fn rejects_invalid_amounts() {
        for text in ["1.2.3", ".", "4eE", "1e", "1e999999999", "", "1KiB", "1Mi5"] {
            assert_eq!(Amount::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn recognizes_zero() {
        for text in ["0", "0.000Gi", "0e5", "+0"] {
            assert!(amount(text).is_zero(), "{text}");
        }
        assert!(!amount("0.001n").is_zero());
    }

    proptest! {
        #[test]
        fn orders_like_exact_floats(a in 0u32..2_000_000, b in 0u32..2_000_000, unit in "|K|M|G|Ki|Mi|Gi") {
            let (x, y) = (amount(&format!("{a}{unit}")), amount(&format!("{b}{unit}")));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.to_f64().partial_cmp(&y.to_f64()), a.partial_cmp(&b));
        }
    }
}
