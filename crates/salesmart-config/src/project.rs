//! A project folder: `pipelines/*.yml`, and `business.yml`, `targets.yml`, `lake.yml` and
//! `serve.yml` of `config/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use salesmart_core::suggest::{list, nearest};
use salesmart_core::yaml::{self, Node};
use salesmart_core::{Error, ErrorKind, Location, Result};

use crate::lake::{self, LakeFile};
use crate::serve::read_secret;
use crate::{Business, Pipeline, Serve, Target, Variables, targets};

/// The files that are read from `config/`, without their ending.
const CONFIG_FILES: [&str; 4] = ["business", "lake", "serve", "targets"];

/// A project whose files are all well-formed. Variables are replaced when a pipeline or the lake
/// is asked for, so that one pipeline's missing variable does not keep the others from running.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    business: Business,
    targets: Vec<Target>,
    /// The files of `config/` as they are written, by name.
    config: BTreeMap<String, Node>,
    pipelines: BTreeMap<String, Node>,
    variables: Variables,
}

impl Project {
    /// Reads a project folder. Every file is optional: what is missing has its default.
    ///
    /// # Errors
    /// Everything that is wrong in any file, each with file, line and column, as one error. Not
    /// among them: variables that are not set, which [`Project::pipeline`] reports.
    pub fn load(root: &Path, variables: &Variables) -> Result<Self> {
        if !root.is_dir() {
            return Err(Error::configuration(format!(
                "the project folder `{}` does not exist",
                root.display()
            ))
            .with_hint("change into a project folder, or let `salesmart init` make one"));
        }
        let mut problems = Vec::new();
        let mut project = Self {
            root: root.to_owned(),
            business: Business::default(),
            targets: Vec::new(),
            config: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            variables: variables.clone(),
        };
        for file in yaml_files(root, "pipelines", &mut problems) {
            if let Err(error) = project.add_pipeline(&file) {
                problems.push(error);
            }
        }
        for file in yaml_files(root, "config", &mut problems) {
            if let Err(error) = project.add_config(&file) {
                problems.push(error);
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(project),
        }
    }

    /// The project folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What models must know of the company.
    #[must_use]
    pub fn business(&self) -> &Business {
        &self.business
    }

    /// What the company means to reach, in the order of `config/targets.yml`.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The names of the pipelines, sorted.
    pub fn pipeline_names(&self) -> impl Iterator<Item = &str> {
        self.pipelines.keys().map(String::as_str)
    }

    /// A pipeline, with its variables replaced.
    ///
    /// # Errors
    /// When there is no such pipeline (names the nearest), or a variable it uses is not set.
    pub fn pipeline(&self, name: &str) -> Result<Pipeline> {
        let Some(node) = self.pipelines.get(name) else {
            return Err(self.no_pipeline(name));
        };
        Pipeline::decode(name, &self.variables.fill(node)?)
    }

    /// Every pipeline, sorted by name.
    ///
    /// # Errors
    /// Everything that keeps any of them from running, as one error.
    pub fn pipelines(&self) -> Result<Vec<Pipeline>> {
        let mut pipelines = Vec::new();
        let mut problems = Vec::new();
        for name in self.pipelines.keys() {
            match self.pipeline(name) {
                Ok(pipeline) => pipelines.push(pipeline),
                Err(error) => problems.push(error),
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(pipelines),
        }
    }

    /// The URL or path of the lake: the given one (from `--lake` or `SALESMART_LAKE`), or that of
    /// `config/lake.yml`, or `./lake` in the project folder.
    ///
    /// # Errors
    /// When `config/lake.yml` is asked and uses a variable that is not set.
    pub fn lake_url(&self, given: Option<&str>) -> Result<String> {
        match (given, self.config.get("lake")) {
            (Some(given), _) => Ok(given.to_owned()),
            (None, Some(node)) => LakeFile::url(&self.variables.fill(node)?, &self.root),
            (None, None) => Ok(lake::resolve(lake::DEFAULT_URL, &self.root)),
        }
    }

    /// How releases are served, by `config/serve.yml`; `None` when there is no such file.
    ///
    /// # Errors
    /// When the file uses a variable that is not set, or names a file that cannot be read.
    pub fn serve(&self) -> Result<Option<Serve>> {
        match self.config.get("serve") {
            Some(node) => {
                let read = |path: &str| read_secret(&self.root, path);
                Serve::decode(&self.variables.fill(node)?, &self.root, read).map(Some)
            }
            None => Ok(None),
        }
    }

    fn add_pipeline(&mut self, file: &ProjectFile) -> Result<()> {
        let name = &file.stem;
        let usable = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c));
        if !usable {
            return Err(Error::configuration(format!("`{name}` is not a usable pipeline name"))
                .with("expected", "lower-case letters, digits, `-` and `_`, a letter first")
                .at(file.location())
                .with_hint("rename the file: its name is the pipeline's name"));
        }
        let node = file.read()?;
        // What cannot be filled yet is reported when the pipeline is asked for.
        if let Ok(filled) = self.variables.fill(&node) {
            Pipeline::decode(name, &filled)?;
        }
        if let Some(other) = self.pipelines.insert(name.clone(), node) {
            return Err(twice(file, &other));
        }
        Ok(())
    }

    fn add_config(&mut self, file: &ProjectFile) -> Result<()> {
        if !CONFIG_FILES.contains(&file.stem.as_str()) {
            let error = Error::configuration(format!("nothing reads `{}`", file.name))
                .with("expected", list(CONFIG_FILES))
                .at(file.location());
            return Err(match nearest(&file.stem, CONFIG_FILES) {
                Some(near) => error.with_hint(format!("rename it to `config/{near}.yml`")),
                None => error.with_hint("move it out of `config/`"),
            });
        }
        let node = file.read()?;
        match file.stem.as_str() {
            "business" => self.business = Business::decode(&self.variables.fill(&node)?)?,
            "targets" => self.targets = targets::decode(&self.variables.fill(&node)?)?,
            // Passwords, in variables or in files, are there where the server runs only.
            "serve" => {
                if let Ok(filled) = self.variables.fill(&node) {
                    Serve::decode(&filled, &self.root, |_| Ok(String::new()))?;
                }
            }
            // `--lake` may make the variables of `lake.yml` needless.
            _ => {
                if let Ok(filled) = self.variables.fill(&node) {
                    LakeFile::url(&filled, &self.root)?;
                }
            }
        }
        match self.config.insert(file.stem.clone(), node) {
            Some(other) => Err(twice(file, &other)),
            None => Ok(()),
        }
    }

    fn no_pipeline(&self, name: &str) -> Error {
        let error = Error::configuration(format!("there is no pipeline `{name}`"));
        if self.pipelines.is_empty() {
            return error.with_hint(
                "a pipeline is a file `pipelines/<name>.yml`; `salesmart init` writes a first one",
            );
        }
        let error = error.with("expected", list(self.pipeline_names()));
        // People type the file as well as the name.
        let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(name);
        match nearest(stem, self.pipeline_names()) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        }
    }
}

fn twice(file: &ProjectFile, other: &Node) -> Error {
    Error::configuration(format!(
        "`{}` and `{}` are the same by name",
        other.location.file, file.name
    ))
    .at(file.location())
    .with_hint("keep one of the two")
}

/// A YAML file of the project.
struct ProjectFile {
    path: PathBuf,
    /// As the person names it, from the project folder.
    name: String,
    /// Its name without folder and ending.
    stem: String,
}

impl ProjectFile {
    fn location(&self) -> Location {
        Location::new(&self.name, 0, 0)
    }

    fn read(&self) -> Result<Node> {
        let bytes = std::fs::read(&self.path).map_err(|error| unreadable(&self.name, &error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            Error::configuration(format!("`{}` is not UTF-8 text", self.name))
                .at(Location::line(&self.name, line))
                .with_hint("save the file as UTF-8")
        })?;
        yaml::parse(&self.name, &text, 1)
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
        _ => ErrorKind::Configuration,
    };
    Error::new(kind, format!("failed to read `{name}`: {error}")).at(Location::new(name, 0, 0))
}

/// The YAML files of a folder, sorted by name; none when there is no such folder. Names that
/// begin with a dot are an editor's, not the project's.
fn yaml_files(root: &Path, folder: &str, problems: &mut Vec<Error>) -> Vec<ProjectFile> {
    let entries = match std::fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.push(unreadable(folder, &error));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                problems.push(unreadable(folder, &error));
                continue;
            }
        };
        let is_yaml = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
        let (Some(name), Some(stem)) = (path.file_name(), path.file_stem()) else { continue };
        let (name, stem) =
            (name.to_string_lossy().into_owned(), stem.to_string_lossy().into_owned());
        if is_yaml && !name.starts_with('.') {
            files.push(ProjectFile { name: format!("{folder}/{name}"), stem, path });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}
