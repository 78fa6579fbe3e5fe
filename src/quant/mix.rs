//! A format for each layer, with axes that hold for all of them.

use super::{Axes, NumberFormat, Scheme};
use crate::Result;

/// One format a layer.
#[derive(Clone)]
pub(super) struct Mix {
    /// Of an integer format; the others use of it what they can.
    pub axes: Axes,
    pub formats: Vec<NumberFormat>,
}

impl Mix {
    /// All layers alike.
    pub fn uniform(axes: Axes, format: NumberFormat, count: usize) -> Self {
        Self { axes, formats: vec![format; count] }
    }

    /// The same with another format for one layer.
    pub fn with(&self, layer: usize, format: NumberFormat) -> Self {
        let mut mix = self.clone();
        mix.formats[layer] = format;
        mix
    }

    /// Whether all layers are in fp32.
    pub fn is_exact(&self) -> bool {
        self.formats.iter().all(|&format| format == NumberFormat::F32)
    }

    /// What holds for a layer.
    pub fn layer(&self, number: usize) -> Axes {
        self.axes.with_format(self.formats[number])
    }

    /// The scheme that says so.
    ///
    /// # Errors
    /// [`crate::Error::Scheme`] when the axes do not go with a format, or there are too many layers.
    pub fn scheme(&self) -> Result<Scheme> {
        let base = self.base();
        let mut scheme = Scheme::new(self.axes.with_format(base))?;
        for (number, &format) in self.formats.iter().enumerate().filter(|(_, format)| **format != base) {
            scheme = scheme.with_layer_of(number, self.formats.len(), format)?;
        }
        Ok(scheme)
    }

    /// The format that the scheme is named after: one with which the others keep all their axes, the commonest of these.
    fn base(&self) -> NumberFormat {
        let rank = |format: &NumberFormat| {
            let kept = [format.is_integer(), format.fits_integer_kernels(), !format.is_float(), true];
            let others = self.formats.iter().filter(|other| *other != format).count();
            (kept.iter().position(|&kept| kept), others)
        };
        self.formats.iter().copied().min_by_key(rank).unwrap_or(NumberFormat::F32)
    }
}
