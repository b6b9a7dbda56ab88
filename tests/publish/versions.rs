//! Releases in every major version of PostgreSQL that the target supports. Debian's own is the one
//! of all other stories.

use super::postgres::{a_release_arrives, columns_come_and_go};
use super::server::{Server, versions};

#[test]
fn every_version_takes_releases_and_keeps_views() {
    let versions = versions();
    let names: Vec<&str> = versions.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["13", "14", "16", "17", "18"]);
    for (version, programs) in &versions {
        let server = Server::of_version(programs);
        let said = server.admin("postgres", "show server_version").remove(0).remove(0);
        assert_eq!(said.split('.').next(), Some(version.as_str()), "{said}");
        a_release_arrives(&server);
        columns_come_and_go(&server);
    }
}
