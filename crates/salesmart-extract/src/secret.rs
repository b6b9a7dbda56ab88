//! Secrets whose value is the content of a file.

use std::path::Path;

use salesmart_core::{Error, ErrorKind, Result, Secret, SecretRef};

/// The value of a secret: the variable's, or the content of the file that `file:PATH` names, seen
/// from the project folder and without one line end at its end.
///
/// # Errors
/// When the file cannot be read, is empty, or is not text.
pub fn resolve(secret: &SecretRef, root: &Path) -> Result<Secret> {
    secret.resolve_with(|path| {
        let failed = |kind, why: &str| {
            Error::new(kind, format!("failed to read a secret from the file `{path}`: {why}"))
                .with_hint("`file:PATH` is seen from the project folder")
        };
        let bytes = std::fs::read(root.join(path)).map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
                _ => ErrorKind::Configuration,
            };
            failed(kind, &error.to_string())
        })?;
        let mut text = String::from_utf8(bytes)
            .map_err(|_| failed(ErrorKind::Configuration, "it is not UTF-8 text"))?;
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        match text.trim().is_empty() {
            true => Err(failed(ErrorKind::Configuration, "it is empty")),
            false => Ok(text),
        }
    })
}

#[cfg(test)]
mod tests {
    use salesmart_core::yaml;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Config {
        token: SecretRef,
    }

    fn resolved(text: &str, root: &Path) -> Result<Secret> {
        let node = yaml::parse("p.yml", text, 1)?.expand(&|_| Some("from-env".to_owned()))?;
        resolve(&node.decode::<Config>()?.token, root)
    }

    #[test]
    fn a_file_is_seen_from_the_project_and_loses_one_line_end() {
        let project = tempfile::tempdir().unwrap();
        let root = project.path();
        std::fs::create_dir(root.join("secrets")).unwrap();
        for (content, value) in
            [("hush", "hush"), ("hush\n", "hush"), ("hush\r\n", "hush"), ("a\nb\n\n", "a\nb\n")]
        {
            std::fs::write(root.join("secrets/token"), content).unwrap();
            let secret = resolved("token: file:secrets/token", root).unwrap();
            assert_eq!(secret.expose(), value);
        }
        let absolute = format!("token: file:{}", root.join("secrets/token").display());
        assert_eq!(resolved(&absolute, Path::new("/elsewhere")).unwrap().expose(), "a\nb\n");
        assert_eq!(resolved("token: ${TOKEN}", root).unwrap().expose(), "from-env");
    }

    #[test]
    fn a_file_that_is_no_secret_is_told_by_its_path() {
        let project = tempfile::tempdir().unwrap();
        let root = project.path();
        std::fs::write(root.join("empty"), " \n").unwrap();
        std::fs::write(root.join("binary"), [0xff, 0xfe]).unwrap();
        for (file, why) in [("gone", "No such file"), ("empty", "empty"), ("binary", "not UTF-8")] {
            let error = resolved(&format!("token: file:{file}"), root).expect_err(file);
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.message().contains(&format!("`{file}`: ")), "{error}");
            assert!(error.message().contains(why), "{error}");
        }
    }
}
