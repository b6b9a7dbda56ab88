//! Tables for people: aligned columns, numbers to the right, wide text wrapped to the terminal.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use salesmart_core::Result;

use super::cell::{CellKind, Column};
use super::{BatchWriter, Sink};
use crate::style::Style;

/// How null reads in a table, so that it is told from an empty text.
pub(super) const NULL: &str = "∅";

/// More rows than anybody reads; the table says how many it leaves out.
const MOST_ROWS: usize = 1_000;

/// To which side a column leans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table whose cells are text already.
pub struct TextTable(Table);

impl TextTable {
    /// A table with these columns.
    #[must_use]
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(terminal_width());
        let (names, sides): (Vec<String>, Vec<Align>) =
            columns.into_iter().map(|(name, side)| (name.into(), side)).unzip();
        table.set_header(names);
        for (column, side) in table.column_iter_mut().zip(&sides) {
            column.set_padding((0, 2));
            column.set_cell_alignment(match side {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        Self(table)
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0.add_row(cells.into_iter().map(|cell| Cell::new(cell.into())));
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The table as lines, the header set off by colour or by a rule under it.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let text = self.0.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let mut rendered = String::new();
        for (place, line) in lines.iter().enumerate() {
            rendered.push_str(&if place == 0 { style.bold(line) } else { (*line).to_owned() });
            rendered.push('\n');
            if place == 0 {
                rendered.push_str(&style.dim(&"─".repeat(width)));
                rendered.push('\n');
            }
        }
        rendered
    }
}

/// The width to lay tables out for: `COLUMNS` where it is set, or as wide as the text is. Into
/// files and pipes always the latter, so that what is read there does not depend on a window.
fn terminal_width() -> u16 {
    use std::io::IsTerminal;
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<u16>().ok());
    match columns {
        Some(columns) if std::io::stdout().is_terminal() => columns.max(60),
        _ => u16::MAX,
    }
}

/// Keeps the rows until their widths are known.
pub(super) struct TableWriter {
    sink: Sink,
    style: Style,
    table: TextTable,
    rows: usize,
}

impl TableWriter {
    pub(super) fn new(sink: Sink, schema: SchemaRef, style: Style) -> Self {
        let columns = schema.fields().iter().map(|field| {
            let side = match CellKind::of(field.data_type()) {
                CellKind::Number | CellKind::Float => Align::Right,
                CellKind::Boolean | CellKind::Text => Align::Left,
            };
            (field.name().clone(), side)
        });
        Self { sink, style, table: TextTable::new(columns), rows: 0 }
    }
}

impl BatchWriter for TableWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let shown = MOST_ROWS.saturating_sub(self.rows).min(batch.num_rows());
        for row in 0..shown {
            self.table.row(columns.iter().map(|c| c.text(row).unwrap_or_else(|| NULL.to_owned())));
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Sink> {
        let mut text = self.table.render(self.style);
        let rows = self.rows;
        let count = match rows {
            1 => "1 row".to_owned(),
            _ if rows > MOST_ROWS => {
                format!("the first {MOST_ROWS} of {rows} rows; `--format csv` writes them all")
            }
            _ => format!("{rows} rows"),
        };
        text.push_str(&self.style.dim(&format!("({count})")));
        text.push('\n');
        self.sink.text(&text)?;
        Ok(self.sink)
    }
}
