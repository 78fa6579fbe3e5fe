//! Measuring: accuracy, size and time.
//!
//! * [`metrics`]: right answers.
//! * [`size`]: bytes, itemised.
//! * [`timing`]: two sides in turn, in samples long enough for a coarse clock.

pub mod metrics;
pub mod size;
pub mod timing;
