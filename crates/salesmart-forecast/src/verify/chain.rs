//! Following the chain from seal to seal, by what the seals say of themselves. Whether they speak
//! the truth is the business of [`super::rows`].

use std::collections::{HashMap, HashSet};

use crate::canonical::NOTHING_BEFORE;
use crate::seal::SealKey;
use crate::{Finding, FindingKind, Seal};

/// Everything that is wrong with the order of the seals. They come sorted by number.
pub(super) fn follow(seals: &[Seal]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_hash: HashMap<&str, &Seal> = seals.iter().map(|s| (s.hash.as_str(), s)).collect();
    if let Some(first) = seals.first() {
        findings.extend(beginning(first));
    }
    for pair in seals.windows(2) {
        if let [before, after] = pair {
            findings.extend(link(before, after, &by_hash));
            findings.extend(time(before, after));
        }
    }
    let mut seen: HashSet<SealKey> = HashSet::new();
    for seal in seals {
        if !seen.insert(seal.key()) {
            findings.push(Finding::of(
                FindingKind::Inserted,
                seal,
                "this night and period were sealed before: one of the two was inserted",
            ));
        }
    }
    findings
}

fn beginning(first: &Seal) -> Option<Finding> {
    if first.snapshot_no > 1 {
        let message =
            format!("the chain begins with {}: {} removed", first.label(), range(1, first));
        let finding = Finding::about(FindingKind::Removed, "no 1", message).at(1);
        return Some(finding.instead_of(1, first.snapshot_no));
    }
    if first.previous_hash != NOTHING_BEFORE {
        let message = "the first snapshot names one before it: the beginning of the chain is gone";
        return Some(
            Finding::of(FindingKind::LinkBroken, first, message)
                .instead_of(NOTHING_BEFORE, &first.previous_hash),
        );
    }
    None
}

/// What is wrong between two neighbours.
fn link(before: &Seal, after: &Seal, by_hash: &HashMap<&str, &Seal>) -> Option<Finding> {
    let fits = after.previous_hash == before.hash;
    if after.snapshot_no == before.snapshot_no {
        let message =
            format!("there are two snapshots with this number; the other is {}", before.label());
        return Some(Finding::of(FindingKind::Inserted, after, message));
    }
    if after.hash == before.hash {
        let message = format!("it was inserted: it is a copy of {}", before.label());
        return Some(Finding::of(FindingKind::Inserted, after, message));
    }
    let next = before.snapshot_no + 1;
    if after.snapshot_no > next {
        let message = format!(
            "{} removed: {} is followed by {}{}",
            range(next, after),
            before.label(),
            after.label(),
            if fits { ", which was given its hash" } else { "" },
        );
        let finding = Finding::about(FindingKind::Removed, format!("no {next}"), message).at(next);
        return Some(if fits {
            finding
        } else {
            finding.instead_of(&after.previous_hash, &before.hash)
        });
    }
    if fits {
        return None;
    }
    // The one it does follow tells what happened in between.
    let finding = match by_hash.get(after.previous_hash.as_str()) {
        Some(earlier) if earlier.snapshot_no < before.snapshot_no => {
            let message = format!(
                "it was inserted: {} follows {}, not this one",
                after.label(),
                earlier.label()
            );
            Finding::of(FindingKind::Inserted, before, message)
        }
        _ => {
            let message = format!(
                "it does not follow {}: the hash it names as the one before is of no snapshot, so \
                 that one was removed, or replaced by another",
                before.label()
            );
            Finding::of(FindingKind::LinkBroken, after, message)
        }
    };
    Some(finding.instead_of(&after.previous_hash, &before.hash))
}

/// Seals ascend by night, and by period within a night.
fn time(before: &Seal, after: &Seal) -> Option<Finding> {
    if after.key() > before.key() && after.as_of >= before.as_of {
        return None;
    }
    let message = format!("it comes after {} and shows no later night or period", before.label());
    Some(
        Finding::of(FindingKind::OutOfOrder, after, message)
            .instead_of(format!("after {}", before.as_of), after.as_of),
    )
}

/// `no 3 was`, `no 3 to 7 were`.
fn range(first: i64, after: &Seal) -> String {
    let last = after.snapshot_no - 1;
    if last > first { format!("no {first} to {last} were") } else { format!("no {first} was") }
}
