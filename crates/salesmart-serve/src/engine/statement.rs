//! A statement that runs: on its own runtime, within its limits, until it is done or nobody wants
//! it any more.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::memory::StatementMemory;
use super::slots::turn;
use super::{Engine, Failure, Planned, code};

/// Batches that wait for a client; a statement that is further ahead waits itself.
const AHEAD: usize = 2;

/// By which whatever a connection runs can be stopped.
#[derive(Debug)]
pub(crate) struct Cancel(watch::Sender<u64>);

impl Cancel {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Stops what runs now.
    pub(crate) fn cancel(&self) {
        self.0.send_modify(|times| *times += 1);
    }

    /// For a statement that begins now: what was stopped before does not stop it.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        let mut receiver = self.0.subscribe();
        receiver.mark_unchanged();
        receiver
    }
}

/// What a statement may use.
pub(crate) struct Allowance {
    /// How long it may run. Time in which its client does not fetch is not counted.
    pub(crate) timeout: Option<Duration>,
    /// What stops it.
    pub(crate) cancel: watch::Receiver<u64>,
}

enum Piece {
    Batch(RecordBatch),
    Failed(Failure),
    /// All rows were sent. A channel that closes without it was left by a panic.
    End,
}

/// A task that ends with whoever waits for it.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The rows of a statement, as they come. Dropping it stops the statement.
pub(crate) struct Rows {
    schema: SchemaRef,
    pieces: mpsc::Receiver<Piece>,
    over: bool,
    _task: Option<Task>,
}

impl Rows {
    /// Rows that are there already.
    pub(crate) fn ready(batch: RecordBatch) -> Self {
        let schema = batch.schema();
        let (sender, pieces) = mpsc::channel(AHEAD);
        for piece in [Piece::Batch(batch), Piece::End] {
            // The channel has room for both, and its receiver is here.
            let _ = sender.try_send(piece);
        }
        Self { schema, pieces, over: false, _task: None }
    }

    /// The columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<RecordBatch, Failure>> {
        if self.over {
            return None;
        }
        match self.pieces.recv().await {
            Some(Piece::Batch(batch)) => Some(Ok(batch)),
            Some(Piece::End) => {
                self.over = true;
                None
            }
            Some(Piece::Failed(failure)) => {
                self.over = true;
                Some(Err(failure))
            }
            None => {
                self.over = true;
                Some(Err(Failure::new(code::INTERNAL, "the statement broke off")
                    .with_hint("The server's log says why; please report it.")))
            }
        }
    }
}

/// Does something on the statements' runtime, and stops it when it takes too long or is not wanted.
///
/// # Errors
/// Those of `work`, and 57014.
pub(crate) async fn apart<T: Send + 'static>(
    engine: &Engine,
    mut allowance: Allowance,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let _task = Task(engine.statements.spawn(async move {
        // Whoever asked may have gone.
        let _ = sender.send(work.await);
    }));
    let mut clock = Clock(allowance.timeout.map(|timeout| Instant::now() + timeout));
    tokio::select! {
        biased;
        () = stopped(&mut allowance.cancel) => Err(Failure::canceled("user request")),
        done = clock.within(receiver) => done?.unwrap_or_else(|_| {
            Err(Failure::new(code::INTERNAL, "the statement broke off")
                .with_hint("The server's log says why; please report it."))
        }),
    }
}

/// Runs a planned statement.
pub(crate) fn run(engine: &Arc<Engine>, planned: Planned, allowance: Allowance) -> Rows {
    let schema = Arc::clone(planned.plan.schema().inner());
    let (sender, pieces) = mpsc::channel(AHEAD);
    let shared = Arc::clone(engine);
    let task = engine.statements.spawn(async move {
        let Allowance { timeout, mut cancel } = allowance;
        let last = tokio::select! {
            biased;
            () = stopped(&mut cancel) => Piece::Failed(Failure::canceled("user request")),
            done = produce(&shared, planned, timeout, &sender) => match done {
                Ok(()) => Piece::End,
                Err(failure) => Piece::Failed(failure),
            },
        };
        // Nobody listens any more: then nobody waits for the end either.
        let _ = sender.send(last).await;
    });
    Rows { schema, pieces, over: false, _task: Some(Task(task)) }
}

/// Resolves when somebody cancels; never when nobody can any more.
async fn stopped(cancel: &mut watch::Receiver<u64>) {
    if cancel.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The time a statement has left.
struct Clock(Option<Instant>);

impl Clock {
    async fn within<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        match self.0 {
            None => Ok(work.await),
            Some(end) => tokio::time::timeout_at(end, work)
                .await
                .map_err(|_| Failure::canceled("statement timeout")),
        }
    }

    /// Does what does not count.
    async fn aside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let before = Instant::now();
        let done = work.await;
        if let Some(end) = &mut self.0 {
            *end += before.elapsed();
        }
        done
    }
}

async fn produce(
    engine: &Engine,
    planned: Planned,
    timeout: Option<Duration>,
    sender: &mpsc::Sender<Piece>,
) -> Result<(), Failure> {
    let Planned { view, state, plan, sql } = planned;
    let failed = |error| Failure::of_engine(&sql, &error);
    let role = &view.reader.role;
    let mut clock = Clock(timeout.map(|timeout| Instant::now() + timeout));
    let queue = || turn(&view.reader.slots, &engine.slots);
    let mut place = clock.within(queue()).await?;

    let physical = clock.within(state.create_physical_plan(&plan)).await?.map_err(failed)?;
    let runtime = RuntimeEnv {
        memory_pool: StatementMemory::new(role.memory, &engine.memory),
        ..state.runtime_env().as_ref().clone()
    };
    let task = TaskContext::from(state.as_ref()).with_runtime(Arc::new(runtime));
    let mut batches = execute_stream(physical, Arc::new(task)).map_err(failed)?;
    let mut rows: u64 = 0;
    while let Some(batch) = clock.within(batches.next()).await? {
        let batch = batch.map_err(failed)?;
        if batch.num_rows() == 0 {
            continue;
        }
        rows += batch.num_rows() as u64;
        if let Some(most) = role.rows.filter(|most| rows > *most) {
            return Err(Failure::new(
                code::LIMIT_EXCEEDED,
                format!("the statement returns more than {most} rows"),
            )
            .with_detail(format!("{most} is the limit of the role \"{}\".", view.reader.role_name))
            .with_hint("Ask for fewer rows, or for sums of them."));
        }
        // Functions make long texts without asking for memory; such a text is not sent at least.
        if batch.get_array_memory_size() > role.memory {
            return Err(Failure::new(code::OUT_OF_MEMORY, "out of memory")
                .with_detail(format!("Some rows alone have more than {} bytes.", role.memory)));
        }
        match sender.try_send(Piece::Batch(batch)) {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => return Ok(()),
            Err(TrySendError::Full(batch)) => {
                // The client is slower than the statement: somebody else may run meanwhile.
                drop(place);
                if clock.aside(sender.send(batch)).await.is_err() {
                    return Ok(());
                }
                place = clock.within(queue()).await?;
            }
        }
    }
    drop(place);
    Ok(())
}
