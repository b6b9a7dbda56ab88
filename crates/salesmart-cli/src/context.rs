//! What every command needs: the options given, the project, the lake, a runtime.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::MultiProgress;
use salesmart_config::Variables;
use salesmart_core::{Error, Result};
use salesmart_lake::Lake;
use salesmart_run::Workspace;

use crate::args::Global;
use crate::output::Sink;
use crate::style::Style;
use crate::{builtin, logging};

/// What every command needs.
#[derive(Clone)]
pub struct Context {
    global: Global,
    bars: MultiProgress,
}

impl Context {
    /// Begins logging.
    #[must_use]
    pub fn new(global: Global) -> Self {
        let bars = MultiProgress::new();
        logging::begin(&global, &bars);
        Self { global, bars }
    }

    /// The options given.
    #[must_use]
    pub fn global(&self) -> &Global {
        &self.global
    }

    /// The same, for another project folder and its own lake.
    #[must_use]
    pub fn in_project(mut self, root: &Path) -> Self {
        self.global.project = Some(root.to_owned());
        self.global.lake = None;
        self
    }

    /// The same, with a variable that comes before the environment.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.global.assignments.push(format!("{name}={value}"));
        self
    }

    /// The progress bars of this process.
    #[must_use]
    pub fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// The style of standard output.
    #[must_use]
    pub fn style(&self) -> Style {
        Style::of_stdout(self.global.color)
    }

    /// Writes text to standard output.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn print(&self, text: &str) -> Result<()> {
        let mut sink = Sink::stdout();
        sink.text(text)?;
        sink.complete()
    }

    /// The project folder: the given one, or this folder, or the nearest above it that has a
    /// `pipelines/`.
    ///
    /// # Errors
    /// When there is none.
    pub fn project_root(&self) -> Result<PathBuf> {
        if let Some(given) = &self.global.project {
            return Ok(given.clone());
        }
        let here = std::env::current_dir().map_err(|e| {
            Error::configuration("failed to find the current folder").with_source(e)
        })?;
        project_above(&here).ok_or_else(|| {
            Error::configuration("there is no project in this folder or above it")
                .with("looked for", "a folder `pipelines/`")
                .with("from", here.display())
                .with_hint("change into a project, name one with `--project DIR`, or make one: `salesmart init acme`")
        })
    }

    /// Reads the project folder and the models in the binary.
    ///
    /// # Errors
    /// Everything that is wrong in any file.
    pub fn workspace(&self) -> Result<Workspace> {
        let root = self.project_root()?;
        let variables = Variables::from_process(&self.global.assignments)?;
        Workspace::load(&root, &variables, salesmart_connectors::all(), &builtin::models())
    }

    /// Opens the project's lake, or the given one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn lake(&self, workspace: &Workspace) -> Result<Lake> {
        workspace.lake(self.global.lake.as_deref()).await
    }

    /// Runs a future to its end, on as many threads as there are cores.
    ///
    /// # Errors
    /// What the future returns, or that threads could not be started.
    pub fn block_on<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::configuration("failed to start threads").with_source(e))?
            .block_on(future)
    }
}

/// Runs what serves: what is still under way when the future is done is waited for a while, and then
/// left, so that a file system that hangs does not keep the program.
///
/// # Errors
/// What the future returns, or that threads could not be started.
pub fn serve_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::configuration("failed to start threads").with_source(e))?;
    let done = runtime.block_on(future);
    runtime.shutdown_timeout(LAST_STEPS);
    done
}

/// How long what is under way may take when a server ends.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// The nearest folder, from `folder` upwards, that has a `pipelines/`.
fn project_above(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.join("pipelines").is_dir()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_found_from_a_folder_inside_it() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("sql/marts");
        std::fs::create_dir_all(&inside).unwrap();
        assert_eq!(project_above(&inside).filter(|found| found.starts_with(dir.path())), None);
        std::fs::create_dir(dir.path().join("pipelines")).unwrap();
        assert_eq!(project_above(&inside).as_deref(), Some(dir.path()));
        assert_eq!(project_above(dir.path()).as_deref(), Some(dir.path()));
    }

    #[test]
    fn a_server_does_not_wait_for_what_hangs() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let began = std::time::Instant::now();
        let done = serve_on(async {
            // A file system that does not answer.
            tokio::task::spawn_blocking(move || held.recv_timeout(Duration::from_secs(120)));
            tokio::task::yield_now().await;
            Ok(42)
        });
        assert_eq!(done.unwrap(), 42);
        assert!(began.elapsed() < Duration::from_secs(60), "it waited until the other side let go");
        drop(hold);
    }
}
