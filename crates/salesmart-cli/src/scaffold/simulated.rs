//! A new project that reads a simulated CRM over HTTP.

use std::path::Path;

use salesmart_core::Result;
use salesmart_simulator::world::World;

use super::write_file;

/// A system that the simulator speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Salesforce
    Salesforce,
    /// HubSpot
    Hubspot,
}

impl System {
    /// Its name as pipelines spell it, and as the demo names its pipeline.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            System::Salesforce => "salesforce",
            System::Hubspot => "hubspot",
        }
    }

    /// Its name as people spell it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            System::Salesforce => "Salesforce",
            System::Hubspot => "HubSpot",
        }
    }

    /// The variable that the pipeline finds the simulator by.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            System::Salesforce => "SALESFORCE_URL",
            System::Hubspot => "HUBSPOT_URL",
        }
    }
}

/// Which company the project reads, and from where.
#[derive(Debug)]
pub struct Simulated<'a> {
    /// The system.
    pub system: System,
    /// The company's name.
    pub company_name: &'a str,
    /// The seed of the company.
    pub seed: u64,
    /// How many reps it has.
    pub reps: usize,
    /// How many deals.
    pub deals: u64,
    /// The company.
    pub world: &'a World,
}

const README: &str = include_str!("../../templates/simulated/README.md");
const BUSINESS: &str = include_str!("../../templates/simulated/business.yml");
const TARGETS: &str = include_str!("../../templates/simulated/targets.yml");
const LAKE: &str = include_str!("../../templates/config/lake.yml");
const GITIGNORE: &str = include_str!("../../templates/gitignore");

/// Writes the project; files that are there stay as they are.
///
/// # Errors
/// When a file cannot be written.
pub fn write(root: &Path, simulated: &Simulated) -> Result<()> {
    let source = simulated.system.key();
    let (pipeline, secret, value) = match simulated.system {
        System::Salesforce => (
            include_str!("../../templates/simulated/salesforce.yml"),
            "secrets/salesforce-client-secret",
            "simulator-secret",
        ),
        System::Hubspot => (
            include_str!("../../templates/simulated/hubspot.yml"),
            "secrets/hubspot-token",
            "pat-simulator",
        ),
    };
    let gitignore = format!("{GITIGNORE}/secrets/\n");
    let files = [
        ("README.md", README),
        (".gitignore", gitignore.as_str()),
        ("config/business.yml", BUSINESS),
        ("config/targets.yml", TARGETS),
        ("config/lake.yml", LAKE),
        (&format!("pipelines/{source}.yml"), pipeline),
        (secret, value),
    ];
    for (path, text) in files {
        let file = root.join(path);
        if file.exists() {
            continue;
        }
        let text = text
            .replace("{{company}}", simulated.company_name)
            .replace("{{system}}", simulated.system.title())
            .replace("{{source}}", source)
            .replace("{{seed}}", &simulated.seed.to_string())
            .replace("{{reps}}", &simulated.reps.to_string())
            .replace("{{deals}}", &simulated.deals.to_string())
            .replace("{{as_of}}", &simulated.world.now().format("%Y-%m-%dT%H:%M:%SZ").to_string());
        write_file(&file, &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use salesmart_simulator::world::Settings;

    use super::*;

    #[test]
    fn both_projects_are_complete_and_what_a_person_changed_is_kept() {
        for system in [System::Salesforce, System::Hubspot] {
            let dir = tempfile::tempdir().unwrap();
            let world = World::new(Settings::default());
            let simulated = Simulated {
                system,
                company_name: "Acme",
                seed: 1,
                reps: 5,
                deals: 50,
                world: &world,
            };
            write(dir.path(), &simulated).unwrap();
            let lake = dir.path().join("config/lake.yml");
            std::fs::write(&lake, "url: ./other\n").unwrap();
            write(dir.path(), &simulated).unwrap();
            assert_eq!(std::fs::read_to_string(lake).unwrap(), "url: ./other\n");
            let pipeline = dir.path().join(format!("pipelines/{}.yml", system.key()));
            for path in [dir.path().join("README.md"), pipeline] {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(!text.contains("{{"), "{text}");
            }
        }
    }
}
