//! The seeded division of a data set into training and test rows.
//!
//! For every seed these are the very rows, in the very order, of scikit-learn's
//! `train_test_split(arange(n), test_size=…, random_state=seed)`: MT19937 seeded as numpy's `RandomState` does it, then
//! numpy's legacy shuffle (Fisher-Yates from the end; each index drawn by masking 32 bits and rejecting), the first
//! rows of the permutation being the test rows. numpy has frozen that generator, so the lists will not change.
//! Held by `tests/suite/data.rs` against the published lists of seed 42.

use rand_mt::Mt;

/// Row numbers of the training and the test part: disjoint, together every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on (and to calibrate on).
    pub train: Vec<u32>,
    /// Rows that are only ever used to report accuracy.
    pub test: Vec<u32>,
}

impl Split {
    /// The seed of the published lab and of the default split.
    pub const DEFAULT_SEED: u32 = 42;

    /// Share of rows that are kept for the test.
    pub const TEST_FRACTION: f64 = 0.2;

    /// Splits `rows` rows 80 to 20; the test part is rounded up, as scikit-learn does.
    pub fn seeded(rows: u32, seed: u32) -> Self {
        let mut order = permutation(rows, seed);
        let test_rows = libm::ceil(f64::from(rows) * Self::TEST_FRACTION) as usize;
        let train = order.split_off(test_rows);
        Self { train, test: order }
    }
}

/// `numpy.random.RandomState(seed).permutation(n)`.
fn permutation(n: u32, seed: u32) -> Vec<u32> {
    let mut generator = Mt::new(seed);
    let mut order: Vec<u32> = (0..n).collect();
    for last in (1..order.len()).rev() {
        let mask = (last + 1).next_power_of_two() as u32 - 1;
        let other = loop {
            let draw = (generator.next_u32() & mask) as usize;
            if draw <= last {
                break draw;
            }
        };
        order.swap(last, other);
    }
    order
}
