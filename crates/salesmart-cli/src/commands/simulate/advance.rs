//! `salesmart simulate advance`: days pass in a company that is being served.

use std::sync::Arc;

use clap::Args;
use salesmart_core::{ConnectionName, Error, Result};
use salesmart_extract::http::{Anonymous, Call, Client, Method, Settings, Url, Usual};
use serde::Deserialize;

use crate::context::Context;

/// How far.
#[derive(Args, Debug)]
pub(super) struct Advance {
    /// The URL of one of its servers, as `simulate serve` printed it; servers of one company move
    /// together
    #[arg(long)]
    url: Url,
    /// By how many days
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

/// What the server answers.
#[derive(Deserialize)]
struct Moved {
    now: String,
}

impl Advance {
    /// Moves the world.
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let moved = context.block_on(self.ask())?;
        let days = if self.days == 1 { "1 day".to_owned() } else { format!("{} days", self.days) };
        context.print(&format!("{days} later, it is {}\n", moved.now))
    }

    async fn ask(&self) -> Result<Moved> {
        // One attempt: a second one would move it twice.
        let settings = Settings { attempts: 1, ..Settings::new(self.url.clone()) };
        let name = ConnectionName::new("simulator")?;
        let client = Client::new(&name, settings, Arc::new(Anonymous), Arc::new(Usual))?;
        let call =
            Call::new(Method::POST, "/__simulator/advance").query("days", &self.days.to_string());
        client.json(call).await.map_err(|error: Error| {
            error.wrap("failed to advance the simulator").with_hint(
                "start one with `salesmart simulate serve`, and give the URL that it prints",
            )
        })
    }
}
