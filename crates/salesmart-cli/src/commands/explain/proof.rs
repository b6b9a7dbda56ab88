//! Whether contributions add up to the figure.

use salesmart_core::{Error, ErrorKind, Millionths, Result};

use super::contribution::{Part, Reading, Sums};
use super::figure::Figure;

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// What.
    pub(super) what: &'static str,
    /// What the contributions give.
    pub(super) contributions: String,
    /// What the figure says.
    pub(super) figure: String,
    /// Whether they are the same.
    pub(super) is_same: bool,
}

/// Null, as pages show it.
const NULL: &str = "∅";

/// Compares everything that can be.
pub(super) fn prove(figure: &Figure, sums: &Sums, reading: Option<&Reading>) -> Vec<Compared> {
    let (mut n, mut n_excluded) = (sums.total().n, sums.total().n_excluded);
    let mut compared = match reading {
        Some(reading) => vec![compare("value", Some(reading.value()), figure.value, near)],
        None => match Velocity::of(sums) {
            Some(velocity) => {
                // What is counted are the open deals; a deal that is left out of two of the
                // rates is left out once.
                (n, n_excluded) = (velocity.open.n, sums.subjects_left_out);
                velocity.compare(figure)
            }
            None => of_sums(figure, &sums.total()),
        },
    };
    let mut count = |what, ours: i64, theirs: i64| {
        compared.push(Compared {
            what,
            contributions: ours.to_string(),
            figure: theirs.to_string(),
            is_same: ours == theirs,
        });
    };
    count("n", n, figure.n);
    count("n_excluded", n_excluded, figure.n_excluded);
    compared
}

pub(super) fn compare(
    what: &'static str,
    ours: Option<Millionths>,
    theirs: Option<Millionths>,
    same: fn(Option<Millionths>, Option<Millionths>) -> bool,
) -> Compared {
    Compared {
        what,
        contributions: shown(ours),
        figure: shown(theirs),
        is_same: same(ours, theirs),
    }
}

/// Of a figure that is a sum, its value; of a quotient of sums, both and the quotient.
fn of_sums(figure: &Figure, total: &Part) -> Vec<Compared> {
    if figure.numerator.is_none() && figure.denominator.is_none() {
        let sum = total.numerator.or(total.measured);
        return vec![compare("Σ", sum, figure.value, exactly)];
    }
    let mut compared = vec![
        compare("Σ numerator", total.numerator, figure.numerator, exactly),
        compare("Σ denominator", total.denominator, figure.denominator, exactly),
    ];
    let quotient = quotient(total.numerator, total.denominator);
    if quotient.is_some() && figure.value.is_some() {
        compared.push(compare("quotient", quotient, figure.value, near));
    }
    compared
}

/// The one figure that is a product: open deals × win rate × won size ÷ cycle, each of the three
/// a quotient of its own.
struct Velocity {
    open: Part,
    win_rate: Part,
    size: Part,
    cycle: Part,
}

impl Velocity {
    const PARTS: [&'static str; 4] = ["open_qualified", "win_rate", "size", "cycle"];

    /// The parts, where all there are belong to it.
    fn of(sums: &Sums) -> Option<Self> {
        let is_its = |part: &Part| Self::PARTS.contains(&part.name.as_str());
        if sums.parts.is_empty() || !sums.parts.iter().all(is_its) {
            return None;
        }
        let [open, win_rate, size, cycle] = Self::PARTS.map(|name| sums.part(name));
        Some(Self { open, win_rate, size, cycle })
    }

    fn compare(&self, figure: &Figure) -> Vec<Compared> {
        let rate = |part: &Part| quotient(part.numerator, part.denominator);
        let numerator = rate(&self.size).and_then(|size| {
            let won = self.open.numerator.unwrap_or_default().0.checked_mul(size.0)?;
            let decided = self.win_rate.denominator?.0;
            let won = won.checked_mul(self.win_rate.numerator?.0 / Millionths::ONE.0)?;
            won.checked_div(decided).map(Millionths)
        });
        let compared = [
            compare("open × win rate × size", numerator, figure.numerator, rounded),
            compare("cycle days", rate(&self.cycle), figure.denominator, near),
            compare("quotient", quotient(figure.numerator, figure.denominator), figure.value, near),
        ];
        compared.into()
    }
}

/// An error when something is not the same.
pub(super) fn judge(proof: &[Compared], metric: &str) -> Result<()> {
    let wrong: Vec<&Compared> = proof.iter().filter(|one| !one.is_same).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let mut error = Error::new(
        ErrorKind::CheckFailed,
        format!("the contributions do not add up to `{metric}`"),
    );
    for one in wrong {
        error = error.with(
            one.what,
            format!("{} in the contributions, {} in the figure", one.contributions, one.figure),
        );
    }
    Err(error.with_hint(
        "if models or settings were changed since the release was made, run the pipeline again; \
         if it stays so, the model of the figure and its contribution view disagree",
    ))
}

/// Numerator ÷ denominator; `None` where there is none, or it is beyond what fits.
pub(super) fn quotient(
    numerator: Option<Millionths>,
    denominator: Option<Millionths>,
) -> Option<Millionths> {
    let scaled = numerator?.0.checked_mul(Millionths::ONE.0)?;
    scaled.checked_div(denominator?.0).map(Millionths)
}

pub(super) fn exactly(ours: Option<Millionths>, theirs: Option<Millionths>) -> bool {
    ours == theirs
}

/// Quotients may be rounded or cut at the sixth digit.
pub(super) fn near(ours: Option<Millionths>, theirs: Option<Millionths>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours.0.abs_diff(theirs.0) <= 1,
        (ours, theirs) => ours == theirs,
    }
}

/// Products of rounded rates agree to nine digits or so.
fn rounded(ours: Option<Millionths>, theirs: Option<Millionths>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => {
            let most = theirs.0.unsigned_abs() / 100_000_000 + 10;
            ours.0.abs_diff(theirs.0) <= most
        }
        (ours, theirs) => ours == theirs,
    }
}

pub(super) fn shown(value: Option<Millionths>) -> String {
    value.map_or_else(|| NULL.to_owned(), |value| value.to_string())
}
