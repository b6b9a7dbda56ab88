//! Reading a story: a company small enough to be worked out by hand, its nights, and what must be
//! published after each.
//!
//! ```text
//! stage Proposal open 0.50 best_case            name, type, chance, forecast category
//! team Blue region North
//! rep Ann team Blue from 2026-02-01             events below: `2026-03-16 team Red`
//! deal D1 owner Ann stage Proposal amount 100 close 2026-03-31 created 2026-02-03
//!   2026-02-20 amount 120
//! night 2026-03-31
//! ask who won
//!   # the arithmetic
//!   | select …
//!   Ann | 120
//! ```

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

pub(super) type Instant = DateTime<Utc>;

/// The words of a line, in pairs: `owner Ann stage Proposal`.
pub(super) type Words = BTreeMap<String, String>;

pub(super) struct Stage {
    pub(super) name: String,
    /// `open`, `won` or `lost`.
    pub(super) kind: String,
    /// A fraction.
    pub(super) chance: String,
    /// omitted, pipeline, best_case, most_likely, commit or closed.
    pub(super) category: String,
}

/// A change of a rep or a deal: when, which field, and its new value.
pub(super) struct Event {
    pub(super) at: Instant,
    pub(super) field: String,
    pub(super) value: String,
}

pub(super) struct Thing {
    pub(super) name: String,
    pub(super) words: Words,
    /// Dated ones, oldest first.
    pub(super) events: Vec<Event>,
    /// Undated ones: `split Ann 0.6 Ben 0.4`, `overlay Cid 0.5`.
    pub(super) shares: Vec<(String, String, String)>,
}

impl Thing {
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.words.get(name).map(String::as_str)
    }

    /// A field's value at an instant.
    pub(super) fn at(&self, field: &str, now: Instant) -> Option<&str> {
        let changed = self.events.iter().rfind(|event| event.field == field && event.at <= now);
        changed.map(|event| event.value.as_str()).or_else(|| self.word(field))
    }

    /// The newest change until an instant.
    pub(super) fn modified(&self, now: Instant) -> Option<Instant> {
        self.events.iter().map(|event| event.at).filter(|at| *at <= now).max()
    }
}

/// Something to be looked at after a night.
pub(super) struct Question {
    pub(super) line: usize,
    pub(super) title: String,
    pub(super) sql: String,
    /// Rows with their columns as text, numbers without needless zeros, `∅` for null.
    pub(super) rows: Vec<Vec<String>>,
}

pub(super) struct Night {
    pub(super) as_of: Instant,
    /// Further arguments of the run.
    pub(super) arguments: Vec<String>,
    pub(super) questions: Vec<Question>,
}

#[derive(Default)]
pub(super) struct Story {
    /// `config/business.yml`, `config/targets.yml`, as they are.
    pub(super) business: String,
    pub(super) targets: String,
    /// The systems it is told in; by default both.
    pub(super) systems: Vec<String>,
    pub(super) stages: Vec<Stage>,
    /// Team and region.
    pub(super) teams: Vec<(String, String)>,
    pub(super) reps: Vec<Thing>,
    /// Currency, first day, units for one dollar.
    pub(super) rates: Vec<(String, NaiveDate, String)>,
    /// Whose, first of the month, how much, currency.
    pub(super) quotas: Vec<(String, NaiveDate, String, Option<String>)>,
    pub(super) deals: Vec<Thing>,
    pub(super) nights: Vec<Night>,
}

/// `2026-02-03` is noon of that day, `2026-02-03T10:00` that minute.
pub(super) fn instant(text: &str) -> Instant {
    let full = match text.len() {
        10 => format!("{text}T12:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => text.to_owned(),
    };
    full.parse().unwrap_or_else(|e| panic!("`{text}` is no instant: {e}"))
}

fn pairs(words: &[&str]) -> Words {
    words.chunks(2).map(|pair| (pair[0].to_owned(), pair[1..].join(" "))).collect()
}

impl Story {
    pub(super) fn parse(text: &str) -> Self {
        let mut story =
            Self { systems: vec!["salesforce".into(), "hubspot".into()], ..Self::default() };
        // What indented lines belong to.
        let mut below = String::new();
        for (index, line) in text.lines().enumerate() {
            let is_indented = line.starts_with(' ');
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if is_indented {
                story.indented(&below, line, index + 1);
            } else {
                line.split_whitespace().next().unwrap_or_default().clone_into(&mut below);
                story.line(line, index + 1);
            }
        }
        for thing in story.deals.iter_mut().chain(&mut story.reps) {
            thing.events.sort_by_key(|event| event.at);
        }
        story
    }

    fn line(&mut self, line: &str, number: usize) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let word = |place: usize| words[place].to_owned();
        let thing = |words: &[&str]| Thing {
            name: words[1].to_owned(),
            words: pairs(&words[2..]),
            events: Vec::new(),
            shares: Vec::new(),
        };
        match words[0] {
            "business" | "targets" => {}
            "systems" => self.systems = words[1..].iter().map(|name| (*name).to_owned()).collect(),
            "stage" => self.stages.push(Stage {
                name: word(1),
                kind: word(2),
                chance: word(3),
                category: word(4),
            }),
            "team" => self.teams.push((word(1), word(3))),
            "rep" => self.reps.push(thing(&words)),
            "rate" => self.rates.push((word(1), words[2].parse().unwrap(), word(3))),
            "quota" => self.quotas.push((
                word(1),
                format!("{}-01", words[2]).parse().unwrap(),
                word(3),
                words.get(4).map(|currency| (*currency).to_owned()),
            )),
            "deal" => self.deals.push(thing(&words)),
            "night" => self.nights.push(Night {
                as_of: match words[1].len() {
                    10 => instant(words[1]) + TimeDelta::seconds(12 * 3600 - 1),
                    _ => instant(words[1]),
                },
                arguments: words[2..].iter().map(|word| (*word).to_owned()).collect(),
                questions: Vec::new(),
            }),
            "ask" => self.nights.last_mut().unwrap().questions.push(Question {
                line: number,
                title: words[1..].join(" "),
                sql: String::new(),
                rows: Vec::new(),
            }),
            other => panic!("line {number}: `{other}` begins no line of a story"),
        }
    }

    fn indented(&mut self, below: &str, line: &str, number: usize) {
        match below {
            "business" => self.business.push_str(&format!("{line}\n")),
            "targets" => self.targets.push_str(&format!("{line}\n")),
            "rep" => self.reps.last_mut().unwrap().happens(line),
            "deal" => self.deals.last_mut().unwrap().happens(line),
            "ask" => {
                let question =
                    self.nights.last_mut().and_then(|night| night.questions.last_mut()).unwrap();
                match line.strip_prefix("| ") {
                    Some(sql) => question.sql.push_str(&format!("{sql} ")),
                    None => {
                        let cells = line.split('|').map(|cell| plain(cell.trim())).collect();
                        question.rows.push(cells);
                    }
                }
            }
            other => panic!("line {number}: nothing is indented below `{other}`"),
        }
    }
}

impl Thing {
    fn happens(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let kind @ ("split" | "overlay") = words[0] {
            for pair in words[1..].chunks(2) {
                self.shares.push((kind.to_owned(), pair[0].to_owned(), pair[1].to_owned()));
            }
            return;
        }
        // One moment may change several fields: `2026-02-10 stage Won amount 120`.
        for pair in words[1..].chunks(2) {
            self.events.push(Event {
                at: instant(words[0]),
                field: pair[0].to_owned(),
                value: pair[1..].join(" "),
            });
        }
    }
}

/// A number without needless zeros; anything else as it is, and null as `∅`.
pub(super) fn plain(text: &str) -> String {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_decimal = digits.split_once('.').is_some_and(|(whole, part)| {
        !whole.is_empty()
            && whole.bytes().all(|byte| byte.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    match text {
        "" => "∅".to_owned(),
        _ if is_decimal => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => text.to_owned(),
    }
}
