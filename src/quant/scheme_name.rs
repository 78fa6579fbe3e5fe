//! Names of schemes: `int8-static-minmax-per-channel`, `int4-per-channel-mse`, `codebook16-last-f32`.
//!
//! In this order: the format; `affine`; `dynamic`, `static` and the observer, or `xnor` for binary activations (nothing:
//! activations in fp32);
//! `per-tensor` or `per-channel` (not with floats; a codebook that is the layer's says nothing); `mse`; `qat`; and for
//! layers of another format `first`, `layer1` to `layer7`, `last` with that format.

use super::{ActivationMode, Axes, Granularity, Method, NumberFormat, Observer, ScaleRule, Scheme, Symmetry};
use crate::{Error, Result};

const AFFINE: &str = "-affine";
const DYNAMIC: &str = "-dynamic";
const STATIC: &str = "-static-";
const XNOR: &str = "-xnor";
const PER_TENSOR: &str = "-per-tensor";
const PER_CHANNEL: &str = "-per-channel";
const MSE: &str = "-mse";
const QAT: &str = "-qat";
const LAST: &str = "-last-";

/// What introduces the format of a layer.
fn layer_word(number: usize) -> String {
    if number == 0 { "-first-".into() } else { format!("-layer{number}-") }
}

impl Scheme {
    /// The name of the scheme in files, on the page and in reports.
    pub fn name(&self) -> String {
        let mut name = axes_name(&self.axes());
        let last = self.last().map(|format| (LAST.into(), format));
        let layers = self.layers().iter().enumerate();
        let layers = layers.filter_map(|(number, format)| Some((layer_word(number), (*format)?)));
        for (word, format) in layers.chain(last) {
            name += &word;
            name += &format.name();
        }
        name
    }

    /// The scheme of that [`Scheme::name`].
    ///
    /// # Errors
    /// [`Error::UnknownName`]; [`Error::Scheme`] when the words are known but make no sense together.
    pub fn from_name(name: &str) -> Result<Self> {
        parse(name).unwrap_or_else(|| Err(Error::UnknownName { what: "quantization scheme", found: name.into() }))
    }
}

/// The name without layers; of axes that make no sense too.
fn axes_name(axes: &Axes) -> String {
    let Axes { format, granularity, symmetry, scale_rule, activations, method } = *axes;
    let (mode, observer) = match activations {
        ActivationMode::Float => ("", ""),
        ActivationMode::Dynamic => (DYNAMIC, ""),
        ActivationMode::Static(observer) => (STATIC, observer.name()),
        ActivationMode::Binary => (XNOR, ""),
    };
    let sharing = match granularity {
        Granularity::PerTensor if format.has_scales() => PER_TENSOR,
        Granularity::PerTensor => "",
        Granularity::PerChannel => PER_CHANNEL,
    };
    let mut name = format.name();
    for word in [
        if symmetry == Symmetry::Affine { AFFINE } else { "" },
        mode,
        observer,
        sharing,
        if scale_rule == ScaleRule::Mse { MSE } else { "" },
        if method == Method::Qat { QAT } else { "" },
    ] {
        name += word;
    }
    name
}

/// The scheme that the words name, if they can be read: of all combinations the one of that name.
fn parse(name: &str) -> Option<Result<Scheme>> {
    let (format, _) = NumberFormat::strip_name(name)?;
    let modes = [ActivationMode::Float, ActivationMode::Dynamic, ActivationMode::Binary];
    for activations in modes.into_iter().chain(Observer::ALL.map(ActivationMode::Static)) {
        for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
            for symmetry in [Symmetry::Symmetric, Symmetry::Affine] {
                for scale_rule in [ScaleRule::MaxAbs, ScaleRule::Mse] {
                    for method in [Method::Ptq, Method::Qat] {
                        let axes = Axes { format, granularity, symmetry, scale_rule, activations, method };
                        let layers = name.strip_prefix(&axes_name(&axes));
                        if let Some(scheme) = layers.and_then(|layers| parse_layers(layers, axes)) {
                            return Some(scheme);
                        }
                    }
                }
            }
        }
    }
    None
}

/// The scheme of these axes with the formats of layers that `rest` names.
fn parse_layers(mut rest: &str, axes: Axes) -> Option<Result<Scheme>> {
    let mut scheme = Scheme::new(axes);
    for number in 0..=Scheme::MAX_LAYERS {
        let last = number == Scheme::MAX_LAYERS;
        if let Some(after) = rest.strip_prefix(if last { LAST.into() } else { layer_word(number) }.as_str()) {
            let (format, after) = NumberFormat::strip_name(after)?;
            scheme = scheme.and_then(|s| if last { s.with_last(format) } else { s.with_layer(number, format) });
            rest = after;
        }
    }
    rest.is_empty().then_some(scheme)
}
