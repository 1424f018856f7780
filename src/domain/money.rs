//! Money as integer minor units and a currency: no floating point anywhere near a price.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An ISO 4217 code in capitals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Three ASCII letters, in either case; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphabetic).then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        // The bytes are ASCII letters by construction.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of the minor unit (ISO 4217): 0 for yen and its like, 3 for dinars, 2 otherwise.
    pub fn decimals(&self) -> u32 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
            | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a currency is three letters, such as EUR"))
    }
}

/// An amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: cents for EUR, yen for JPY.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Reads a decimal such as `12.5` in the given currency. More decimals than the currency has are cut only where
    /// they are zero. `None`: not a decimal, or out of range.
    pub fn parse(amount: &str, currency: Currency) -> Option<Self> {
        let (negative, digits) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let places = currency.decimals() as usize;
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) {
            return None;
        }
        // Digits are single bytes, so it can be cut anywhere.
        let (kept, rest) = fraction.split_at(fraction.len().min(places));
        if rest.bytes().any(|b| b != b'0') {
            return None;
        }
        let scale = 10_i64.pow(currency.decimals());
        let mut minor = whole.parse::<i64>().ok()?.checked_mul(scale)?;
        if !kept.is_empty() {
            let missing = u32::try_from(places - kept.len()).ok()?;
            minor = minor.checked_add(kept.parse::<i64>().ok()? * 10_i64.pow(missing))?;
        }
        Some(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// So many times this; `None` beyond what fits.
    pub fn times(&self, many: u32) -> Option<Self> {
        Some(Self { minor: self.minor.checked_mul(many.into())?, currency: self.currency })
    }

    /// Both together; `None` where they are of two currencies, or beyond what fits.
    pub fn plus(&self, other: Self) -> Option<Self> {
        let minor = self.minor.checked_add(other.minor).filter(|_| self.currency == other.currency)?;
        Some(Self { minor, currency: self.currency })
    }

    /// The decimal, with the currency's number of places: `12.50`.
    pub fn amount(&self) -> String {
        let places = self.currency.decimals();
        let sign = if self.minor < 0 { "-" } else { "" };
        let scale = 10_u64.pow(places);
        let (whole, fraction) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        if places == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction:0width$}", width = places as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_and_writes_decimals_exactly() {
        let eur = Currency::parse("eur").unwrap();
        let jpy = Currency::parse("JPY").unwrap();
        assert_eq!(Money::parse("12.5", eur).map(|m| m.minor), Some(1250));
        assert_eq!(Money::parse("-0.05", eur).map(|m| m.amount()), Some("-0.05".into()));
        assert_eq!(Money::parse("800.0", jpy).map(|m| m.amount()), Some("800".into()));
        let one = Money { minor: 1, currency: eur };
        assert_eq!(one.plus(one).map(|sum| sum.minor), Some(2));
        assert_eq!(one.plus(Money { minor: i64::MAX, currency: eur }), None);
        assert_eq!(one.plus(Money { minor: 1, currency: jpy }), None);
        assert_eq!(Money::parse("1.234", eur), None);
        assert_eq!(Money::parse("1e3", eur), None);
        assert_eq!(Money::parse("99999999999999999999", eur), None);
        // A character over the place at which decimals are cut.
        for text in ["1.1é", "1.é", "1.1€", ".", "-", "1.", "１.5"] {
            assert_eq!(
                Money::parse(text, eur),
                (text == "1.").then_some(Money { minor: 100, currency: eur }),
                "{text}"
            );
        }
    }
}
