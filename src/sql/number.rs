//! Numbers as people write them, compared without rounding: `7.0` is `07`, `1.00000000000000001` is not `1`.

/// A decimal number: 0.DIGITS times ten to the power of its exponent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Without zeros at either end; none at all for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// A number and nothing else, blanks around it excepted.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let zeros = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').to_owned();
        let exponent = i64::from(exponent) + whole.len() as i64 - zeros as i64;
        Some(if digits.is_empty() {
            Decimal { negative: false, digits, exponent: 0 }
        } else {
            Decimal { negative: text.starts_with('-'), digits, exponent }
        })
    }

    /// A whole number of no more digits than any integer has, in its shortest spelling.
    pub(super) fn integer(&self) -> Option<String> {
        const MOST: i64 = 20;
        if self.digits.is_empty() {
            return Some("0".into());
        }
        let zeros = self.exponent - self.digits.len() as i64;
        if zeros < 0 || self.exponent > MOST {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        Some(format!("{sign}{}{}", self.digits, "0".repeat(zeros as usize)))
    }

    /// A floating-point number of 64 bits is written so, in the fewest digits that tell it from all others.
    pub(super) fn is_double(&self) -> bool {
        let number = self.text().parse::<f64>().unwrap_or(f64::NAN);
        number.is_finite() && Decimal::parse(&format!("{number:e}")).as_ref() == Some(self)
    }

    /// The same of 32 bits.
    pub(super) fn is_float(&self) -> bool {
        let number = self.text().parse::<f32>().unwrap_or(f32::NAN);
        number.is_finite() && Decimal::parse(&format!("{number:e}")).as_ref() == Some(self)
    }

    /// How many digits it has before and behind the point.
    pub(super) fn places(&self) -> (i64, i64) {
        (self.exponent.max(0), (self.digits.len() as i64 - self.exponent).max(0))
    }

    fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}0.{}e{}", self.digits, self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_that_number() {
        let number = |text: &str| Decimal::parse(text).unwrap();
        for same in ["7", "07", " 7 ", "7.0", "+7", "0.7e1", "70E-1", "7."] {
            assert_eq!(number(same), number("7"), "{same}");
            assert_eq!(number(same).integer().as_deref(), Some("7"));
        }
        assert_eq!(number("-0.00"), number("0"));
        assert_eq!(number("-120").integer().as_deref(), Some("-120"));
        assert_ne!(number("1.00000000000000001"), number("1"));
        assert_eq!(number("0.5").integer(), None);
        assert_eq!(number("1e300").integer(), None);
        for none in ["", "x", "7abc", "0x7", "1_000", "inf", "NaN", "--7", "e5", ".", "7 7"] {
            assert_eq!(Decimal::parse(none), None, "{none}");
        }
    }

    #[test]
    fn a_float_is_written_in_its_fewest_digits_or_is_none() {
        let double = |text: &str| Decimal::parse(text).unwrap().is_double();
        assert!(double("0.1") && double("1e20") && double("0") && double("-2.5"));
        assert!(double("9007199254740992") && !double("9007199254740993"));
        assert!(!double("1.00000000000000001") && !double("1e999"));
        let float = |text: &str| Decimal::parse(text).unwrap().is_float();
        assert!(float("0.1") && !float("16777217"));
        assert_eq!(Decimal::parse("12.345").unwrap().places(), (2, 3));
        assert_eq!(Decimal::parse("0.001").unwrap().places(), (0, 3));
    }
}
