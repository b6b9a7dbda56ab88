//! The documentation site, as a reader's browser shows it, and the containers, as far as they can
//! be known without an engine.

mod browser;
mod containers;
mod served;
mod site;
