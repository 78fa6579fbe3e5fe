//! The project's random numbers: one seeded generator, passed to whoever draws, and the few draws that training needs.
//!
//! The generator is PCG32 (M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
//! Random Number Generation", 2014; XSH-RR, 64-bit state, from `rand_pcg`). A step is one 64-bit multiplication, which
//! is one WebAssembly instruction; the 128-bit products of PCG64 would be a dozen, and ChaCha is for secrets, of which
//! there are none here. It passes BigCrush, and its period of 2^64 is far more than the 10^8 draws of a long training.
//!
//! Everything is integers, f32 or f64 `+ - * /`, square root, and `libm`: the same seed draws the same bits natively
//! and in every browser. `Split` has a generator of its own, because it must repeat numpy's.
//! Held by `tests/suite/random.rs`.

use core::f64::consts::TAU;
use rand_pcg::{
    Pcg32,
    rand_core::{Rng, SeedableRng},
};

/// A seeded sequence of random numbers. A clone repeats what the original will draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(Pcg32);

impl Random {
    /// The sequence of `seed`; neighbouring seeds give unrelated sequences.
    pub fn new(seed: u64) -> Self {
        Self(Pcg32::seed_from_u64(seed))
    }

    /// A sequence of its own for a part of the work, so that how much one part draws changes nothing in another.
    pub fn fork(&mut self) -> Self {
        Self::new(self.0.next_u64())
    }

    /// 32 random bits.
    #[inline]
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-24.
    #[inline]
    pub fn uniform(&mut self) -> f32 {
        const STEP: f32 = 1.0 / (1 << 24) as f32;
        (self.bits() >> 8) as f32 * STEP
    }

    /// Uniform in `(-1, 1)`, an odd multiple of 2^-24: exactly as likely above 0 as below, and never 0.
    #[inline]
    pub fn symmetric(&mut self) -> f32 {
        const STEP: f32 = 1.0 / (1 << 23) as f32;
        ((self.bits() as i32 >> 8) as f32 + 0.5) * STEP
    }

    /// Normal with mean 0 and variance 1, by Box and Muller (1958); at most 6.7 either way.
    pub fn normal(&mut self) -> f32 {
        const STEP: f64 = 1.0 / (1_u64 << 32) as f64;
        // In (0, 1], because 0 has no logarithm.
        let share = (f64::from(self.bits()) + 1.0) * STEP;
        let turn = f64::from(self.bits()) * STEP;
        ((-2.0 * libm::log(share)).sqrt() * libm::cos(TAU * turn)) as f32
    }

    /// Uniform in `0..bound`, every number exactly as likely: D. Lemire, "Fast Random Integer Generation in an
    /// Interval" (2019). 0 when `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.bits()) * u64::from(bound);
        if (product as u32) < bound {
            let uneven = bound.wrapping_neg() % bound;
            while (product as u32) < uneven {
                product = u64::from(self.bits()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// Puts `items` (fewer than 2^32) into a random order, all orders being equally likely: Fisher and Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}
