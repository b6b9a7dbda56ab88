//! The lake and the source on object stores: S3, Azure and Google Cloud Storage as servers on this
//! machine. `cargo xtask test` starts them; without one of them its story fails.

use salesmart_tests::{Project, Said, said};

/// Runs with the environment a store needs, and with a lake of its own below the bucket.
struct Store {
    variables: Vec<(&'static str, String)>,
    url: String,
}

impl Store {
    fn run(&self, project: &Project, arguments: &[&str]) -> Said {
        let mut command = project.command(arguments);
        command.env("SALESMART_LAKE", format!("{}/lake", self.url));
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        said(&mut command)
    }

    /// A whole story: a source and a lake on the store, run, run again, changed, read by two
    /// processes that both want to write.
    fn tell(&self) {
        let project = Project::of_deals();
        let run = |arguments: &[&str]| self.run(&project, arguments);
        let _ = run(&["run", "deals"]).ok();
        let again = run(&["run", "deals"]).ok();
        assert!(again.stdout.contains("0 landed"), "{}", again.stdout);
        project.write("data/deals.csv", "id,amount,closed\na,11.00,\n");
        let _ = run(&["run", "deals"]).ok();
        let rows = run(&["query", "select id, amount from mart.fct_deal", "--format", "csv"]).ok();
        assert_eq!(rows.stdout, "id,amount\na,11.00\n");
        let _ = run(&["releases", "roll-back", "1"]).ok();
        let rows =
            run(&["query", "select count(*) as n from mart.fct_deal", "--format", "csv"]).ok();
        assert_eq!(rows.stdout, "n\n3\n");
        assert!(!project.path().join("lake").exists(), "nothing was written beside the store");

        // The lake's own Parquet files, read back as a source from the store.
        project.replace(
            "pipelines/deals.yml",
            "location: data",
            &format!("location: {}/lake/raw/shop", self.url),
        );
        project.replace(
            "pipelines/deals.yml",
            "path: deals*.csv",
            "path: deals/*.parquet\n          format: parquet",
        );
        project.replace(
            "pipelines/deals.yml",
            "key: [id]",
            "key: [id]\n          on_change: upsert",
        );
        let read = run(&["check", "--connections"]).ok();
        assert!(read.stdout.contains("deals"), "{}", read.stdout);
    }
}

fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run the tests with `cargo xtask test`, which starts the servers"
        )
    })
}

/// A folder of the bucket that no other test and no earlier run of this one uses.
fn folder(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

#[test]
fn the_line_runs_on_s3() {
    let endpoint = server("SALESMART_TEST_S3");
    let variables = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    Store {
        variables: variables.map(|(name, value)| (name, value.to_owned())).to_vec(),
        url: format!("s3://lake/{}", folder("s3")),
    }
    .tell();
}

#[test]
fn the_line_runs_on_azure() {
    let endpoint = server("SALESMART_TEST_AZURE");
    Store {
        variables: vec![
            ("AZURITE_BLOB_STORAGE_URL", endpoint),
            ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
        ],
        url: format!("az://lake/{}", folder("azure")),
    }
    .tell();
}

#[test]
fn the_line_runs_on_google_cloud_storage() {
    let endpoint = server("SALESMART_TEST_GCS");
    let key = serde_json::json!({
        "private_key": "",
        "private_key_id": "",
        "client_email": "",
        "disable_oauth": true,
        "gcs_base_url": endpoint,
    });
    Store {
        variables: vec![("GOOGLE_SERVICE_ACCOUNT_KEY", key.to_string())],
        url: format!("gs://lake/{}", folder("gcs")),
    }
    .tell();
}

#[test]
fn a_store_that_refuses_says_what_to_check() {
    let endpoint = server("SALESMART_TEST_S3");
    let project = Project::of_deals();
    let said = said(
        project
            .command(&["run", "deals"])
            .env("SALESMART_LAKE", "s3://no-such-bucket/lake")
            .env("AWS_ENDPOINT", endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "a-secret-that-must-not-be-shown"),
    );
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("lake"), "{}", said.stderr);
    assert!(!said.stderr.contains("a-secret-that-must-not-be-shown"), "{}", said.stderr);
}
