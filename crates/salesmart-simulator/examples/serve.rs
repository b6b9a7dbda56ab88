//! Serves both systems over one world until it is interrupted.
//!
//! `cargo run --example serve -- --deals 3000 --reps 20 --salesforce-port 8080 --hubspot-port 8081`
#![expect(clippy::print_stdout, reason = "a person reads the addresses")]

use std::error::Error;

use salesmart_simulator::wire::{FaultPlan, SharedWorld};
use salesmart_simulator::world::{self, World};
use salesmart_simulator::{hubspot, salesforce};

/// What was asked for.
struct Arguments {
    world: world::Settings,
    salesforce: Option<u16>,
    hubspot: Option<u16>,
    /// Whether everything goes wrong that may.
    chaos: bool,
    /// Whether limits are enforced.
    limits: bool,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut arguments = Arguments {
        world: world::Settings::default(),
        salesforce: None,
        hubspot: None,
        chaos: false,
        limits: true,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--chaos" => arguments.chaos = true,
            "--no-limits" => arguments.limits = false,
            _ => {
                let value = given.next().ok_or_else(|| format!("`{name}` needs a value"))?;
                match name.as_str() {
                    "--deals" => arguments.world.size.deals = value.parse()?,
                    "--reps" => arguments.world.size.reps = value.parse()?,
                    "--seed" => arguments.world.seed = value.parse()?,
                    "--as-of" => arguments.world.as_of = value.parse()?,
                    "--salesforce-port" => arguments.salesforce = Some(value.parse()?),
                    "--hubspot-port" => arguments.hubspot = Some(value.parse()?),
                    _ => return Err(format!("there is no argument `{name}`").into()),
                }
            }
        }
    }
    Ok(arguments)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let world = SharedWorld::new(World::new(arguments.world));
    let faults = || if arguments.chaos { FaultPlan::chaos(1) } else { FaultPlan::none() };
    let mut portal = hubspot::Settings::default();
    if !arguments.limits {
        portal.limits = hubspot::Limits::none();
    }
    let hubspot = hubspot::start(world.clone(), portal, faults(), arguments.hubspot).await?;
    println!("hubspot     {}", hubspot.url());
    let org = salesforce::Settings::default();
    let salesforce = salesforce::start(world, org, faults(), arguments.salesforce).await?;
    println!("salesforce  {}", salesforce.url());
    std::future::pending::<()>().await;
    Ok(())
}
