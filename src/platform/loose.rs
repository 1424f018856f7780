//! JSON read loosely: what other programs write of one thing in several ways, read as one. Ids as numbers or text, money
//! as decimals or floats, moments as text or as seconds, milliseconds or microseconds. What cannot be read is missing,
//! never a guess; nothing here panics, whatever the value.

use crate::domain::money::{Currency, Money};
use jiff::Timestamp;
use serde_json::Value;

/// The longest id that is one, in bytes.
const LONGEST: usize = 255;

/// An id: a whole number or a text of 1 to 255 bytes without control characters.
pub fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        // Some clients write whole numbers as floats.
        Value::Number(number) => {
            number.as_f64().filter(|id| id.fract() == 0.0 && id.abs() < 9e15).map(|id| format!("{id:.0}"))
        }
        Value::String(text) => {
            let text = text.trim();
            let fits = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
            fits.then(|| text.to_owned())
        }
        _ => None,
    }
}

/// The first of these members that holds an id.
pub fn first_id(object: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| object.get(name).and_then(id))
}

/// The first of these members that holds a text with something in it.
pub fn first_text<'a>(object: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| object.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty()))
}

/// RFC 2822, whatever day of the week it claims.
static MAIL: jiff::fmt::rfc2822::DateTimeParser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);

/// A moment: RFC 3339, or a number since 1970 whose size says of what.
pub fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => moment_of(text.trim()),
        Value::Number(number) => since_1970(number.as_f64()?),
        _ => None,
    }
}

/// The same of a text: RFC 3339, without a zone taken as UTC, RFC 2822, or digits.
pub fn moment_of(text: &str) -> Option<Timestamp> {
    if text.len() > 64 {
        return None;
    }
    let written = text.parse::<Timestamp>().ok();
    let digits = || text.parse::<f64>().ok().filter(|_| !text.is_empty()).and_then(since_1970);
    let local = || {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        local.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    let mail = || MAIL.parse_timestamp(text).ok();
    written.or_else(digits).or_else(local).or_else(mail)
}

/// Seconds, milliseconds, microseconds or nanoseconds, by how many there are: no event is older than 1973 or of a year
/// beyond 5000.
fn since_1970(number: f64) -> Option<Timestamp> {
    let milliseconds = match number.abs() {
        size if !size.is_finite() || size < 1e8 => return None,
        size if size < 1e11 => number * 1e3,
        size if size < 1e14 => number,
        size if size < 1e17 => number / 1e3,
        size if size < 1e20 => number / 1e6,
        _ => return None,
    };
    // Within ±10¹⁴ by the arms above: exact in an i64.
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the arms above")]
    Timestamp::from_millisecond(milliseconds as i64).ok()
}

/// Money: a decimal as text or number; beyond the currency's places it is rounded, as a float is never exact. `None`: no
/// amount, or one that is not finite or beyond what fits.
pub fn money(value: &Value, currency: Currency) -> Option<Money> {
    let number = match value {
        Value::String(text) => {
            let text = text.trim();
            if let Some(exact) = Money::parse(text, currency) {
                return Some(exact);
            }
            text.parse::<f64>().ok()?
        }
        Value::Number(number) => number.as_f64()?,
        _ => return None,
    };
    if !number.is_finite() || number.abs() > 1e12 {
        return None;
    }
    Money::parse(&format!("{number:.*}", currency.decimals() as usize), currency)
}

/// A currency among these members.
pub fn currency(object: &Value, names: &[&str]) -> Option<Currency> {
    first_text(object, names).and_then(Currency::parse)
}

/// How many: at least 1, and 1 where nothing is said.
pub fn quantity(value: Option<&Value>) -> u32 {
    let number = match value {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    // Compared before it is cut: the largest is what an event may hold.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 1,000,000")]
    number.filter(|number| (1.0..=1_000_000.0).contains(number)).map_or(1, |number| number as u32)
}

/// The words of a text in HTML without its marks, at most so many characters.
pub fn words(html: &str, most: usize) -> String {
    let mut words = String::new();
    let mut within = false;
    for character in html.chars() {
        match character {
            '<' => {
                within = true;
                words.push(' ');
            }
            '>' if within => within = false,
            character if !within => words.push(character),
            _ => {}
        }
    }
    let plain = words.replace("&nbsp;", " ").replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'");
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_are_numbers_or_texts_and_nothing_else() {
        assert_eq!(id(&json!(788_032_119_674_292_922_u64)).as_deref(), Some("788032119674292922"));
        assert_eq!(id(&json!(12.0)).as_deref(), Some("12"));
        assert_eq!(id(&json!(" gid://shopify/Product/1 ")).as_deref(), Some("gid://shopify/Product/1"));
        for none in [json!(null), json!(""), json!("a\nb"), json!("x".repeat(256)), json!([1]), json!({}), json!(1.5)] {
            assert_eq!(id(&none), None, "{none}");
        }
    }

    #[test]
    fn one_moment_written_in_many_ways_is_one_moment() {
        let second = 1_767_323_045;
        for told in [
            json!("2026-01-02T03:04:05Z"),
            json!("2026-01-02T04:04:05+01:00"),
            json!("2026-01-01T22:04:05.000-05:00"),
            json!("2026-01-02 03:04:05"),
            json!("1767323045000"),
            json!(1_767_323_045),
            json!(1_767_323_045_000_u64),
            json!(1_767_323_045_000_000_u64),
        ] {
            assert_eq!(moment(&told).map(|at| at.as_second()), Some(second), "{told}");
        }
        for none in [json!(""), json!("soon"), json!(0), json!(1e300), json!(true), json!("9".repeat(100))] {
            assert_eq!(moment(&none), None, "{none}");
        }
    }

    #[test]
    fn money_is_read_from_decimals_and_floats() {
        let eur = Currency::parse("EUR").unwrap();
        let jpy = Currency::parse("JPY").unwrap();
        for (told, currency, minor) in [
            (json!("19.99"), eur, Some(1999)),
            (json!(19.99), eur, Some(1999)),
            (json!(0.1 + 0.2), eur, Some(30)),
            (json!("19.999"), eur, Some(2000)),
            (json!(1200), jpy, Some(1200)),
            (json!("-5.00"), eur, Some(-500)),
            (json!("1e400"), eur, None),
            (json!("free"), eur, None),
            (json!(null), eur, None),
        ] {
            assert_eq!(money(&told, currency).map(|money| money.minor), minor, "{told}");
        }
    }

    #[test]
    fn a_quantity_is_at_least_one() {
        for (told, many) in
            [(json!(3), 3), (json!("2"), 2), (json!(0), 1), (json!(-4), 1), (json!(1e12), 1), (json!([]), 1)]
        {
            assert_eq!(quantity(Some(&told)), many, "{told}");
        }
        assert_eq!(quantity(None), 1);
    }
}
