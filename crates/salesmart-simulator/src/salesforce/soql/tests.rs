//! The parser against what people write, and against what nobody should.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::{Calendar, DateName, parse, pointed};

fn round_trip(text: &str) {
    let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let printed = query.to_string();
    assert_eq!(parse(&printed).unwrap(), query, "{text} → {printed}");
}

#[test]
fn reads_what_clients_send() {
    for text in [
        "SELECT Id FROM Opportunity",
        "select id, Owner.Name, Account.Owner.UserRole.Name from Opportunity",
        "SELECT COUNT() FROM Lead WHERE IsConverted = false",
        "SELECT COUNT(Id) n, MAX(SystemModstamp) FROM Opportunity GROUP BY StageName",
        "SELECT FIELDS(ALL) FROM Account LIMIT 200",
        "SELECT Id FROM Opportunity WHERE (SystemModstamp > 2026-01-01T00:00:00.000Z OR \
         (SystemModstamp = 2026-01-01T00:00:00.000+0000 AND Id > '0065i00000000AB')) \
         AND SystemModstamp <= 2026-02-01T00:00:00+02:00 ORDER BY SystemModstamp, Id LIMIT 2000",
        "SELECT Id FROM Account WHERE Name LIKE 'O\\'Neil\\\\%' AND (NOT Name = 'a') \
         AND AnnualRevenue >= -1.50 AND ParentId != null",
        "SELECT Id FROM Opportunity WHERE StageName NOT IN ('Won', 'Lost') AND CloseDate = \
         LAST_N_DAYS:30 ORDER BY Amount DESC NULLS LAST, Id ASC NULLS FIRST LIMIT 10 OFFSET 5",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE CreatedDate > 2026-01-01T00:00:00Z",
        "SELECT Id FROM A WHERE b = TODAY AND c = THIS_FISCAL_QUARTER AND d = 2026-01-31",
        "SELECT Id FROM A WHERE b LIKE '50\\%\\_x'",
    ] {
        round_trip(text);
    }
}

#[test]
fn says_where_it_stopped() {
    for (text, column, token) in [
        ("SELECT Id FRM Account", 11, "'FRM'"),
        ("SELECT FROM Account", 8, "'FROM'"),
        ("SELECT Id FROM Account WHERE", 29, "'<EOF>'"),
        ("SELECT Id FROM A WHERE a = 1 AND b = 2 OR c = 3", 40, "'OR'"),
        ("SELECT Id FROM A WHERE a = 1x", 28, "'1x'"),
        ("SELECT Id FROM A LIMIT -1", 24, "'-1'"),
        ("SELECT FOO(Id) FROM A", 8, "'FOO'"),
        ("SELECT Id FROM A HAVING x = 1", 18, "'HAVING'"),
        ("SELECT Id FROM A WHERE a = 2026-02-30", 28, "'2026-02-30'"),
        ("SELECT Id FROM A; DROP", 17, "';'"),
    ] {
        let error = parse(text).unwrap_err();
        let message = pointed(text, error.at, &error.message);
        assert!(message.contains(&format!("ERROR at Row:1:Column:{column}\n")), "{message}");
        assert!(message.ends_with(&format!("unexpected token: {token}")), "{message}");
    }
    let text = "SELECT Id\nFROM A\nWHERE a = 'x";
    let error = parse(text).unwrap_err();
    let message = pointed(text, error.at, &error.message);
    assert_eq!(
        message,
        "\nWHERE a = 'x\n          ^\nERROR at Row:3:Column:11\nstring literal is not terminated"
    );
    assert!(parse(&format!("SELECT Id FROM A WHERE {}a = 1", "(".repeat(10_000))).is_err());
    assert!(parse(&format!("SELECT Id FROM A WHERE {}a = 1", "NOT ".repeat(10_000))).is_err());
}

#[test]
fn names_of_spans_mean_their_days() {
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
    let calendar = Calendar { today: day("2026-09-30"), fiscal_start: 2 };
    for (name, count, from, to) in [
        ("TODAY", None, "2026-09-30", "2026-10-01"),
        ("yesterday", None, "2026-09-29", "2026-09-30"),
        ("TOMORROW", None, "2026-10-01", "2026-10-02"),
        ("THIS_WEEK", None, "2026-09-27", "2026-10-04"),
        ("LAST_MONTH", None, "2026-08-01", "2026-09-01"),
        ("NEXT_QUARTER", None, "2026-10-01", "2027-01-01"),
        ("THIS_YEAR", None, "2026-01-01", "2027-01-01"),
        ("THIS_FISCAL_QUARTER", None, "2026-08-01", "2026-11-01"),
        ("LAST_FISCAL_YEAR", None, "2025-02-01", "2026-02-01"),
        ("LAST_90_DAYS", None, "2026-07-02", "2026-10-01"),
        ("LAST_N_DAYS", Some(7), "2026-09-23", "2026-10-01"),
        ("NEXT_N_DAYS", Some(2), "2026-10-01", "2026-10-03"),
        ("N_DAYS_AGO", Some(3), "2026-09-27", "2026-09-28"),
        ("LAST_N_MONTHS", Some(2), "2026-07-01", "2026-09-01"),
    ] {
        let named = match count {
            None => DateName::named(name).unwrap().unwrap(),
            Some(count) => DateName::counted(name, count).unwrap(),
        };
        assert_eq!(named.days(calendar), Some((day(from), day(to))), "{name}");
    }
    assert_eq!(DateName::counted("LAST_N_YEARS", u32::MAX).unwrap().days(calendar), None);
    assert!(DateName::named("SOMETIME").is_none());
}

/// Names that are no words of the language.
fn name() -> impl Strategy<Value = String> {
    "[A-Z][a-z]{1,6}(__c)?".prop_filter("a word of the language", |name| {
        super::parse::parse(&format!("SELECT {name} FROM {name}")).is_ok()
            && !["group", "order", "offset", "asc", "desc", "limit"]
                .contains(&name.to_lowercase().as_str())
    })
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("TRUE".to_owned()),
        (-1_000_000_i64..1_000_000, 0_u32..100).prop_map(|(a, b)| format!("{a}.{b:02}")),
        "[ -~äß€]{0,12}"
            .prop_map(|text| { format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")) }),
        (2000_i32..2100, 1_u32..13, 1_u32..29).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}")),
        (2000_i32..2100, 0_u32..24).prop_map(|(y, h)| format!("{y}-02-03T{h:02}:05:06.000+01:00")),
        (1_u32..500).prop_map(|n| format!("LAST_N_DAYS:{n}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (name(), prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">=", "LIKE"]), literal())
            .prop_map(|(name, operator, literal)| format!("{name} {operator} {literal}")),
        (name(), prop::bool::ANY, prop::collection::vec(literal(), 1..4)).prop_map(
            |(name, negated, literals)| {
                let not = if negated { "NOT " } else { "" };
                format!("{name} {not}IN ({})", literals.join(", "))
            }
        ),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("(({}))", parts.join(") AND ("))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("(({}))", parts.join(") OR ("))),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(
        fields in prop::collection::vec(prop::collection::vec(name(), 1..4), 1..5),
        from in name(),
        filter in prop::option::of(condition()),
        limit in prop::option::of(0_u64..1_000_000),
    ) {
        let fields: Vec<_> = fields.iter().map(|parts| parts.join(".")).collect();
        let mut text = format!("SELECT {} FROM {from}", fields.join(","));
        if let Some(filter) = filter {
            text.push_str(&format!(" WHERE {filter}"));
        }
        if let Some(limit) = limit {
            text.push_str(&format!(" ORDER BY {} DESC LIMIT {limit}", fields[0]));
        }
        let query = parse(&text).map_err(|e| TestCaseError::fail(format!("{text}: {e:?}")))?;
        let printed = query.to_string();
        prop_assert_eq!(parse(&printed).unwrap(), query, "{} → {}", text, printed);
    }

    #[test]
    fn garbage_never_panics(text in "\\PC{0,80}") {
        if let Err(error) = parse(&text) {
            pointed(&text, error.at, &error.message);
        }
    }

    #[test]
    fn shuffled_words_never_panic(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT", "FROM", "WHERE", "(", ")", ",", "=", "'a'", "1", "Id", "AND", "OR", "NOT", "IN",
        "LIMIT", "ORDER", "BY", "COUNT", "FIELDS", "ALL", "LAST_N_DAYS", ":", ".", "null", "'", "\\",
        "2026-01-01", "-", "+1", "é",
    ]), 0..24)) {
        let text = words.join(" ");
        if let Err(error) = parse(&text) {
            pointed(&text, error.at, &error.message);
        } else {
            round_trip(&text);
        }
    }
}
