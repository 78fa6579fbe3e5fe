//! The schemes worth comparing: a sweep over the axes, less what would only say again what another scheme says.

use super::{ActivationMode, Axes, Granularity, Method, NumberFormat, Observer, ScaleRule, Scheme, Symmetry};

const GRANULARITIES: [Granularity; 2] = [Granularity::PerTensor, Granularity::PerChannel];
const SYMMETRIES: [Symmetry; 2] = [Symmetry::Symmetric, Symmetry::Affine];
const SCALE_RULES: [ScaleRule; 2] = [ScaleRule::MaxAbs, ScaleRule::Mse];

/// From the finest to the coarsest. A codebook that is no power of two wastes part of its last bit.
const FORMATS: [NumberFormat; 18] = [
    NumberFormat::F32,
    NumberFormat::F64,
    NumberFormat::Tf32,
    NumberFormat::F16,
    NumberFormat::Bf16,
    NumberFormat::Int16,
    NumberFormat::Int8,
    NumberFormat::Int4,
    NumberFormat::Ternary,
    NumberFormat::Binary,
    NumberFormat::Codebook { k: 256 },
    NumberFormat::Codebook { k: 128 },
    NumberFormat::Codebook { k: 64 },
    NumberFormat::Codebook { k: 32 },
    NumberFormat::Codebook { k: 16 },
    NumberFormat::Codebook { k: 8 },
    NumberFormat::Codebook { k: 4 },
    NumberFormat::Codebook { k: 2 },
];

/// Post-training quantization, all layers alike; [`Scheme::F32`], with which the others are compared, comes first.
///
/// # Examples
/// ```
/// let schemes = quantpad::quant::sweep();
/// assert_eq!(schemes.len(), 73);
/// assert_eq!(schemes[0].name(), "f32");
/// ```
pub fn sweep() -> Vec<Scheme> {
    let modes = [ActivationMode::Float, ActivationMode::Dynamic, ActivationMode::Binary];
    let mut schemes = Vec::new();
    for format in FORMATS {
        for activations in modes.into_iter().chain(Observer::ALL.map(ActivationMode::Static)) {
            for granularity in GRANULARITIES {
                for symmetry in SYMMETRIES {
                    for scale_rule in SCALE_RULES {
                        let axes = Axes { granularity, symmetry, scale_rule, activations, ..Axes::weights(format) };
                        if adds_something(&axes) {
                            schemes.extend(Scheme::new(axes));
                        }
                    }
                }
            }
        }
    }
    schemes
}

/// Quantization-aware training, where rounding costs most: few bits, a scale for each output. Each takes a training.
pub fn sweep_aware() -> Vec<Scheme> {
    let mut schemes = Vec::new();
    for format in FORMATS {
        for activations in [ActivationMode::Float, ActivationMode::Dynamic, ActivationMode::Binary] {
            let granularity = if format.has_scales() { Granularity::PerChannel } else { Granularity::PerTensor };
            let axes = Axes { granularity, activations, method: Method::Qat, ..Axes::weights(format) };
            if (format.bits() <= 4 || format == NumberFormat::Int8) && adds_something(&axes) {
                schemes.extend(Scheme::new(axes));
            }
        }
    }
    schemes
}

/// Whether a scheme tells anything that its neighbours do not.
fn adds_something(axes: &Axes) -> bool {
    let Axes { format, granularity, symmetry, scale_rule, activations, .. } = *axes;
    let plain = symmetry == Symmetry::Symmetric && scale_rule == ScaleRule::MaxAbs;
    match (format, activations) {
        // 65,535 steps are finer than any model needs, wherever they lie.
        (NumberFormat::Int16, _) => plain,
        // A table for each output must be a small one: of as many values as there are weights it saves nothing.
        (NumberFormat::Codebook { k }, _) => granularity == Granularity::PerTensor || k <= 16,
        (_, ActivationMode::Float) => true,
        // Where the integers lie shows with activations in fp32, and alone.
        _ if symmetry == Symmetry::Affine => false,
        (_, ActivationMode::Dynamic | ActivationMode::Static(Observer::MinMax)) => true,
        // Inputs of one bit go with weights of one bit.
        (_, ActivationMode::Binary) => true,
        // The other observers look at activations only, so once is enough: with the weights that lose least.
        (_, ActivationMode::Static(_)) => format == NumberFormat::Int8 && plain,
    }
}
