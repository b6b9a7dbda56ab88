//! Companies of at most forty deals, told in `stories/`, whose figures were worked out by hand:
//! the arithmetic stands above each expected row. Each is told to Salesforce and to HubSpot.

mod hubspot;
mod salesforce;
mod story;
mod streams;

use std::collections::BTreeMap;
use std::path::Path;

use salesmart_tests::Project;

use self::story::{Instant, Question, Story, Thing, plain};

/// How a deal stood from a moment on.
struct State {
    at: Instant,
    fields: BTreeMap<String, String>,
}

impl State {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    fn is_gone(&self) -> bool {
        self.field("gone") == "yes" || !self.field("merged").is_empty()
    }
}

fn created(deal: &Thing) -> Instant {
    story::instant(
        deal.word("created").unwrap_or_else(|| panic!("`{}` was never created", deal.name)),
    )
}

/// The states of a deal until an instant, oldest first. Chance and category follow the stage
/// unless the story says otherwise at the same moment; closing dates it, as CRMs do not.
fn states(story: &Story, deal: &Thing, now: Instant) -> Vec<State> {
    let stage = |name: &str| {
        story
            .stages
            .iter()
            .find(|stage| stage.name == name)
            .unwrap_or_else(|| panic!("no stage `{name}`"))
    };
    let follow = |fields: &mut BTreeMap<String, String>| {
        let stage = stage(fields["stage"].as_str());
        fields.insert("prob".into(), stage.chance.clone());
        fields.insert("category".into(), stage.category.clone());
    };
    let mut fields = deal.words.clone();
    follow(&mut fields);
    for own in ["prob", "category"] {
        if let Some(value) = deal.word(own) {
            fields.insert(own.into(), value.to_owned());
        }
    }
    let mut states = vec![State { at: created(deal), fields: fields.clone() }];
    for event in deal.events.iter().filter(|event| event.at <= now) {
        let value = if event.value == "none" { String::new() } else { event.value.clone() };
        fields.insert(event.field.clone(), value);
        if event.field == "stage" {
            follow(&mut fields);
        }
        match states.last_mut() {
            Some(last) if last.at == event.at => last.fields.clone_from(&fields),
            _ => states.push(State { at: event.at, fields: fields.clone() }),
        }
    }
    states
}

fn told(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/by_hand/stories");
    let text = std::fs::read_to_string(folder.join(format!("{name}.story"))).unwrap();
    let story = Story::parse(&text);
    assert!(story.deals.len() <= 40, "{} deals are too many to follow", story.deals.len());
    assert!(story.nights.iter().any(|night| !night.questions.is_empty()), "nothing is asked");
    let mut wrong = Vec::new();
    for system in &story.systems {
        wrong.extend(
            tell(&story, system).into_iter().map(|text| format!("{name}, {system}, {text}")),
        );
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Lives through the nights; what is answered wrongly.
fn tell(story: &Story, system: &str) -> Vec<String> {
    let project = Project::new();
    project.write("config/business.yml", &story.business);
    if !story.targets.is_empty() {
        project.write("config/targets.yml", &story.targets);
    }
    let mut wrong = Vec::new();
    for night in &story.nights {
        let delivery = match system {
            "salesforce" => salesforce::delivery(story, night.as_of),
            "hubspot" => hubspot::delivery(story, night.as_of),
            other => panic!("`{other}` is no system"),
        };
        delivery.write(&project, system);
        let as_of = night.as_of.to_rfc3339();
        let mut arguments = vec!["run", "crm", "--as-of", &as_of];
        arguments.extend(night.arguments.iter().map(String::as_str));
        let _ = project.salesmart(&arguments).ok();
        wrong.extend(night.questions.iter().filter_map(|question| ask(&project, question)));
    }
    wrong
}

/// What is wrong with the answer, if anything.
fn ask(project: &Project, question: &Question) -> Option<String> {
    let said = project.salesmart(&["query", &question.sql, "--format", "csv"]);
    let mut text = format!("line {}: {}\n", question.line, question.title);
    if said.code != 0 {
        text.push_str(&said.stderr);
        return Some(text);
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(said.stdout.as_bytes());
    let rows: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(plain).collect()).collect();
    if rows == question.rows {
        return None;
    }
    for row in &question.rows {
        let mark = if rows.contains(row) { ' ' } else { '-' };
        text.push_str(&format!("{mark} {}\n", row.join(" | ")));
    }
    for row in rows.iter().filter(|row| !question.rows.contains(row)) {
        text.push_str(&format!("+ {}\n", row.join(" | ")));
    }
    Some(text)
}

#[test]
fn deals_that_are_won_lost_pushed_and_reopened() {
    told("deals");
}

#[test]
fn quotas_of_who_joined_moved_left_and_shared() {
    told("quota");
}

#[test]
fn a_year_of_53_weeks() {
    told("weeks");
}

#[test]
fn what_was_forecast_and_what_came() {
    told("forecast");
}
