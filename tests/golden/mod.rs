//! Whole runs whose figures are known from somewhere else.

mod by_hand;
mod crm_sales_opportunities;
mod real_input;
mod simulated;
