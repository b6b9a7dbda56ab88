//! One account as an export shows it.

use chrono::{DateTime, Utc};

use crate::Cents;
use crate::world::Customer;

/// A customer or one that may become one.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number, from 0; accounts are numbered in the order of their creation.
    pub index: u64,
    /// Its name.
    pub name: String,
    /// Its industry.
    pub industry: &'static str,
    /// Its country.
    pub country: &'static str,
    /// Its revenue of a year.
    pub annual_revenue: Cents,
    /// How many people work there.
    pub employees: i64,
    /// The account it belongs to.
    pub parent: Option<u64>,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
}

impl From<Customer> for Account {
    fn from(account: Customer) -> Self {
        Self {
            index: account.index,
            name: account.name,
            industry: account.industry,
            country: account.country,
            annual_revenue: account.annual_revenue,
            employees: account.employees,
            parent: account.parent,
            created_at: account.created_at,
        }
    }
}

/// The id of the account with that number.
pub(crate) fn write_id(out: &mut Vec<u8>, index: u64) {
    use std::io::Write;
    write!(out, "A{:06}", index + 1).expect("writing to memory cannot fail");
}
