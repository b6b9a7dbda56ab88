//! Excel: one workbook, a sheet a table, typed and formatted, written with bounded memory.
//!
//! Excel's own limits are kept: a table that has more rows than a sheet goes on in a second one, a
//! name that is too long is shortened, a text that is too long for a cell is cut, and a number with
//! more digits than Excel keeps is written as text. Each of them is told.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Schema, TimestampMicrosecondType,
};
use chrono::{Datelike, Timelike};
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Note, Workbook, Worksheet, XlsxError};
use salesmart_core::{Error, ErrorKind, Result, TableContract};

/// Rows of a sheet, its header included.
const SHEET_ROWS: u32 = 1_048_576;
/// Columns of a sheet.
const SHEET_COLUMNS: usize = 16_384;
/// Characters of a sheet's name.
const NAME_LENGTH: usize = 31;
/// Characters of a cell.
const CELL_LENGTH: usize = 32_767;
/// Digits that Excel keeps.
const DIGITS: usize = 15;
/// The first year that Excel has.
const FIRST_YEAR: i32 = 1900;

fn failed(error: XlsxError) -> Error {
    let full = matches!(&error, XlsxError::IoError(_));
    let error =
        Error::new(ErrorKind::TargetRefused, "failed to write the workbook").with_source(error);
    if full {
        return error.with_hint("make room in the folder for temporary files (`TMPDIR`)");
    }
    error
}

/// A workbook that is being written.
pub(super) struct Book {
    workbook: Workbook,
    names: BTreeSet<String>,
    formats: Formats,
    cut_texts: u64,
    long_numbers: u64,
    old_dates: u64,
    pub(super) notes: Vec<String>,
}

struct Formats {
    header: Format,
    whole: Format,
    day: Format,
    instant: Format,
    wrapped: Format,
}

/// What the first sheet says of a table.
pub(super) struct Content<'a> {
    pub(super) table: &'a str,
    pub(super) description: &'a str,
    pub(super) rows: u64,
}

/// One table under way.
pub(super) struct Sheet<'a> {
    table: &'a str,
    schema: &'a Schema,
    contract: &'a TableContract,
    /// The formats of the decimal columns.
    decimals: Vec<Option<Format>>,
    index: usize,
    row: u32,
    part: usize,
}

impl Book {
    pub(super) fn new(title: &str, contents: &[Content<'_>]) -> Result<Self> {
        let formats = Formats {
            header: Format::new().set_bold().set_background_color("#DDE6F0"),
            whole: Format::new().set_num_format("#,##0"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            wrapped: Format::new().set_text_wrap().set_align(FormatAlign::Top),
        };
        let mut book = Self {
            workbook: Workbook::new(),
            names: BTreeSet::new(),
            formats,
            cut_texts: 0,
            long_numbers: 0,
            old_dates: 0,
            notes: Vec::new(),
        };
        book.contents(title, contents).map_err(failed)?;
        Ok(book)
    }

    fn contents(&mut self, title: &str, contents: &[Content<'_>]) -> Result<(), XlsxError> {
        self.names.insert("contents".to_owned());
        let sheet = self.workbook.add_worksheet();
        sheet.set_name("Contents")?.set_column_width(0, 36)?.set_column_width(2, 90)?;
        sheet.write_string_with_format(0, 0, title, &Format::new().set_bold())?;
        for (column, name) in (0..).zip(["table", "rows", "what it is"]) {
            sheet.write_string_with_format(2, column, name, &self.formats.header)?;
        }
        for (row, content) in (3..).zip(contents) {
            sheet.write_string(row, 0, content.table)?;
            #[expect(clippy::cast_precision_loss, reason = "a count of rows is far below 2^53")]
            sheet.write_number_with_format(row, 1, content.rows as f64, &self.formats.whole)?;
            sheet.write_string_with_format(row, 2, content.description, &self.formats.wrapped)?;
        }
        Ok(())
    }

    /// Begins a table.
    pub(super) fn sheet<'a>(
        &mut self,
        table: &'a str,
        schema: &'a Schema,
        contract: &'a TableContract,
    ) -> Result<Sheet<'a>> {
        if schema.fields().len() > SHEET_COLUMNS {
            return Err(Error::new(
                ErrorKind::TargetRefused,
                format!("`{table}` has more columns than a sheet of Excel ({SHEET_COLUMNS})"),
            )
            .with_hint("leave it out with `tables`"));
        }
        let decimals = schema
            .fields()
            .iter()
            .map(|field| match field.data_type() {
                DataType::Decimal128(_, scale) => {
                    let digits = usize::from(scale.unsigned_abs());
                    let pattern = match digits {
                        0 => "#,##0".to_owned(),
                        digits => format!("#,##0.{}", "0".repeat(digits)),
                    };
                    Some(Format::new().set_num_format(pattern))
                }
                _ => None,
            })
            .collect();
        let mut sheet = Sheet { table, schema, contract, decimals, index: 0, row: 0, part: 0 };
        self.begin(&mut sheet)?;
        Ok(sheet)
    }

    /// Adds a worksheet and writes its header.
    fn begin(&mut self, sheet: &mut Sheet<'_>) -> Result<()> {
        sheet.part += 1;
        let name = self.name(sheet.table, sheet.part);
        let header = &self.formats.header;
        let write = |worksheet: &mut Worksheet| -> Result<(), XlsxError> {
            worksheet.set_name(&name)?.set_freeze_panes(1, 0)?;
            for (column, field) in (0u16..).zip(sheet.schema.fields()) {
                let title = match field.data_type() {
                    DataType::Timestamp(..) => format!("{} (UTC)", field.name()),
                    _ => field.name().clone(),
                };
                worksheet.write_string_with_format(0, column, &title, header)?;
                let doc = sheet.contract.column(field.name()).map_or("", |c| c.doc.as_str());
                if !doc.is_empty() {
                    worksheet.insert_note(0, column, &Note::new(doc).set_author("Salesmart"))?;
                }
                let narrow = match field.data_type() {
                    DataType::Timestamp(..) => 20.0,
                    DataType::Utf8 => 18.0,
                    _ => 13.0,
                };
                let wide = u32::try_from(title.chars().count()).unwrap_or(0) + 4;
                worksheet.set_column_width(column, f64::from(wide).max(narrow))?;
            }
            Ok(())
        };
        let worksheet = self.workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        write(worksheet).map_err(failed)?;
        sheet.index = self.names.len() - 1;
        sheet.row = 1;
        if sheet.part == 2 {
            self.notes.push(format!(
                "`{}` has more rows than a sheet of Excel holds ({}): it goes on in further sheets",
                sheet.table,
                SHEET_ROWS - 1
            ));
        }
        Ok(())
    }

    /// A sheet's name: short enough, without what Excel forbids, and not taken. Letter case makes no
    /// difference to Excel.
    fn name(&mut self, table: &str, part: usize) -> String {
        let ending = if part == 1 { String::new() } else { format!(" ({part})") };
        let plain: String =
            table.chars().map(|c| if "[]:*?/\\'".contains(c) { '_' } else { c }).collect();
        let candidate = |n: u32| -> String {
            let ending = if n == 1 { ending.clone() } else { format!("~{n}{ending}") };
            let room = NAME_LENGTH.saturating_sub(ending.chars().count());
            plain.chars().take(room).chain(ending.chars()).collect()
        };
        let is_free = |name: &String| !self.names.contains(&name.to_lowercase());
        let name = (1..).map(candidate).find(is_free).unwrap_or_default();
        self.names.insert(name.to_lowercase());
        if part == 1 && name != table {
            self.notes.push(format!("the sheet of `{table}` is called `{name}`"));
        }
        name
    }

    /// Writes the rows of a batch.
    pub(super) fn batch(&mut self, sheet: &mut Sheet<'_>, batch: &RecordBatch) -> Result<()> {
        for row in 0..batch.num_rows() {
            if sheet.row == SHEET_ROWS {
                self.end(sheet)?;
                self.begin(sheet)?;
            }
            for (n, column) in batch.columns().iter().enumerate() {
                if column.is_valid(row) {
                    self.cell(sheet, n, column, row)?;
                }
            }
            sheet.row += 1;
        }
        Ok(())
    }

    fn cell(&mut self, sheet: &Sheet<'_>, n: usize, column: &ArrayRef, row: usize) -> Result<()> {
        let at = u16::try_from(n).unwrap_or(u16::MAX);
        let worksheet = self.workbook.worksheet_from_index(sheet.index).map_err(failed)?;
        let written = match column.data_type() {
            DataType::Utf8 => {
                let text = column.as_string::<i32>().value(row);
                // Excel counts in UTF-16.
                if text.len() > CELL_LENGTH && text.encode_utf16().count() > CELL_LENGTH {
                    self.cut_texts += 1;
                    let cut: String = cut(text);
                    worksheet.write_string(sheet.row, at, &cut)
                } else {
                    worksheet.write_string(sheet.row, at, text)
                }
            }
            DataType::Boolean => {
                worksheet.write_boolean(sheet.row, at, column.as_boolean().value(row))
            }
            DataType::Float64 => {
                let value = column.as_primitive::<Float64Type>().value(row);
                match value.is_finite() {
                    true => worksheet.write_number(sheet.row, at, value),
                    false => worksheet.write_string(sheet.row, at, value.to_string()),
                }
            }
            DataType::Int64 | DataType::Decimal128(..) => {
                let text = match column.data_type() {
                    DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
                    _ => column.as_primitive::<Decimal128Type>().value_as_string(row),
                };
                let format =
                    sheet.decimals.get(n).and_then(Option::as_ref).unwrap_or(&self.formats.whole);
                match exact(&text) {
                    Some(number) => {
                        worksheet.write_number_with_format(sheet.row, at, number, format)
                    }
                    None => {
                        self.long_numbers += 1;
                        worksheet.write_string(sheet.row, at, &text)
                    }
                }
            }
            DataType::Date32 => {
                let day = column.as_primitive::<Date32Type>().value_as_date(row);
                match day.and_then(|day| excel_day(day.year(), day.month(), day.day())) {
                    Some(date) => worksheet.write_datetime_with_format(
                        sheet.row,
                        at,
                        &date,
                        &self.formats.day,
                    ),
                    None => {
                        self.old_dates += 1;
                        worksheet.write_string(sheet.row, at, super::csv::plain(column, row)?)
                    }
                }
            }
            DataType::Timestamp(..) => {
                let instant =
                    column.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row);
                let date = instant.and_then(|instant| {
                    let seconds = f64::from(instant.second())
                        + f64::from(instant.nanosecond() / 1_000_000) / 1_000.0;
                    let (hour, minute) = (instant.hour(), instant.minute());
                    excel_day(instant.year(), instant.month(), instant.day())?
                        .and_hms(u16::try_from(hour).ok()?, u8::try_from(minute).ok()?, seconds)
                        .ok()
                });
                match date {
                    Some(date) => worksheet.write_datetime_with_format(
                        sheet.row,
                        at,
                        &date,
                        &self.formats.instant,
                    ),
                    None => {
                        self.old_dates += 1;
                        worksheet.write_string(sheet.row, at, super::csv::plain(column, row)?)
                    }
                }
            }
            _ => worksheet.write_string(sheet.row, at, super::csv::plain(column, row)?),
        };
        written.map(drop).map_err(failed)
    }

    /// Ends a table.
    pub(super) fn end(&mut self, sheet: &Sheet<'_>) -> Result<()> {
        let columns = u16::try_from(sheet.schema.fields().len()).unwrap_or(0);
        if columns == 0 {
            return Ok(());
        }
        let worksheet = self.workbook.worksheet_from_index(sheet.index).map_err(failed)?;
        worksheet
            .autofilter(0, 0, sheet.row.saturating_sub(1), columns - 1)
            .map(drop)
            .map_err(failed)
    }

    /// Writes the workbook, and returns what a person should know of it.
    pub(super) fn save(mut self, path: &std::path::Path) -> Result<Vec<String>> {
        self.workbook.save(path).map_err(failed)?;
        let mut notes = self.notes;
        for (count, what) in [
            (self.cut_texts, "texts are longer than a cell of Excel holds and were cut"),
            (self.long_numbers, "numbers have more digits than Excel keeps (15) and are texts"),
            (self.old_dates, "dates are outside of Excel's years and are texts"),
        ] {
            if count > 0 {
                notes.push(format!("workbook: {count} {what}"));
            }
        }
        Ok(notes)
    }
}

/// A text that fits a cell, with an ellipsis where it was cut.
fn cut(text: &str) -> String {
    let mut length = 1;
    let mut kept: String = text
        .chars()
        .take_while(|c| {
            length += c.len_utf16();
            length <= CELL_LENGTH
        })
        .collect();
    kept.push('…');
    kept
}

/// A number, if Excel keeps all its digits.
fn exact(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '0', '.']).replace('.', "");
    let significant = match text.contains('.') {
        true => digits.trim_end_matches('0').len(),
        false => digits.len(),
    };
    (significant <= DIGITS).then(|| text.parse().ok()).flatten()
}

fn excel_day(year: i32, month: u32, day: u32) -> Option<ExcelDateTime> {
    if year < FIRST_YEAR {
        return None;
    }
    ExcelDateTime::from_ymd(
        u16::try_from(year).ok()?,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numbers_as_long_as_no_digit_is_lost() {
        assert_eq!(exact("123456789012345"), Some(123_456_789_012_345.0));
        assert_eq!(exact("1234567890123456"), None);
        assert_eq!(exact("-1234567890123.45"), Some(-1_234_567_890_123.45));
        assert_eq!(exact("12345678901234.567"), None);
        assert_eq!(exact("0.000000000000000001"), Some(1e-18));
        assert_eq!(exact("0.50"), Some(0.5));
        assert_eq!(exact("0"), Some(0.0));
    }

    #[test]
    fn names_of_sheets_are_short_and_differ() {
        let mut book = Book::new("r", &[]).unwrap();
        let long = "mart.fct_pipeline_efficiency_contribution";
        let first = book.name(long, 1);
        assert_eq!(first, "mart.fct_pipeline_efficiency_co");
        let other = book.name("mart.fct_pipeline_efficiency_contribution_more", 1);
        assert_eq!(other, "mart.fct_pipeline_efficiency_~2");
        assert_eq!(book.name(long, 2), "mart.fct_pipeline_efficienc (2)");
        assert_eq!(book.name("a[b]:c", 1), "a_b__c");
        assert_eq!(cut(&"ä".repeat(40_000)).encode_utf16().count(), CELL_LENGTH);
    }
}
