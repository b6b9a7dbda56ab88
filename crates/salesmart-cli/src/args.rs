//! The command line.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::commands;
use crate::logging::LogFormat;
use crate::style::ColorChoice;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER_HELP: &str = "\
Try `salesmart demo`, or `salesmart init acme` for a project of your own.
`--help` says more than `-h`, for each command too.";

const AFTER_LONG_HELP: &str = "\
Examples:
  salesmart demo                              a made-up company, from its CRM to its KPIs
  salesmart init acme && cd acme              a project that works at once
  salesmart check                             every mistake that can be known without running
  salesmart run crm-export                    extract, land, model, publish
  salesmart query \"select * from kpi.win_rate where period_grain = 'year'\"
  salesmart explain win_rate_count --period FY26Q3
  salesmart runs show last                    what the last run did, row by row
  salesmart releases roll-back r000041        readers see that one again

A project is a folder:
  pipelines/*.yml       one pipeline a file: where rows come from, what they look like
  config/business.yml   the company: currency, time zone, fiscal year, holidays, forecast
  config/targets.yml    what it means to reach: targets for any metric
  config/lake.yml       where the lake is; `--lake` and SALESMART_LAKE come before it
  config/serve.yml      who may read releases over the network, where, and how much
  sql/                  models that are added to those in the binary, or replace one of them

Environment:
  SALESMART_PROJECT  the project folder, as --project
  SALESMART_LAKE     the lake, as --lake
  SALESMART_LOG      what is logged, such as `salesmart_land=debug`; comes before -v and -q
  NO_COLOR           no colour, if set

Exit codes:
    0  done
    1  bug                 something that cannot happen did; please report it
    2  the command line cannot be read
    3  configuration       a file, a model, an argument or the environment must be changed
    4  permission          the source or the store refused who we are or what we may do
    5  source_unavailable  the source or the store did not answer; try again later
    6  schema_changed      the source no longer delivers the declared shape
    7  check_failed        too many rows were rejected, or a data check failed
    8  target_refused      a publish target did not take the release
    9  lease_held          another run of this pipeline is at work
   10  partial             some streams failed, the rest landed
   11  quota_exhausted     a source's quota, or our share of it, is used up; the next run goes on
  130  interrupted         it was asked to stop

Data goes to standard output, everything else to standard error.";

/// Turns what a CRM knows into sales figures that hold.
#[derive(Parser, Debug)]
#[command(
    name = "salesmart",
    version,
    styles = STYLES,
    about = "Turns what a CRM knows into sales figures that hold",
    long_about = "Turns what a CRM knows into sales figures that hold.\n\n\
        One straight line: rows are extracted from their source, landed in a lake that forgets \
        nothing, modelled with plain SQL, and published together as one release.",
    after_help = AFTER_HELP,
    after_long_help = AFTER_LONG_HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What every command knows.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The project folder [default: this folder or the nearest above it with a `pipelines/`]
    #[arg(long, global = true, value_name = "DIR", env = "SALESMART_PROJECT", hide_env = true)]
    pub project: Option<PathBuf>,
    /// The lake: a folder, or a file://, s3://, gs:// or az:// URL [default: of config/lake.yml]
    #[arg(long, global = true, value_name = "URL", env = "SALESMART_LAKE", hide_env = true)]
    pub lake: Option<String>,
    /// Sets a variable that files use as ${NAME}; comes before the environment
    #[arg(long = "set", global = true, value_name = "NAME=VALUE")]
    pub assignments: Vec<String>,
    /// How log lines and progress are written to standard error
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub log_format: LogFormat,
    /// Log more; twice for much more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Log only errors, and show no progress
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub quiet: u8,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorChoice,
}

/// The commands, in the order a newcomer meets them.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show it all on a made-up company, in seconds
    ///
    /// Serves the Salesforce of a company that never was over HTTP on this machine, runs the whole line
    /// on it and prints what a sales leader asks for. Needs no account and no network.
    Demo(commands::demo::Demo),
    /// Make a project folder that works at once
    ///
    /// A pipeline, the configuration, a model of its own, and sample data to run it on.
    Init(commands::init::Init),
    /// Find every mistake in the project without running anything
    ///
    /// Unknown keys, missing files, SQL that does not plan, columns that do not exist, types that
    /// break a contract, cycles, layers read in the wrong direction: each with file, line and a hint.
    Check(commands::check::Check),
    /// Run a pipeline: extract, land, model, publish
    ///
    /// Reads what is new in its sources, lands it, builds and checks the models, and publishes them
    /// as one release. Only one run of a pipeline goes on at a time.
    Run(commands::run::Run),
    /// Only read the sources of a pipeline, into the lake's spool
    ///
    /// Nothing lands yet: `land` takes what was read.
    Extract(commands::stage::Extract),
    /// Only land what was read: new and changed rows into raw tables
    ///
    /// Rows that do not fit go to quarantine, with file, row, column, value and reason.
    Land(commands::stage::Land),
    /// Only build and check the models
    ///
    /// From what has landed. Readers see nothing of it before `publish`.
    Model(commands::stage::Model),
    /// Only publish what was built, as a new release
    ///
    /// Refused when a check with severity `error` failed.
    Publish(commands::stage::Publish),
    /// Ask the current release, or an older one, in SQL
    ///
    /// Nothing can be changed by it.
    Query(commands::query::Query),
    /// Serve releases as a PostgreSQL server, for psql and BI tools
    ///
    /// Over releases only, read-only, with users, roles and limits of config/serve.yml.
    Serve(commands::serve::Serve),
    /// Show what one figure is made of, and that it adds up
    ///
    /// The deals behind it, what each contributes, and what was left out and why.
    Explain(commands::explain::Explain),
    /// List the metrics, and show what one of them means
    ///
    /// Definition, formula, unit, rules: the catalogue that `ops.metric` publishes.
    Metrics(commands::metrics::Metrics),
    /// Write the site that says what everything means
    ///
    /// Metrics, tables, columns, checks, lineage and freshness, as pages that need no server.
    Docs(commands::docs::Docs),
    /// See what runs did
    ///
    /// Rows read, landed and quarantined; tables, checks, failures.
    Runs(commands::runs::Runs),
    /// List and show releases, and roll back to one
    ///
    /// A release is one version of every published table; readers see all of it or nothing.
    Releases(commands::releases::Releases),
    /// Show, compare, verify and export the forecast history
    ///
    /// What was believed of each fiscal period, night by night, and that nobody changed it since.
    Audit(commands::audit::Audit),
    /// List the models, show one, draw their graph
    Models(commands::models::Models),
    /// List the connectors, and show an example of one
    Connectors(commands::connectors::Connectors),
    /// Print the JSON Schema of a configuration file, for editors
    ///
    /// An editor that has it completes keys and marks mistakes while you type.
    Schema(commands::schema::Schema),
    /// Print the completions of a shell
    Completions(commands::completions::Completions),
    /// Make up a company: its exports, its CRMs over HTTP, its true figures
    ///
    /// The same options give the same company. Its true figures are known, so it can test a pipeline.
    Simulate(commands::simulate::Simulate),
}

#[cfg(test)]
mod tests;
