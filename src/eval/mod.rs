//! Measuring: accuracy, size and time.
//!
//! * [`confidence`]: when to say "not sure".
//! * [`metrics`]: right answers.
//! * [`answers`]: what both models say about the same images.
//! * [`size`]: bytes, itemised.
//! * [`timing`]: two sides in turn, in samples long enough for a coarse clock.

pub mod answers;
pub mod confidence;
pub mod metrics;
pub mod size;
pub mod timing;
