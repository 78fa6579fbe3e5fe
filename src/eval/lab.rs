//! The published lab's table, and what its rows are compared with.

/// Figures of a model before and after quantization, as the lab printed them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// Right answers of 360 in floating point: 97.22 %.
    pub float_correct: usize,
    /// Right answers of 360 after quantization: 67.22 %.
    pub quantized_correct: usize,
    /// Test rows.
    pub total: usize,
    /// "5.98 KB": the file of a pickled float64 scikit-learn object.
    pub float_bytes: usize,
    /// "0.62 KB": 640 bare int8 weights, without the intercepts.
    pub quantized_bytes: usize,
    /// Nanoseconds for the 360 test images, in floating point.
    pub float_ns: f64,
    /// Nanoseconds for the 360 test images, quantized.
    pub quantized_ns: f64,
}

/// The figures as published.
pub const PUBLISHED: Published = Published {
    float_correct: 350,
    quantized_correct: 242,
    total: 360,
    float_bytes: 6124,
    quantized_bytes: 640,
    float_ns: 1.2e6,
    quantized_ns: 1.3e6,
};
