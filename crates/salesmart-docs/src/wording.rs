//! How numbers, instants and names read on pages.

use chrono::{DateTime, Utc};

/// A name as a file's name: what is not a small letter, a digit, `_`, `-` or `.` is written as
/// `~` and its hex, so that two names never become one file, on no file system.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => slug.push(char::from(byte)),
            // Neither hidden nor a way up.
            b'.' if !slug.is_empty() && !slug.ends_with('.') => slug.push('.'),
            other => slug.push_str(&format!("~{other:02x}")),
        }
    }
    slug
}

/// A word as a part of an address takes it.
pub(crate) fn address(word: &str) -> String {
    let mut address = String::with_capacity(word.len());
    for byte in word.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
                address.push(char::from(byte));
            }
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address
}

/// The page of a table, from the top of the site.
pub(crate) fn table_href(name: &str) -> String {
    format!("table/{}.html", slug(name))
}

/// The page of a metric, from the top of the site.
pub(crate) fn metric_href(id: &str) -> String {
    format!("metric/{}.html", slug(id))
}

/// Where a column stands on its table's page.
pub(crate) fn column_anchor(column: &str) -> String {
    format!("column-{}", slug(column))
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("−", rest),
        None => ("", digits),
    };
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}")
}

/// A decimal's text rounded half away from zero to so many places, with thousands set apart.
/// What is no plain decimal is given back as it is.
pub(crate) fn decimal(text: &str, places: usize) -> String {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return text.to_owned();
    }
    let mut digits: Vec<u8> = whole.bytes().collect();
    digits.extend(fraction.bytes().chain(std::iter::repeat(b'0')).take(places));
    if fraction.as_bytes().get(places).is_some_and(|next| *next >= b'5') {
        round_up(&mut digits);
    }
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let (whole, fraction) = (text_of(whole), text_of(fraction));
    let nothing = digits.iter().all(|digit| *digit == b'0');
    let whole = thousands(&format!("{}{whole}", if nothing { "" } else { sign }));
    if places == 0 { whole } else { format!("{whole}.{fraction}") }
}

fn text_of(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn round_up(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return;
        }
    }
    digits.insert(0, b'1');
}

/// A ratio's text in percent: `0.407` as `40.7 %`.
pub(crate) fn percent(text: &str) -> String {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let fraction = format!("{fraction:0<2}");
    let (up, down) = fraction.split_at(2);
    let moved = format!("{whole}{up}");
    let moved = moved.trim_start_matches('0');
    let moved = if moved.is_empty() { "0" } else { moved };
    format!("{} %", decimal(&format!("{sign}{moved}.{down}"), 1))
}

/// A figure as people write it in its unit.
pub(crate) fn figure(value: &str, unit: &str) -> String {
    match unit {
        "ratio" => percent(value),
        "days" | "hours" => format!("{} {unit}", decimal(value, 1)),
        "reporting currency" => decimal(value, 0),
        _ if unit.starts_with("reporting currency") => decimal(value, 0),
        _ => {
            let text = decimal(value, 2);
            text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
        }
    }
}

/// An instant for reading.
pub(crate) fn instant(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// An instant as the engine writes it, for reading.
pub(crate) fn instant_text(text: &str) -> String {
    DateTime::parse_from_rfc3339(text)
        .map_or_else(|_| text.to_owned(), |parsed| instant(parsed.with_timezone(&Utc)))
}

/// The seconds between two instants as the engine writes them.
pub(crate) fn seconds_between(from: &str, to: &str) -> Option<String> {
    let parse = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let tenths = (parse(to)? - parse(from)?).num_milliseconds() / 100;
    Some(format!("{}.{} s", tenths / 10, tenths % 10))
}

/// Text that may stand in HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_read_as_people_write_them() {
        let cases = [
            ("0.407000", "ratio", "40.7 %"),
            ("1", "ratio", "100.0 %"),
            ("-0.0249", "ratio", "−2.5 %"),
            ("0.00049", "ratio", "0.0 %"),
            ("3729919.500000", "reporting currency", "3,729,920"),
            ("-1234.4", "reporting currency per day", "−1,234"),
            ("42.000000", "days", "42.0 days"),
            ("0.96", "hours", "1.0 hours"),
            ("12.000000", "meetings", "12"),
            ("1.255", "pushes", "1.26"),
            ("none", "ratio", "none %"),
        ];
        for (value, unit, expected) in cases {
            if value == "none" {
                assert_eq!(decimal(value, 2), "none");
            } else {
                assert_eq!(figure(value, unit), expected, "{value} {unit}");
            }
        }
    }

    #[test]
    fn names_become_files_of_their_own() {
        assert_eq!(slug("kpi.win_rate"), "kpi.win_rate");
        assert_eq!(slug("../Deal"), "~2e.~2f~44eal");
        assert_eq!(slug("a..b"), "a.~2eb");
        assert_ne!(slug("Deal"), slug("deal"));
    }

    proptest! {
        #[test]
        fn a_slug_is_a_plain_file_name_and_tells_names_apart(a in ".{0,12}", b in ".{0,12}") {
            let plain = |text: &str| text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.~".contains(&byte)
            });
            prop_assert!(plain(&slug(&a)), "{}", slug(&a));
            prop_assert!(!slug(&a).starts_with('.') && !slug(&a).contains(".."));
            prop_assert_eq!(a == b, slug(&a) == slug(&b));
        }

        #[test]
        fn decimals_round_as_arithmetic_does(value in -1_000_000_000i64..1_000_000_000) {
            let text = format!(
                "{}{}.{:06}",
                if value < 0 { "-" } else { "" },
                value.abs() / 1_000_000,
                value.abs() % 1_000_000
            );
            let cents = (value.abs() + 5_000) / 10_000;
            let sign = if value < 0 && cents > 0 { "−" } else { "" };
            let expected = format!("{sign}{}.{:02}", cents / 100, cents % 100);
            prop_assert_eq!(decimal(&text, 2).replace(',', ""), expected);
        }
    }
}
