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
use super::{Engine, Failure, Planned, code, explained};

/// Batches that wait for a client; a statement that is further ahead waits itself.
const AHEAD: usize = 2;

/// How long after its time a statement may take to say so itself.
const PATIENCE: Duration = Duration::from_secs(1);

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
    /// What stops the statement, for whoever waits for its rows.
    watch: Option<Watch>,
    _task: Option<Task>,
}

/// The limits of a statement, kept by who waits for it: a function that computes for long holds the
/// statement's own thread, and with it the clock there.
struct Watch {
    /// What is left of the statement's time, of which only waiting is taken here.
    left: Option<Duration>,
    cancel: watch::Receiver<u64>,
    canceled: bool,
}

impl Watch {
    /// Resolves when the statement should have stopped by itself.
    async fn overdue(&mut self) -> Failure {
        let late = async |left: Option<Duration>| match left {
            Some(left) => tokio::time::sleep(left.saturating_add(PATIENCE)).await,
            None => std::future::pending().await,
        };
        if !self.canceled {
            tokio::select! {
                () = late(self.left) => return Failure::canceled("statement timeout"),
                () = stopped(&mut self.cancel) => self.canceled = true,
            }
        }
        tokio::time::sleep(PATIENCE).await;
        Failure::canceled("user request")
    }
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
        Self { schema, pieces, over: false, watch: None, _task: None }
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
        let piece = match &mut self.watch {
            None => self.pieces.recv().await,
            Some(watch) => {
                let began = Instant::now();
                let piece = tokio::select! {
                    biased;
                    piece = self.pieces.recv() => piece,
                    failure = watch.overdue() => {
                        tracing::warn!("a statement holds its thread: {}", failure.message);
                        Some(Piece::Failed(failure))
                    }
                };
                if let Some(left) = &mut watch.left {
                    *left = left.saturating_sub(began.elapsed());
                }
                piece
            }
        };
        match piece {
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
    let watch =
        Watch { left: allowance.timeout, cancel: allowance.cancel.clone(), canceled: false };
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
    Rows { schema, pieces, over: false, watch: Some(watch), _task: Some(Task(task)) }
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
    let explains = explained::explains(&plan);
    let mut rows: u64 = 0;
    while let Some(batch) = clock.within(batches.next()).await? {
        let mut batch = batch.map_err(failed)?;
        if batch.num_rows() == 0 {
            continue;
        }
        if explains {
            batch = explained::without_files(&batch).map_err(|e| failed(e.into()))?;
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

#[cfg(test)]
mod tests {
    use arrow::datatypes::Schema;

    use super::*;

    /// The rows of a statement that never says anything.
    fn silent(timeout: Option<Duration>, cancel: &Cancel) -> (mpsc::Sender<Piece>, Rows) {
        let (sender, pieces) = mpsc::channel(AHEAD);
        let watch = Watch { left: timeout, cancel: cancel.watch(), canceled: false };
        let schema = Arc::new(Schema::empty());
        (sender, Rows { schema, pieces, over: false, watch: Some(watch), _task: None })
    }

    #[tokio::test]
    async fn a_statement_that_holds_its_thread_ends_for_its_client_at_its_time() {
        let cancel = Cancel::new();
        let (sender, mut rows) = silent(Some(Duration::from_millis(100)), &cancel);
        let batch = RecordBatch::new_empty(Arc::clone(rows.schema()));
        tokio::time::sleep(PATIENCE + Duration::from_millis(300)).await;
        sender.try_send(Piece::Batch(batch)).map_err(drop).unwrap();
        assert!(rows.next().await.unwrap().is_ok(), "time in which nobody waited is not counted");
        let began = Instant::now();
        let failure = rows.next().await.unwrap().unwrap_err();
        assert_eq!(failure, Failure::canceled("statement timeout"));
        assert!(began.elapsed() > PATIENCE, "the statement itself may say so first");
        assert!(rows.next().await.is_none());
    }

    #[tokio::test]
    async fn a_statement_that_holds_its_thread_ends_for_its_client_when_it_is_cancelled() {
        let cancel = Cancel::new();
        let (_sender, mut rows) = silent(None, &cancel);
        let (next, ()) = tokio::join!(rows.next(), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            cancel.cancel();
        });
        assert_eq!(next.unwrap().unwrap_err(), Failure::canceled("user request"));
    }
}
