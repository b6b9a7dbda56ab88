//! `salesmart docs`: the site that says what everything means.

use std::path::{Path, PathBuf};

use clap::Args;
use salesmart_core::{Error, Result};
use salesmart_docs::{Request, STATUS, Site};

use crate::context::Context;

/// A file that every site has, by which an older one is known.
const MARK: &str = "assets/search.js";

/// Writes the site that says what every metric, table and column means, where it comes from, what
/// the checks found and how fresh it is.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart docs                            the current release, into `site/`
  salesmart docs --output /var/www/sales    for a web server
  salesmart docs --release r000041          an older release

Open `index.html` in any browser: it needs no server and no network. `salesmart serve` shows the
same site over HTTP, and always that of the current release.

The same release, models and version of Salesmart give the same files, byte for byte; only
`assets/status.js` tells of runs since the release.")]
pub struct Docs {
    /// The folder; a site that is there is replaced when the new one is complete
    #[arg(long, short, value_name = "DIR", default_value = "site")]
    output: PathBuf,
    /// The release, instead of the current one
    #[arg(long, value_name = "ID")]
    release: Option<String>,
}

impl Docs {
    /// Writes the site.
    ///
    /// # Errors
    /// When there is no such release, it cannot be read, or the folder cannot be written.
    pub fn run(&self, context: &Context) -> Result<()> {
        self.refuse_others()?;
        let workspace = context.workspace()?;
        let (site, status, release) = context.block_on(async {
            let lake = context.lake(&workspace).await?;
            let release = super::release(&lake, self.release.as_deref()).await?;
            let business = workspace.business();
            let catalog = workspace.catalog();
            let request = Request { lake: &lake, release: &release, catalog, business: &business };
            let site = salesmart_docs::site(request).await?;
            let status = salesmart_docs::status(&lake, &release).await?;
            Ok((site, status, release))
        })?;
        self.write(&site, &status)?;
        let style = context.style();
        context.print(&format!(
            "{} {} files of release {}, {}.{} MB: {}\n",
            style.green("done"),
            site.files().count() + 1,
            release.id,
            site.size() / 1_000_000,
            site.size() % 1_000_000 / 100_000,
            self.output.join("index.html").display()
        ))
    }

    /// A folder that holds something else is not replaced.
    fn refuse_others(&self) -> Result<()> {
        let is_empty = match std::fs::read_dir(&self.output) {
            Ok(mut entries) => entries.next().is_none(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => true,
            Err(e) => return Err(failed("look into", &self.output, e)),
        };
        if is_empty || self.output.join(MARK).is_file() {
            return Ok(());
        }
        Err(Error::configuration(format!(
            "`{}` holds other files than a site",
            self.output.display()
        ))
        .with_state("nothing was written")
        .with_hint("name a folder that is empty or not there: `salesmart docs --output DIR`"))
    }

    /// Writes the site beside its place and moves it there, so that whoever looks at the folder
    /// sees the old site or the new one.
    fn write(&self, site: &Site, status: &str) -> Result<()> {
        let beside = |suffix: &str| {
            let mut name = self.output.file_name().unwrap_or_default().to_owned();
            name.push(format!(".{suffix}-{}", std::process::id()));
            self.output.with_file_name(name)
        };
        let (new, old) = (beside("new"), beside("old"));
        let files = site.files().chain([(STATUS, status.as_bytes())]);
        let written = files.into_iter().try_for_each(|(path, content)| {
            let path = new.join(path);
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(path, content)
        });
        let moved = written.and_then(|()| {
            if self.output.exists() {
                std::fs::rename(&self.output, &old)?;
            }
            std::fs::rename(&new, &self.output)
        });
        if let Err(e) = moved {
            // What is half written is of no use, and what was there comes back.
            let _ = std::fs::remove_dir_all(&new);
            if !self.output.exists() {
                let _ = std::fs::rename(&old, &self.output);
            }
            return Err(failed("write", &self.output, e)
                .with_state("the folder is as it was")
                .with_hint("name a folder that can be written: `salesmart docs --output DIR`"));
        }
        if old.exists() {
            std::fs::remove_dir_all(&old).map_err(|e| failed("remove", &old, e))?;
        }
        Ok(())
    }
}

fn failed(verb: &str, path: &Path, e: std::io::Error) -> Error {
    Error::configuration(format!("failed to {verb} `{}`", path.display())).with_source(e)
}
