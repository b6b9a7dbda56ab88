//! One server process, stopped when its guard goes, and when xtask itself is killed.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::{Doing, Failure};
use crate::paths;

/// Starts the server that its arguments name, and stops it by its process id when standard input
/// ends. The pipe closes with xtask however xtask ends, `kill -9` included, so no server stays
/// behind.
const KEEPER: &str = r#""$@" & server=$!; cat > /dev/null; kill "$server"; wait "$server""#;

/// A running server.
pub(crate) struct Child {
    /// What it is, for messages.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) port: u16,
    /// What it printed.
    pub(crate) log: PathBuf,
    keeper: std::process::Child,
}

impl Child {
    /// Starts `server`, which will listen on `port`.
    pub(crate) fn start(name: &'static str, port: u16, server: &Command) -> Result<Self, Failure> {
        let folder = paths::cache().join("servers/logs");
        std::fs::create_dir_all(&folder).doing(format_args!("create `{}`", folder.display()))?;
        // By port, so that two checkouts under test do not write into each other's log.
        let log = folder.join(format!("{name}-{port}.log"));
        let output = File::create(&log).doing(format_args!("create `{}`", log.display()))?;
        let errors = output.try_clone().doing(format_args!("open `{}`", log.display()))?;
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            // Its own group: Ctrl-C reaches xtask alone, and the closing pipe does the rest.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .doing(format_args!("start the {name} server"))?;
        Ok(Self { name, port, log, keeper })
    }
}

impl Child {
    /// Stops the server and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing to be done about a keeper that cannot be waited for; the pipe is closed.
        let _ = self.keeper.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_file(&self.log);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn a_dropped_server_is_gone() {
        let mut server = Command::new("sh");
        server.args(["-c", "echo $$; exec sleep 600"]);
        let child = Child::start("sleeping", 0, &server).unwrap();
        let mut pid = String::new();
        for _ in 0..100 {
            pid = std::fs::read_to_string(&child.log).unwrap();
            if pid.ends_with('\n') {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let process = format!("/proc/{}", pid.trim());
        assert!(!pid.trim().is_empty() && Path::new(&process).exists());
        drop(child);
        assert!(!Path::new(&process).exists());
    }
}
