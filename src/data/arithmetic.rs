//! Adaptive binary arithmetic coding: frequent bits cost little, and what is frequent is learned on the way.
//!
//! Source: I. Witten, R. Neal and J. Cleary, Arithmetic Coding for Data Compression (CACM 30, 1987), with whole bytes in
//! and out and without carries. Integers only, so both directions take the same path on every machine.
//! Limits: symbols of 0..=16, two contexts each. Held by `tests/suite/data.rs`, on the embedded digits.

/// One direction of coding. What codes the data walks through it once, in the same way for both.
pub trait Coder {
    /// Codes one bit that is 1 with probability `p / 65536`, 0 < p < 65536. An encoder writes `bit` and returns it; a
    /// decoder returns the bit that was written.
    fn bit(&mut self, bit: bool, p: u32) -> bool;
}

/// All numbers that still begin with the bits so far; a leading byte that is the same for all is final.
#[derive(Debug)]
struct Interval {
    low: u32,
    high: u32,
}

impl Interval {
    const ALL: Self = Self { low: 0, high: u32::MAX };

    /// The last number of the part that stands for a 1.
    fn split(&self, p: u32) -> u32 {
        self.low + ((u64::from(self.high - self.low) * u64::from(p)) >> 16) as u32
    }

    fn narrow(&mut self, bit: bool, split: u32) {
        if bit {
            self.high = split;
        } else {
            self.low = split + 1;
        }
    }

    fn next_byte(&mut self) -> Option<u8> {
        let byte = self.low >> 24;
        (byte == self.high >> 24).then(|| {
            (self.low, self.high) = (self.low << 8, self.high << 8 | 0xFF);
            byte as u8
        })
    }
}

/// Bits to bytes.
#[derive(Debug)]
pub struct Encoder {
    interval: Interval,
    bytes: Vec<u8>,
}

impl Encoder {
    pub fn new() -> Self {
        Self { interval: Interval::ALL, bytes: Vec::new() }
    }

    /// Ends the bytes with one that, followed by zeros, lies in the interval.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push((self.interval.low >> 24) as u8 + 1);
        self.bytes
    }
}

impl Coder for Encoder {
    fn bit(&mut self, bit: bool, p: u32) -> bool {
        self.interval.narrow(bit, self.interval.split(p));
        while let Some(byte) = self.interval.next_byte() {
            self.bytes.push(byte);
        }
        bit
    }
}

/// Bytes to bits.
#[derive(Debug)]
pub struct Decoder<'a> {
    interval: Interval,
    number: u32,
    bytes: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { interval: Interval::ALL, number: 0, bytes };
        (0..4).for_each(|_| decoder.read());
        decoder
    }

    fn read(&mut self) {
        let (byte, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.number = self.number << 8 | u32::from(*byte);
        self.bytes = rest;
    }
}

impl Coder for Decoder<'_> {
    fn bit(&mut self, _: bool, p: u32) -> bool {
        let split = self.interval.split(p);
        let bit = self.number <= split;
        self.interval.narrow(bit, split);
        while self.interval.next_byte().is_some() {
            self.read();
        }
        bit
    }
}

/// How often a bit was 1 in a context, lately.
#[derive(Debug, Clone, Copy)]
struct Frequency {
    /// In 1/32768.
    one: i16,
    seen: u8,
}

impl Frequency {
    const UNKNOWN: Self = Self { one: 1 << 14, seen: 0 };

    /// The n-th bit counts about 1/n (by powers of two), later ones 1/64, so that old ones fade.
    fn learn(&mut self, bit: bool) {
        let target = if bit { 0x7FFF } else { 0 };
        self.one += (target - self.one) >> ((self.seen + 1).ilog2() + 1);
        self.seen = (self.seen + 1).min(31);
    }
}

/// The bits of a symbol: whether it is 0, and the four bits of one less as the path through a tree of 15 nodes.
type Symbol = [Frequency; 16];

/// Frequencies of symbols in two families of contexts, whose opinions are averaged.
#[derive(Debug)]
pub struct Symbols {
    families: [Vec<Symbol>; 2],
}

impl Symbols {
    /// With so many contexts in each family.
    pub fn new(contexts: [usize; 2]) -> Self {
        Self { families: contexts.map(|count| vec![[Frequency::UNKNOWN; 16]; count]) }
    }

    /// Codes a symbol of 0..=16, seen in one context of each family.
    pub fn code(&mut self, coder: &mut impl Coder, [a, b]: [usize; 2], symbol: u8) -> u8 {
        let [family_a, family_b] = &mut self.families;
        let (a, b) = (&mut family_a[a], &mut family_b[b]);
        let mut code = |node: usize, bit| {
            let p = (i32::from(a[node].one) + i32::from(b[node].one)).clamp(1 << 5, (1 << 16) - (1 << 5));
            let bit = coder.bit(bit, p as u32);
            a[node].learn(bit);
            b[node].learn(bit);
            bit
        };
        if code(0, symbol == 0) {
            return 0;
        }
        let rest = symbol.wrapping_sub(1);
        let node = (0..4).rev().fold(1, |node, i| 2 * node + usize::from(code(node, rest >> i & 1 == 1)));
        node as u8 - 15
    }
}
