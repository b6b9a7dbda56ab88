//! One suite, run over every target. Each behaviour is a sentence of the contract of
//! [`Target`](crate::Target); a target brings nothing but its place: a way to see what readers see
//! there, and a way to break it in the middle of a load.

mod behaviours;
mod places;
mod world;
