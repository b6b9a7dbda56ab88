//! Taking turns: what only one run may do at a time, whichever its pipeline.

use salesmart_core::{ErrorKind, Result, RunId};
use salesmart_lake::{Lake, Lease};

/// The lease that lets only one run build and publish at a time, whichever its pipeline.
pub(crate) const WAREHOUSE_LEASE: &str = "warehouse";
/// How long a run waits for another one.
const WAIT: std::time::Duration = std::time::Duration::from_secs(3_600);
/// How often it looks.
const POLL: std::time::Duration = std::time::Duration::from_secs(2);

/// Takes a lease, waiting for another run that holds it.
pub(crate) async fn acquire(lake: &Lake, name: &str, run_id: &RunId) -> Result<Lease> {
    let begun = tokio::time::Instant::now();
    loop {
        match lake.acquire_lease(name, run_id).await {
            Err(error) if error.kind() == ErrorKind::LeaseHeld && begun.elapsed() < WAIT => {
                tracing::info!(target: "run", lease = name, "waiting for another run to build and publish");
                tokio::time::sleep(POLL).await;
            }
            outcome => return outcome,
        }
    }
}

/// Gives a lease back, however the work under it ended.
pub(crate) async fn give_back(lease: Lease, outcome: Result<()>) -> Result<()> {
    let given_back = lease.release().await;
    outcome.and(given_back)
}
