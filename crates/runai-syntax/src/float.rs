//! Parses decimal numbers to the nearest `f64`, like `str::parse`.
//!
//! On wasm32, a parser in this module replaces std's. The table of powers of five in std's parser does not compress and
//! would be a twentieth of the compressed module. Long division returns the same floats; tests compare both.

/// Parses a decimal number. Returns `None` if `text` is not a number.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Parses a decimal number. Returns `None` if `text` is not a number.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    small::parse(text)
}

#[cfg(any(target_arch = "wasm32", test))]
mod small {
    use std::cmp::Ordering;

    /// Maximum number of digits in the division: enough to decide between two adjacent floats. If any later digit is
    /// nonzero, a single 1 replaces all of them.
    const DIGITS: usize = 800;
    /// The bits of a mantissa, including the implicit one.
    const PRECISION: i64 = 53;
    const MIN_EXPONENT: i64 = -1022;
    const MAX_EXPONENT: i64 = 1023;

    pub(super) fn parse(text: &str) -> Option<f64> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let magnitude = if ["inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
            f64::INFINITY
        } else if unsigned.eq_ignore_ascii_case("nan") {
            f64::NAN
        } else {
            decimal(unsigned)?
        };
        Some(if text.starts_with('-') { -magnitude } else { magnitude })
    }

    /// Parses an unsigned number such as `1.5e-3`.
    fn decimal(text: &str) -> Option<f64> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, signed(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if all().next().is_none() || !all().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut rest = all().map(|byte| u32::from(byte - b'0')).skip_while(|digit| *digit == 0);
        let mut digits: Vec<u32> = rest.by_ref().take(DIGITS).collect();
        let (skipped, more) = rest.fold((0, false), |(count, more), digit| (count + 1, more || digit != 0));
        let mut exponent = exponent - length(fraction.len()) + skipped;
        if more {
            digits.push(1);
            exponent -= 1;
        }
        Some(nearest(&digits, exponent))
    }

    /// Parses an exponent, saturating at 2⁴⁰.
    fn signed(text: &str) -> Option<i64> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let size = digits.bytes().fold(0, |size: i64, byte| (size * 10 + i64::from(byte - b'0')).min(1 << 40));
        Some(if text.starts_with('-') { -size } else { size })
    }

    /// Returns the float nearest to `digits` × 10^`exponent`, rounding half to even.
    fn nearest(digits: &[u32], exponent: i64) -> f64 {
        let point = length(digits.len()) + exponent;
        if digits.is_empty() || point < -330 {
            return 0.0;
        }
        if point > 310 {
            return f64::INFINITY;
        }
        // The number is `above / below`.
        let (mut above, mut below) = (Natural(Vec::new()), Natural(vec![1]));
        for digit in digits {
            above.times_ten_plus(*digit);
        }
        for _ in 0..exponent.unsigned_abs() {
            if exponent > 0 { above.times_ten_plus(0) } else { below.times_ten_plus(0) }
        }
        // Scales the quotient to at least 1 and less than 2. The number is the quotient × 2^`power`.
        let mut power = above.bits() - below.bits();
        let shifted = if power < 0 { &mut above } else { &mut below };
        (0..power.unsigned_abs()).for_each(|_| shifted.double());
        if above.cmp(&below) == Ordering::Less {
            above.double();
            power -= 1;
        }
        if power > MAX_EXPONENT {
            return f64::INFINITY;
        }
        // Below the minimum exponent, numbers are subnormal: the mantissa has fewer bits.
        let stored = power.max(MIN_EXPONENT);
        let mut mantissa = 0_u64;
        if PRECISION < stored - power {
            return 0.0;
        }
        for _ in stored - power..PRECISION {
            mantissa *= 2;
            if above.cmp(&below) != Ordering::Less {
                above.subtract(&below);
                mantissa += 1;
            }
            above.double();
        }
        mantissa += match above.cmp(&below) {
            Ordering::Less => 0,
            Ordering::Equal => mantissa % 2,
            Ordering::Greater => 1,
        };
        // The sum is the representation: the implicit bit of a normal mantissa adds 1 to the exponent field.
        f64::from_bits(((stored - MIN_EXPONENT).unsigned_abs() << (PRECISION - 1)) + mantissa)
    }

    fn length(length: usize) -> i64 {
        i64::try_from(length).unwrap_or(i64::MAX)
    }

    /// A natural number of any size: 32-bit digits, least significant first, without leading zeros.
    struct Natural(Vec<u32>);

    impl Natural {
        fn times_ten_plus(&mut self, digit: u32) {
            self.times_plus(10, digit);
        }

        fn double(&mut self) {
            self.times_plus(2, 0);
        }

        #[expect(clippy::cast_possible_truncation, reason = "the two halves of a product")]
        fn times_plus(&mut self, factor: u64, plus: u32) {
            let mut carry = plus;
            for part in &mut self.0 {
                let product = u64::from(*part) * factor + u64::from(carry);
                (*part, carry) = (product as u32, (product >> 32) as u32);
            }
            if carry > 0 {
                self.0.push(carry);
            }
        }

        /// Subtracts a number that is not larger.
        fn subtract(&mut self, other: &Self) {
            let mut borrow = false;
            for (index, part) in self.0.iter_mut().enumerate() {
                let (less, first) = part.overflowing_sub(other.0.get(index).copied().unwrap_or(0));
                let (less, second) = less.overflowing_sub(u32::from(borrow));
                (*part, borrow) = (less, first || second);
            }
            while self.0.last() == Some(&0) {
                self.0.pop();
            }
        }

        fn bits(&self) -> i64 {
            let highest = self.0.last().map_or(0, |part| part.leading_zeros());
            length(self.0.len()) * 32 - i64::from(highest)
        }

        fn cmp(&self, other: &Self) -> Ordering {
            let (own, others) = (self.0.iter().rev(), other.0.iter().rev());
            self.0.len().cmp(&other.0.len()).then_with(|| own.cmp(others))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::small;

    fn check(text: &str) {
        let (own, std) = (small::parse(text), text.parse::<f64>().ok());
        assert_eq!(own.map(f64::to_bits), std.map(f64::to_bits), "{text}");
    }

    #[test]
    fn parses_edge_cases_like_std() {
        for text in [
            "0",
            "-0",
            "1",
            "+1.5",
            ".5",
            "5.",
            ".",
            "",
            "-",
            "e1",
            "1e",
            "1e+",
            "1e+5",
            "1E-5",
            "1e5.",
            "1_0",
            " 1",
            "0x1",
            "inf",
            "-Infinity",
            "nan",
            "NaN",
            "infinit",
            "1e400",
            "1e-400",
            "1e99999999999999999999",
            "0e99999999999999999999",
            "1e-99999999999999999999",
            "9007199254740993",
            "9007199254740992.5",
            "9007199254740993.0000000000000000000000001",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "0.1",
            "0.30000000000000004",
            "123456789012345678901234567890",
            "1e23",
            "8.5e22",
            "٣",
        ] {
            check(text);
        }
        for digits in [799, 800, 801, 5000] {
            let zeros = "0".repeat(digits);
            for text in [
                format!("1{zeros}"),
                format!("0.{zeros}1"),
                format!("0.{zeros}1e{digits}"),
                format!("1{zeros}e-{digits}"),
                // Half a unit in the last place, exactly and slightly more.
                format!("9007199254740993.{zeros}"),
                format!("9007199254740993.{zeros}1"),
                format!("9007199254740993.{zeros}1{zeros}"),
            ] {
                check(&text);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn parses_numbers_like_std(text in "[-+]?[0-9]{0,30}(\\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?") {
            check(&text);
        }

        #[test]
        fn round_trips_all_numbers(bits: u64) {
            let number = f64::from_bits(bits);
            check(&number.to_string());
            check(&format!("{number:e}"));
            // The middle between two adjacent floats.
            check(&format!("{number:.1100}5"));
        }

        #[test]
        fn rejects_texts_like_std(text in "[-+.eE0-9infatyINFATY]{0,9}") {
            check(&text);
        }
    }
}
