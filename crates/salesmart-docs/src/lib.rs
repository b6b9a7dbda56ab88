//! The site: what every table, column and figure of a release means, and where it comes from.
