//! docker/: what can be known of it without a container engine. `containers.py` looks at the files
//! and runs the scripts; here the project is checked, and the questions of the dashboard are asked.

use std::process::Command;

use salesmart_tests::{Said, binary, repository, said};

use super::site::demo;

fn look(what: &str) -> Said {
    let python = std::env::var_os("SALESMART_TEST_PYTHON").expect(
        "SALESMART_TEST_PYTHON is the Python that has PyYAML and dockerfile-parse: run the tests with `cargo xtask test`",
    );
    let root = repository();
    said(Command::new(python).arg(root.join("tests/docs/containers.py")).arg(root).arg(what)).ok()
}

#[test]
fn the_compose_file_names_only_what_is_there_and_opens_nothing() {
    let _ = look("compose");
}

#[test]
fn the_image_is_built_from_what_is_there_and_runs_as_nobody_special() {
    let _ = look("image");
}

#[test]
fn the_scripts_make_secrets_once_and_hand_them_over() {
    let _ = look("scripts");
}

#[test]
fn metabase_is_set_up_once() {
    let _ = look("metabase");
}

#[test]
fn the_scripts_are_sound() {
    let docker = repository().join("docker");
    let scripts = ["setup.sh", "entrypoint.sh", "healthy.sh", "nightly.sh", "postgres/roles.sh"]
        .map(|name| docker.join(name));
    let checked = Command::new("shellcheck")
        .args(&scripts)
        .output()
        .expect("shellcheck is installed by `cargo xtask test`");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn the_project_in_the_containers_has_no_mistake() {
    let project = repository().join("docker/project");
    let secrets = tempfile::tempdir().unwrap();
    let secret = secrets.path().join("password");
    std::fs::write(&secret, "of this test").unwrap();
    let mut command = Command::new(binary());
    command.env("WAREHOUSE_PASSWORD_FILE", &secret).env("READER_PASSWORD_FILE", &secret);
    command
        .arg("--project")
        .arg(&project)
        .arg("check")
        .env_remove("SALESMART_LAKE")
        .env("NO_COLOR", "1");
    let said = said(&mut command).ok();
    assert!(said.stdout.contains("1 pipeline, 1 connection"), "{}", said.stdout);
}

#[test]
fn the_questions_of_the_dashboard_have_answers() {
    let questions: serde_json::Value = serde_json::from_str(&look("questions").stdout).unwrap();
    let questions = questions.as_array().unwrap();
    assert!(questions.len() >= 6);
    for question in questions {
        let name = &question["name"];
        let sql = question["sql"].as_str().unwrap();
        let rows = demo().salesmart(&["query", sql, "--format", "csv"]).ok().rows();
        assert!(!rows.is_empty(), "{name} has no answer");
        for column in question["columns"].as_array().unwrap() {
            let column = column.as_str().unwrap();
            assert!(
                rows.iter().any(|row| !row[column].is_empty()),
                "{name}: {column} is always null"
            );
        }
    }
}
