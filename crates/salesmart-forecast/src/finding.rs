//! What is wrong with the history.

use serde::Serialize;

use crate::Seal;

/// What kind of thing is wrong; those about the chain first, the clearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A snapshot was taken out.
    Removed,
    /// A snapshot was put in.
    Inserted,
    /// A snapshot does not follow the one before it.
    LinkBroken,
    /// The newest snapshots are gone.
    CutOff,
    /// Snapshots do not ascend in time.
    OutOfOrder,
    /// A snapshot has fewer lines than were sealed.
    RowsMissing,
    /// A snapshot has more lines than were sealed.
    RowsAdded,
    /// Lines of a snapshot are others than those that were sealed, as many of them.
    RowsEdited,
    /// What a snapshot says of itself was edited: number, date, period, run, counts.
    HeaderEdited,
    /// The hash that is kept with a snapshot is not the one of its document.
    SealEdited,
    /// Another hash was recorded when it was sealed: it was sealed anew afterwards.
    Resealed,
    /// Rows belong to no snapshot.
    Orphaned,
    /// A column has values that no seal covers.
    Unsealed,
    /// A data file is not there.
    FileMissing,
    /// A data file has other bytes than were written.
    FileRewritten,
    /// A data file cannot be read.
    FileUnreadable,
    /// A table that is only ever appended to was rewritten.
    LogRewritten,
    /// A table's log lacks a commit, or has a damaged one.
    LogDamaged,
    /// The ledger does not ascend in what was known.
    LedgerOutOfOrder,
    /// A table is not there although others of the history are.
    TableMissing,
}

impl FindingKind {
    /// As tables and documents spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::RowsEdited => "rows_edited",
            FindingKind::RowsMissing => "rows_missing",
            FindingKind::RowsAdded => "rows_added",
            FindingKind::HeaderEdited => "header_edited",
            FindingKind::SealEdited => "seal_edited",
            FindingKind::LinkBroken => "link_broken",
            FindingKind::Removed => "removed",
            FindingKind::Inserted => "inserted",
            FindingKind::Resealed => "resealed",
            FindingKind::CutOff => "cut_off",
            FindingKind::OutOfOrder => "out_of_order",
            FindingKind::Orphaned => "orphaned",
            FindingKind::Unsealed => "unsealed",
            FindingKind::FileMissing => "file_missing",
            FindingKind::FileRewritten => "file_rewritten",
            FindingKind::FileUnreadable => "file_unreadable",
            FindingKind::LogRewritten => "log_rewritten",
            FindingKind::LogDamaged => "log_damaged",
            FindingKind::LedgerOutOfOrder => "ledger_out_of_order",
            FindingKind::TableMissing => "table_missing",
        }
    }

    /// Whether the chain itself does not hold at the snapshot that the finding names.
    #[must_use]
    pub fn breaks_the_chain(self) -> bool {
        matches!(
            self,
            FindingKind::RowsEdited
                | FindingKind::RowsMissing
                | FindingKind::RowsAdded
                | FindingKind::HeaderEdited
                | FindingKind::SealEdited
                | FindingKind::LinkBroken
                | FindingKind::Removed
                | FindingKind::Inserted
                | FindingKind::Resealed
                | FindingKind::CutOff
                | FindingKind::OutOfOrder
        )
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// The snapshot's number, where it is about one; of a removed one the first that is missing.
    pub snapshot_no: Option<i64>,
    /// Where: a snapshot, a table, a file.
    pub subject: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What should be there.
    pub expected: Option<String>,
    /// What is there.
    pub found: Option<String>,
}

impl Finding {
    /// A finding about a table, a file or a document.
    pub(crate) fn about(
        kind: FindingKind,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            snapshot_no: None,
            subject: subject.into(),
            message: message.into(),
            expected: None,
            found: None,
        }
    }

    /// A finding about a snapshot.
    pub(crate) fn of(kind: FindingKind, seal: &Seal, message: impl Into<String>) -> Self {
        let mut finding = Self::about(kind, seal.label(), message);
        finding.snapshot_no = Some(seal.snapshot_no);
        finding
    }

    pub(crate) fn at(mut self, snapshot_no: i64) -> Self {
        self.snapshot_no = Some(snapshot_no);
        self
    }

    pub(crate) fn instead_of(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.expected = Some(expected.to_string());
        self.found = Some(found.to_string());
        self
    }
}
