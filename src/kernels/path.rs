//! Which instructions multiply, chosen once at start.
//!
//! The relaxed dot product (`i32x4_relaxed_dot_i8x16_i7x16_add`) is only specified for second operands of 0..=127.
//! What an engine makes of larger bytes is found out by one multiplication ([`relaxed::probe`](super::relaxed)), and the
//! path that is exact there is taken. Every path returns the same integers. Likewise the fused multiply-add rounds once
//! in some engines and twice in others; it is used for inference only, never in training.

use core::sync::atomic::{AtomicU8, Ordering};

/// How `u8` activations meet `i8` weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DotPath {
    /// Plain loops.
    Scalar,
    /// Both widened to 16 bits, `i32x4_dot_i16x8`: two products a lane and instruction. Exact in every engine.
    Pairs,
    /// The relaxed dot product reads its second operand as unsigned and does not saturate (x86 with VNNI).
    Unsigned,
    /// The relaxed dot product reads its second operand as signed (Arm): activations are stored less 128.
    Signed,
}

impl DotPath {
    /// Every path.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Pairs, Self::Unsigned, Self::Signed];

    /// The path that this build takes on this engine.
    pub fn of_this_engine() -> Self {
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        {
            static PROBED: AtomicU8 = AtomicU8::new(UNKNOWN);
            if let Some(path) = Self::from_byte(PROBED.load(Ordering::Relaxed)) {
                return path;
            }
            let path = super::relaxed::probe::<super::relaxed::RelaxedDot>();
            PROBED.store(path as u8, Ordering::Relaxed);
            path
        }
        #[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
        if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) { Self::Pairs } else { Self::Scalar }
    }

    /// The name shown on the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "plain loops",
            Self::Pairs => "16-bit pairs",
            Self::Unsigned => "relaxed dot, unsigned",
            Self::Signed => "relaxed dot, signed",
        }
    }

    /// Whether activations are stored as 16-bit differences from their zero point, not as bytes.
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::Pairs)
    }

    /// What takes a `u8` activation to the byte that is stored.
    pub const fn flip(self) -> u8 {
        if matches!(self, Self::Signed) { 0x80 } else { 0 }
    }

    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&path| path as u8 == byte)
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
const UNKNOWN: u8 = u8::MAX;

/// How a product is added to a sum of floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    /// Multiply, round, add, round: the same bits everywhere. Training uses nothing else.
    Separate,
    /// The relaxed multiply-add, where the build has it: faster on most machines, and the last bit is the engine's.
    Fused,
}

impl Rounding {
    /// What inference uses: [`Rounding::Fused`] unless [`Rounding::use_for_inference`] said otherwise.
    pub fn of_inference() -> Self {
        if INFERENCE.load(Ordering::Relaxed) == Self::Separate as u8 { Self::Separate } else { Self::Fused }
    }

    /// `fused` or `separate`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Separate => "separate",
            Self::Fused => "fused",
        }
    }

    /// Fixes what inference uses from now on: in some engines the fused instruction is the slower one.
    pub fn use_for_inference(self) {
        INFERENCE.store(self as u8, Ordering::Relaxed);
    }
}

static INFERENCE: AtomicU8 = AtomicU8::new(Rounding::Fused as u8);
