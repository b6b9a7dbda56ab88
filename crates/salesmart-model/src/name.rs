//! What tables are called: from a file's path to its layer and `schema.table`, and what a name in
//! SQL refers to.

use std::fmt;

use salesmart_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::nearest::did_you_mean;

/// A table of the warehouse, `schema.table`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TableName {
    /// The schema, such as `kpi`.
    pub schema: String,
    /// The table, such as `win_rate`.
    pub table: String,
}

impl TableName {
    /// A name from its parts.
    #[must_use]
    pub fn new(schema: impl Into<String>, table: impl Into<String>) -> Self {
        Self { schema: schema.into(), table: table.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for TableName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl std::str::FromStr for TableName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('.') {
            Some((schema, table))
                if !schema.is_empty() && !table.is_empty() && !table.contains('.') =>
            {
                Ok(Self::new(schema, table))
            }
            _ => Err(Error::configuration(format!("`{text}` is not a table name"))
                .with("expected", "`schema.table`, such as `mart.dim_rep`")),
        }
    }
}

/// What a table reference in SQL means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// A table that a model builds.
    Model(TableName),
    /// `raw.<system>.<stream>`: what the connections of a system delivered.
    Raw {
        /// The source system.
        system: String,
        /// The stream.
        stream: String,
    },
    /// `system.<table>`: what Salesmart itself provides.
    System(String),
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Relation::Model(name) => name.fmt(f),
            Relation::Raw { system, stream } => write!(f, "raw.{system}.{stream}"),
            Relation::System(table) => write!(f, "system.{table}"),
        }
    }
}

impl std::str::FromStr for Relation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            ["raw", system, stream] => {
                Ok(Relation::Raw { system: (*system).to_owned(), stream: (*stream).to_owned() })
            }
            ["system", table] => Ok(Relation::System((*table).to_owned())),
            _ => text.parse().map(Relation::Model),
        }
    }
}

/// A layer of the warehouse; each reads only what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// One table a landed stream: latest version, renamed, typed.
    Staging,
    /// Sources united, free of any CRM's names.
    Intermediate,
    /// Dimensions and facts.
    Mart,
    /// One KPI a table.
    Kpi,
    /// How deals and leads move through stages.
    Funnel,
    /// Forecasts and how good they were.
    Forecast,
    /// What the people who run this want to know.
    Ops,
}

impl Layer {
    /// Every layer, in reading order.
    pub const ALL: [Layer; 7] = [
        Layer::Staging,
        Layer::Intermediate,
        Layer::Mart,
        Layer::Kpi,
        Layer::Funnel,
        Layer::Forecast,
        Layer::Ops,
    ];

    /// The schema its tables are in.
    #[must_use]
    pub fn schema(self) -> &'static str {
        match self {
            Layer::Staging => "staging",
            Layer::Intermediate => "intermediate",
            Layer::Mart => "mart",
            Layer::Kpi => "kpi",
            Layer::Funnel => "funnel",
            Layer::Forecast => "forecast",
            Layer::Ops => "ops",
        }
    }

    /// The folder below `sql/` its files are in.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            Layer::Mart => "marts",
            Layer::Kpi => "kpis",
            other => other.schema(),
        }
    }

    /// The layer of a schema.
    #[must_use]
    pub fn of_schema(schema: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.schema() == schema)
    }

    /// Whether releases show its tables to readers.
    #[must_use]
    pub fn is_published(self) -> bool {
        !matches!(self, Layer::Staging | Layer::Intermediate)
    }

    /// Whether a model of this layer may read a relation. `system` is the model's own source
    /// system, which only staging models have.
    #[must_use]
    pub fn may_read(self, system: Option<&str>, relation: &Relation) -> bool {
        match (self, relation) {
            (Layer::Ops, _) => true,
            (Layer::Staging, Relation::Raw { system: from, .. }) => system == Some(from),
            (Layer::Staging, _) | (_, Relation::Raw { .. }) => false,
            (_, Relation::System(_)) => true,
            (_, Relation::Model(name)) => {
                let Some(from) = Layer::of_schema(&name.schema) else { return false };
                match self {
                    Layer::Intermediate => matches!(from, Layer::Staging | Layer::Intermediate),
                    Layer::Mart => matches!(from, Layer::Intermediate | Layer::Mart),
                    Layer::Forecast => {
                        matches!(from, Layer::Mart | Layer::Kpi | Layer::Funnel | Layer::Forecast)
                    }
                    // Within a family one table builds on another: the union of all KPIs, the
                    // conversion on the visits, the accuracy on the ledger.
                    _ => from == Layer::Mart || from == self,
                }
            }
        }
    }

    /// What [`Layer::may_read`] allows, in words.
    #[must_use]
    pub fn reads(self) -> &'static str {
        match self {
            Layer::Staging => "the raw tables of its own system",
            Layer::Intermediate => "staging, intermediate and system",
            Layer::Mart => "intermediate, mart and system",
            Layer::Kpi => "mart, kpi and system",
            Layer::Funnel => "mart, funnel and system",
            Layer::Forecast => "mart, kpi, funnel, forecast and system",
            Layer::Ops => "anything",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.schema())
    }
}

/// What a SQL file is, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A model.
    Model { layer: Layer, name: TableName, system: Option<String> },
    /// A SQL check, by its name without prefix.
    Check(String),
}

/// Reads a path below the project, `sql/…/….sql`.
pub(crate) fn place(path: &str) -> Result<Place> {
    let wrong = |why: &str, expected: String| {
        Err(Error::configuration(format!("`{path}` {why}")).with("expected", expected))
    };
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().unwrap_or_default();
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    let folders = parts.get(1..).unwrap_or_default();
    let Some((&top, below)) = folders.split_first() else {
        return wrong("is in no layer's folder", "`sql/<layer>/…/<model>.sql`".to_owned());
    };
    if !stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return wrong("is not a usable name", "lower-case letters, digits and `_`".to_owned());
    }
    if top == "checks" {
        return match stem.strip_prefix("check_") {
            Some(name) if !name.is_empty() => Ok(Place::Check(name.to_owned())),
            _ => wrong("is not named like a check", "`sql/checks/check_<sentence>.sql`".to_owned()),
        };
    }
    let Some(layer) = Layer::ALL.into_iter().find(|layer| layer.folder() == top) else {
        let known: Vec<&str> =
            Layer::ALL.iter().map(|layer| layer.folder()).chain(["checks"]).collect();
        let error = Error::configuration(format!("`{path}` is in no layer's folder"));
        return Err(match did_you_mean(top, known, "folders there are") {
            Some(hint) => error.with_hint(hint),
            None => error,
        });
    };
    let (table, system) = match layer {
        Layer::Staging => {
            let [system] = below else {
                return wrong(
                    "is in no system's folder",
                    "`sql/staging/<system>/stg_<system>__<object>.sql`".to_owned(),
                );
            };
            let prefix = format!("stg_{system}__");
            if !stem.starts_with(&prefix) || stem.len() == prefix.len() {
                return wrong("is not named after its system", format!("`{prefix}<object>.sql`"));
            }
            (stem, Some((*system).to_owned()))
        }
        Layer::Intermediate if stem.starts_with("int_") => (stem, None),
        Layer::Mart
            if ["dim_", "fct_", "bridge_"].iter().any(|prefix| stem.starts_with(prefix)) =>
        {
            (stem, None)
        }
        Layer::Intermediate => {
            return wrong("is not named like its layer", "`int_<thing>.sql`".to_owned());
        }
        Layer::Mart => {
            return wrong(
                "is not named like its layer",
                "`dim_<noun>.sql`, `fct_<noun>.sql` or `bridge_<noun>.sql`".to_owned(),
            );
        }
        other => match stem.strip_prefix(&format!("{}_", other.schema())) {
            Some(table) if !table.is_empty() => (table, None),
            _ => {
                return wrong(
                    "is not named like its layer",
                    format!("`{}_<name>.sql`", other.schema()),
                );
            }
        },
    };
    Ok(Place::Model { layer, name: TableName::new(layer.schema(), table), system })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(path: &str) -> String {
        match place(path).unwrap() {
            Place::Model { name, .. } => name.to_string(),
            Place::Check(name) => format!("check {name}"),
        }
    }

    #[test]
    fn a_path_says_what_the_table_is_called() {
        assert_eq!(
            name_of("sql/staging/crm_export/stg_crm_export__deals.sql"),
            "staging.stg_crm_export__deals"
        );
        assert_eq!(
            name_of("sql/intermediate/deal/int_opportunity.sql"),
            "intermediate.int_opportunity"
        );
        assert_eq!(name_of("sql/marts/core/dim_rep.sql"), "mart.dim_rep");
        assert_eq!(name_of("sql/kpis/win_rate/kpi_win_rate.sql"), "kpi.win_rate");
        assert_eq!(name_of("sql/funnel/funnel_stage_visit.sql"), "funnel.stage_visit");
        assert_eq!(name_of("sql/forecast/forecast_snapshot.sql"), "forecast.snapshot");
        assert_eq!(name_of("sql/forecast/ledger/forecast_ledger.sql"), "forecast.ledger");
        assert_eq!(name_of("sql/ops/ops_run.sql"), "ops.run");
        assert_eq!(
            name_of("sql/checks/check_a_won_deal_has_an_amount.sql"),
            "check a_won_deal_has_an_amount"
        );
    }

    #[test]
    fn a_misplaced_file_is_told_where_it_belongs() {
        for path in [
            "sql/dim_rep.sql",
            "sql/mart/core/dim_rep.sql",
            "sql/marts/core/rep.sql",
            "sql/staging/stg_crm__deals.sql",
            "sql/staging/crm/stg_hubspot__deals.sql",
            "sql/kpis/win_rate.sql",
            "sql/kpis/kpi_.sql",
            "sql/kpis/kpi_Win-Rate.sql",
        ] {
            assert!(place(path).is_err(), "{path}");
        }
        assert_eq!(
            place("sql/mart/core/dim_rep.sql").unwrap_err().hint(),
            Some("did you mean `marts`?")
        );
    }

    #[test]
    fn layers_read_only_what_stands_before_them() {
        let raw = Relation::Raw { system: "crm".into(), stream: "deals".into() };
        assert!(Layer::Staging.may_read(Some("crm"), &raw));
        assert!(!Layer::Staging.may_read(Some("other"), &raw));
        assert!(!Layer::Intermediate.may_read(None, &raw));
        assert!(Layer::Ops.may_read(None, &raw));
        let mart = Relation::Model(TableName::new("mart", "dim_rep"));
        assert!(Layer::Kpi.may_read(None, &mart));
        assert!(!Layer::Intermediate.may_read(None, &mart));
        let kpi = Relation::Model(TableName::new("kpi", "win_rate"));
        assert!(Layer::Forecast.may_read(None, &kpi));
        assert!(Layer::Kpi.may_read(None, &kpi));
        assert!(!Layer::Funnel.may_read(None, &kpi));
        assert!(!Layer::Mart.may_read(None, &kpi));
        let staging = Relation::Model(TableName::new("staging", "stg_crm__deals"));
        assert!(!Layer::Mart.may_read(None, &staging));
        assert!(!Layer::Kpi.may_read(None, &staging));
        let system = Relation::System("business".into());
        assert!(!Layer::Staging.may_read(Some("crm"), &system));
        assert!(Layer::Intermediate.may_read(None, &system));
    }
}
