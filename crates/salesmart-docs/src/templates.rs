//! The pages' templates. What they are given is escaped, unless it was made as HTML here.

use minijinja::{Environment, Value};
use salesmart_core::{Error, Result};
use serde::Serialize;

use crate::wording;

const TEMPLATES: [(&str, &str); 9] = [
    ("layout.html", include_str!("../templates/layout.html")),
    ("parts.html", include_str!("../templates/parts.html")),
    ("home.html", include_str!("../templates/home.html")),
    ("metrics.html", include_str!("../templates/metrics.html")),
    ("metric.html", include_str!("../templates/metric.html")),
    ("tables.html", include_str!("../templates/tables.html")),
    ("table.html", include_str!("../templates/table.html")),
    ("lineage.html", include_str!("../templates/lineage.html")),
    ("runs.html", include_str!("../templates/runs.html")),
];

/// The templates, read once.
pub(crate) struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// Reads them.
    ///
    /// # Errors
    /// A bug, when one of them is wrong.
    pub(crate) fn new() -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
        environment.add_filter("thousands", |value: &Value| wording::thousands(&value.to_string()));
        environment.add_filter("address", |value: &Value| wording::address(&value.to_string()));
        environment
            .add_filter("instant", |value: &Value| wording::instant_text(&value.to_string()));
        // As the built-in one, but a `/` stays a `/`: most of what is written is links.
        environment.set_formatter(|out, _, value| {
            if value.is_undefined() {
                return Err(minijinja::ErrorKind::UndefinedError.into());
            }
            let text = value.to_string();
            let text = if value.is_safe() { text } else { wording::escaped(&text) };
            out.write_str(&text).map_err(minijinja::Error::from)
        });
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).map_err(|e| {
                Error::bug(format!("the template `{name}` is wrong")).with_source(e)
            })?;
        }
        Ok(Self { environment })
    }

    /// One page.
    ///
    /// # Errors
    /// A bug, when template and data do not fit.
    pub(crate) fn render<T: Serialize>(&self, name: &str, data: &T) -> Result<String> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(data))
            .map_err(|e| Error::bug(format!("a page of `{name}` cannot be written")).with_source(e))
    }
}
