//! Two f64 side by side, with the same bits in every build.
//!
//! Spelled out, because LLVM makes of loops over ten classes a mixture of lanes and scalars that is half as fast.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod lanes {
    use core::arch::wasm32::*;

    /// Two f64.
    #[derive(Clone, Copy)]
    pub struct F64x2(v128);

    impl F64x2 {
        pub fn new([a, b]: [f64; 2]) -> Self {
            Self(f64x2(a, b))
        }

        pub fn splat(x: f64) -> Self {
            Self(f64x2_splat(x))
        }

        pub fn lanes(self) -> [f64; 2] {
            [f64x2_extract_lane::<0>(self.0), f64x2_extract_lane::<1>(self.0)]
        }

        /// `self + a · b`, rounded twice.
        pub fn plus(self, a: Self, b: Self) -> Self {
            Self(f64x2_add(self.0, f64x2_mul(a.0, b.0)))
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod lanes {
    /// Two f64.
    #[derive(Clone, Copy)]
    pub struct F64x2([f64; 2]);

    impl F64x2 {
        pub fn new(lanes: [f64; 2]) -> Self {
            Self(lanes)
        }

        pub fn splat(x: f64) -> Self {
            Self([x; 2])
        }

        pub fn lanes(self) -> [f64; 2] {
            self.0
        }

        /// `self + a · b`, rounded twice.
        pub fn plus(self, Self([a, b]): Self, Self([c, d]): Self) -> Self {
            Self([self.0[0] + a * c, self.0[1] + b * d])
        }
    }
}

pub use lanes::F64x2;
