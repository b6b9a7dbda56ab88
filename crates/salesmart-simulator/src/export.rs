//! The export files: what a CRM hands over when asked for everything.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use salesmart_core::{Error, Result};

use crate::words::PRODUCTS;
use crate::{Cents, Company, Deal, Stage, account, calendar};

/// How many rows each file got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// `opportunities.csv`.
    pub opportunities: u64,
    /// `accounts.csv`.
    pub accounts: u64,
    /// `users.csv`.
    pub users: u64,
    /// `teams.csv`.
    pub teams: u64,
    /// `products.csv`.
    pub products: u64,
    /// `stages.csv`.
    pub stages: u64,
}

impl Company {
    /// Writes the export files into `dir`, which is made if it is not there. Memory does not grow
    /// with the number of deals.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_export(&self, dir: &Path) -> Result<Exported> {
        std::fs::create_dir_all(dir).map_err(|e| {
            Error::configuration(format!("failed to create the folder `{}`", dir.display()))
                .with_source(e)
        })?;
        Ok(Exported {
            opportunities: self.write_opportunities(dir)?,
            accounts: self.write_accounts(dir)?,
            users: self.write_users(dir)?,
            teams: self.write_teams(dir)?,
            products: self.write_products(dir)?,
            stages: write_stages(dir)?,
        })
    }

    fn write_opportunities(&self, dir: &Path) -> Result<u64> {
        let header = "opportunity_id,name,account_id,owner_id,product_id,stage,amount,currency,probability,\
                      created_at,engaged_at,expected_close_date,closed_at,lost_reason,last_activity_at,\
                      push_count";
        Table::write(dir, "opportunities.csv", header, self.deals(), |row, deal| {
            self.opportunity(row, &deal);
        })
    }

    fn opportunity(&self, row: &mut Row, deal: &Deal) {
        row.with(|out| write!(out, "D{:07}", deal.index + 1));
        row.text(&deal.name);
        match deal.account {
            Some(index) => row.field(|out| account::write_id(out, index)),
            None => row.text(""),
        }
        row.text(&self.users()[deal.owner].user_id);
        row.with(|out| write!(out, "P{:02}", deal.product + 1));
        row.text(deal.stage.name());
        row.money(deal.amount);
        row.text("USD");
        row.probability(deal.probability);
        row.instant(Some(deal.created_at));
        row.instant(deal.engaged_at);
        row.date(Some(deal.expected_close));
        row.instant(deal.closed_at);
        row.text(deal.lost_reason.unwrap_or_default());
        row.instant(Some(deal.last_activity_at));
        row.number(deal.push_count);
    }

    fn write_accounts(&self, dir: &Path) -> Result<u64> {
        let header = "account_id,name,industry,country,annual_revenue,employees,parent_account_id,created_at";
        Table::write(dir, "accounts.csv", header, self.accounts(), |row, account| {
            row.field(|out| account::write_id(out, account.index));
            row.text(&account.name);
            row.text(account.industry);
            row.text(account.country);
            row.money(Some(account.annual_revenue));
            row.number(account.employees);
            match account.parent {
                Some(parent) => row.field(|out| account::write_id(out, parent)),
                None => row.text(""),
            }
            row.instant(Some(account.created_at));
        })
    }

    fn write_users(&self, dir: &Path) -> Result<u64> {
        let header = "user_id,name,email,team_id,manager_id,is_active,start_date,end_date";
        Table::write(dir, "users.csv", header, self.users().iter(), |row, user| {
            row.text(&user.user_id);
            row.text(&user.name);
            row.text(&user.email);
            row.text(user.team.map_or("", |team| &self.teams()[team].team_id));
            row.text(user.manager_id.as_deref().unwrap_or_default());
            row.text(if user.works_on(self.as_of()) { "true" } else { "false" });
            row.date(Some(user.start_date));
            row.date(user.end_date);
        })
    }

    fn write_teams(&self, dir: &Path) -> Result<u64> {
        Table::write(
            dir,
            "teams.csv",
            "team_id,name,region,manager_id",
            self.teams().iter(),
            |row, team| {
                row.text(&team.team_id);
                row.text(&team.name);
                row.text(team.region);
                row.text(&team.manager_id);
            },
        )
    }

    fn write_products(&self, dir: &Path) -> Result<u64> {
        let products = PRODUCTS.iter().zip(1..);
        Table::write(
            dir,
            "products.csv",
            "product_id,name,family,list_price",
            products,
            |row, (product, n)| {
                row.with(|out| write!(out, "P{n:02}"));
                row.text(product.name);
                row.text(product.family);
                row.money(Some(Cents(product.list_price)));
            },
        )
    }
}

fn write_stages(dir: &Path) -> Result<u64> {
    let header = "stage,sort_order,stage_type,is_qualified,probability";
    Table::write(
        dir,
        "stages.csv",
        header,
        Stage::ALL.into_iter().zip(1..),
        |row, (stage, n): (Stage, u32)| {
            row.text(stage.name());
            row.number(n);
            row.text(stage.outcome());
            row.text(if stage.is_qualified() { "true" } else { "false" });
            row.probability(stage.probability());
        },
    )
}

/// One file being written.
struct Table;

impl Table {
    /// Writes a header and a row for each item.
    fn write<T>(
        dir: &Path,
        file: &str,
        header: &str,
        items: impl Iterator<Item = T>,
        fill: impl Fn(&mut Row, T),
    ) -> Result<u64> {
        let path = dir.join(file);
        let failed = |e| {
            Error::configuration(format!("failed to write `{}`", path.display()))
                .with_source(e)
                .with_hint("make the folder writable, or name another one")
        };
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path).map_err(failed)?);
        writeln!(out, "{header}").map_err(failed)?;
        let mut row = Row::default();
        let mut rows = 0;
        for item in items {
            row.line.clear();
            fill(&mut row, item);
            row.line.push(b'\n');
            out.write_all(&row.line).map_err(failed)?;
            rows += 1;
        }
        out.flush().map_err(failed)?;
        Ok(rows)
    }
}

/// One line, built in memory that is used again for the next.
#[derive(Default)]
struct Row {
    line: Vec<u8>,
    field: Vec<u8>,
}

impl Row {
    /// Adds a field, quoted where CSV asks for it.
    fn field(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.field.clear();
        write(&mut self.field);
        if !self.line.is_empty() {
            self.line.push(b',');
        }
        if self.field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
            self.line.push(b'"');
            for byte in &self.field {
                if *byte == b'"' {
                    self.line.push(b'"');
                }
                self.line.push(*byte);
            }
            self.line.push(b'"');
        } else {
            self.line.extend_from_slice(&self.field);
        }
    }

    fn with(&mut self, write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) {
        self.field(|out| write(out).expect("writing to memory cannot fail"));
    }

    fn text(&mut self, text: &str) {
        self.field(|out| out.extend_from_slice(text.as_bytes()));
    }

    fn number(&mut self, number: impl Into<i64>) {
        let number = number.into();
        self.with(|out| write!(out, "{number}"));
    }

    fn money(&mut self, amount: Option<Cents>) {
        match amount {
            Some(amount) => self.with(|out| write!(out, "{amount}")),
            None => self.text(""),
        }
    }

    /// Millionths as a fraction without needless zeros: `0.45`, `0.0625`, `1`.
    fn probability(&mut self, millionths: u32) {
        self.with(|out| {
            write!(out, "{}", millionths / 1_000_000)?;
            let mut rest = millionths % 1_000_000;
            if rest > 0 {
                let mut digits = 6;
                while rest.is_multiple_of(10) {
                    rest /= 10;
                    digits -= 1;
                }
                write!(out, ".{rest:0digits$}")?;
            }
            Ok(())
        });
    }

    fn date(&mut self, day: Option<NaiveDate>) {
        self.field(|out| {
            if let Some(day) = day {
                calendar::write_date(out, day);
            }
        });
    }

    fn instant(&mut self, instant: Option<DateTime<Utc>>) {
        self.field(|out| {
            if let Some(instant) = instant {
                calendar::write_instant(out, instant);
            }
        });
    }
}
