//! The 2x2 max-pooling: the largest of each block of four pixels, channel by channel.

/// Max-pooling of images of one size; an odd last line or column is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Height, width and channels of its images.
    pub shape: [usize; 3],
}

impl MaxPool2d {
    /// Height, width and channels that come out.
    pub fn pooled(&self) -> [usize; 3] {
        let [height, width, channels] = self.shape;
        [height / 2, width / 2, channels]
    }
}
