//! Measuring: accuracy, size and time.
//!
//! * [`confidence`]: when to say "not sure".
//! * [`metrics`]: right answers.
//! * [`confusion`]: which digit is taken for which.
//! * [`answers`]: what both models say about the same images, and where they differ.
//! * [`cost`]: what layers are made of, and what an image costs them.
//! * [`explain`]: one output of one layer, step by step.
//! * [`size`]: bytes, itemised.
//! * [`sensitivity`]: which layer is to blame.
//! * [`statistics`]: how much a count of right answers says.
//! * [`timing`]: two sides in turn, in samples long enough for a coarse clock.

pub mod answers;
pub mod confidence;
pub mod confusion;
pub mod cost;
pub mod explain;
pub mod metrics;
pub mod sensitivity;
pub mod size;
pub mod statistics;
pub mod timing;
