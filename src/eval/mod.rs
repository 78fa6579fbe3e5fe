//! Measuring: accuracy, size and time.
//!
//! * [`confidence`]: when to say "not sure".
//! * [`metrics`]: right answers.
//! * [`size`]: bytes, itemised.
//! * [`timing`]: two sides in turn, in samples long enough for a coarse clock.

pub mod confidence;
pub mod metrics;
pub mod size;
pub mod timing;
