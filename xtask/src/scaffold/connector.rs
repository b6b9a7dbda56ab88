//! A connector's folder: the same rooms in every one, so that knowing one is knowing all.

use crate::failure::Failure;

/// Where each template goes; `{{name}}` and `{{Type}}` are replaced in both.
const FILES: [(&str, &str); 8] = [
    ("{{folder}}/README.md", include_str!("templates/connector_readme.md.txt")),
    ("{{folder}}/mod.rs", include_str!("templates/connector_mod.rs.txt")),
    ("{{folder}}/config.rs", include_str!("templates/connector_config.rs.txt")),
    ("{{folder}}/client.rs", include_str!("templates/connector_client.rs.txt")),
    ("{{folder}}/streams/mod.rs", include_str!("templates/connector_streams.rs.txt")),
    ("{{folder}}/example.yml", include_str!("templates/connector_example.yml.txt")),
    ("{{folder}}/tests.rs", include_str!("templates/connector_tests.rs.txt")),
    ("sql/staging/{{name}}/stg_{{name}}__records.sql", include_str!("templates/staging.sql.txt")),
];

/// Writes the folder of a new connector.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let name = super::only(arguments, "cargo xtask new-connector NAME")?;
    if !super::is_plain_name(name) {
        return Err(Failure::new(format!("`{name}` cannot name a connector"))
            .hint("use lowercase letters, digits and `_`, beginning with a letter"));
    }
    super::write_new(&files(name))?;
    println!(
        "\nnext:\n  \
         1. add `mod {name};` and `{name}::KIND` to all() in crates/salesmart-connectors/src/lib.rs\n  \
         2. write client.rs against the system's own documentation, then streams/\n  \
         3. give the simulator its wire, so that the conformance suite can run\n  \
         4. rename the staging model after what the stream holds\n\
         CONTRIBUTING.md has each step in full"
    );
    Ok(())
}

fn files(name: &str) -> Vec<(String, String)> {
    let fill = |text: &str| {
        text.replace("{{folder}}", &format!("crates/salesmart-connectors/src/{name}"))
            .replace("{{name}}", name)
            .replace("{{Type}}", &camel_case(name))
    };
    FILES.iter().map(|(path, text)| (fill(path), fill(text))).collect()
}

/// `google_calendar` → `GoogleCalendar`.
fn camel_case(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_filled() {
        for (path, text) in files("google_calendar") {
            assert!(!path.contains("{{") && !text.contains("{{"), "{path}");
        }
        assert_eq!(camel_case("google_calendar"), "GoogleCalendar");
    }
}
