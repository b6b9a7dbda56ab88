//! The engine of the server: releases that are open, sessions over them, limits.

mod description;

pub(crate) use description::{COMMENT, Description, SchemaDescription, TableDescription};
