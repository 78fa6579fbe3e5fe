//! Names of schemes: `int8-static-minmax-per-channel`, `int4-per-channel-mse`, `codebook16-last-f32`.
//!
//! In this order: the format; `affine`; `dynamic` or `static` and the observer (neither: activations in fp32);
//! `per-tensor` or `per-channel` (not with floats; a codebook that is the layer's says nothing); `mse`; `qat`; and for
//! layers of another format `first`, `layer1` to `layer7`, `last` with that format.

use super::{ActivationMode, Axes, Granularity, Method, NumberFormat, Observer, ScaleRule, Scheme, Symmetry};
use crate::{Error, Result};

const AFFINE: &str = "-affine";
const DYNAMIC: &str = "-dynamic";
const STATIC: &str = "-static-";
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
        let Axes { format, granularity, symmetry, scale_rule, activations, method } = self.axes();
        let mut name = format.name();
        let mut say = |word: &str, when: bool| name += if when { word } else { "" };
        say(AFFINE, symmetry == Symmetry::Affine);
        say(DYNAMIC, activations == ActivationMode::Dynamic);
        if let ActivationMode::Static(observer) = activations {
            say(STATIC, true);
            say(observer.name(), true);
        }
        say(PER_TENSOR, format.has_scales() && granularity == Granularity::PerTensor);
        say(PER_CHANNEL, granularity == Granularity::PerChannel);
        say(MSE, scale_rule == ScaleRule::Mse);
        say(QAT, method == Method::Qat);
        for (number, format) in self.layers().iter().enumerate() {
            if let Some(format) = format {
                name += &layer_word(number);
                name += &format.name();
            }
        }
        if let Some(format) = self.last() {
            name += LAST;
            name += &format.name();
        }
        name
    }

    /// The scheme of that [`Scheme::name`].
    ///
    /// # Errors
    /// [`Error::UnknownName`]; [`Error::Scheme`] when the words are known but make no sense together.
    pub fn from_name(name: &str) -> Result<Self> {
        let scheme = parse(name).transpose()?;
        // One scheme, one name.
        scheme
            .filter(|scheme| scheme.name() == name)
            .ok_or_else(|| Error::UnknownName { what: "quantization scheme", found: name.into() })
    }
}

/// The scheme that the words name, if they can be read.
fn parse(name: &str) -> Option<Result<Scheme>> {
    let (format, mut rest) = NumberFormat::strip_name(name)?;
    let mut axes = Axes::weights(format);
    let mut said = |word: &str| rest.strip_prefix(word).map(|after| rest = after).is_some();
    if said(AFFINE) {
        axes.symmetry = Symmetry::Affine;
    }
    if said(DYNAMIC) {
        axes.activations = ActivationMode::Dynamic;
    } else if said(STATIC) {
        axes.activations = ActivationMode::Static(Observer::ALL.into_iter().find(|o| said(o.name()))?);
    }
    if !said(PER_TENSOR) && said(PER_CHANNEL) {
        axes.granularity = Granularity::PerChannel;
    }
    if said(MSE) {
        axes.scale_rule = ScaleRule::Mse;
    }
    if said(QAT) {
        axes.method = Method::Qat;
    }
    let mut scheme = Scheme::new(axes);
    for number in 0..Scheme::MAX_LAYERS {
        if let Some(after) = rest.strip_prefix(&layer_word(number)) {
            let (format, after) = NumberFormat::strip_name(after)?;
            scheme = scheme.and_then(|scheme| scheme.with_layer(number, format));
            rest = after;
        }
    }
    if let Some(after) = rest.strip_prefix(LAST) {
        let (format, after) = NumberFormat::strip_name(after)?;
        scheme = scheme.and_then(|scheme| scheme.with_last(format));
        rest = after;
    }
    rest.is_empty().then_some(scheme)
}
