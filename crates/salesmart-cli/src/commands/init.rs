//! `salesmart init [DIR]`: a project that works at once.

use std::path::{Path, PathBuf};

use clap::Args;
use salesmart_core::Result;
use salesmart_simulator::{Company, Size};

use crate::context::Context;
use crate::scaffold::{self, Existing};

/// Makes a project folder that works at once: a pipeline, the configuration, a model of its own,
/// and sample data.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart init acme && cd acme && salesmart run crm-export
  salesmart init                       in the folder you are in

Nothing is overwritten.")]
pub struct Init {
    /// The folder
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// How large the sample is.
const SAMPLE: Size = Size { reps: 8, deals: 240 };
/// Which company the sample is of.
const SAMPLE_SEED: u64 = 1;

impl Init {
    /// Writes the project.
    ///
    /// # Errors
    /// When a file is there already or cannot be written.
    pub fn run(&self, context: &Context) -> Result<()> {
        let sample = Company::generate(SAMPLE_SEED, SAMPLE, super::demo::AS_OF);
        let written =
            scaffold::write(&self.dir, &company_name(&self.dir), &sample, Existing::Refuse)?;
        let style = context.style();
        let mut text = String::new();
        for path in written {
            let shown = path.strip_prefix(".").unwrap_or(&path).display().to_string();
            text.push_str(&format!("{} {shown}\n", style.green("wrote")));
        }
        text.push_str("\nNext:\n");
        if self.dir != Path::new(".") {
            text.push_str(&format!("  cd {}\n", super::demo::shell_word(&self.dir)));
        }
        text.push_str(&format!(
            "  salesmart check\n  salesmart run {} --as-of {}\n",
            scaffold::PIPELINE,
            sample.as_of_instant().format("%Y-%m-%dT%H:%M:%SZ"),
        ));
        context.print(&text)
    }
}

/// A name for the company, from the folder's.
fn company_name(dir: &Path) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let name = absolute.file_name().map(|name| name.to_string_lossy().into_owned());
    let words: Vec<String> = name
        .unwrap_or_default()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().collect::<String>() + letters.as_str()
            })
        })
        .collect();
    // A name that YAML would read as something else than text begins with a digit here.
    match words.join(" ") {
        name if name.starts_with(|c: char| c.is_alphabetic()) => name,
        _ => "My company".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_company_is_named_after_the_folder() {
        assert_eq!(company_name(Path::new("/srv/acme-corp")), "Acme Corp");
        assert_eq!(company_name(Path::new("/srv/2026")), "My company");
    }
}
