//! The safetensors container: named tensors in one file, little-endian.
//!
//! Specification: <https://github.com/huggingface/safetensors#format>. A u64 gives the length of a JSON header,
//! `{"__metadata__": {key: text}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}`, and the bytes of
//! the tensors follow without gaps. JSON is read as strictly as that: no other keys or types, no key twice. The
//! `safetensors` crate, with its general JSON library, would make the module 36 KB (gzip) larger.
//! Held by `tests/suite/safetensors.rs`, against that crate: the same bytes written, the same files read.

use std::borrow::Cow;

use crate::{Error, Result};

/// Types of elements, in the order in which files have them: those of stricter alignment go first, so from the last up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, non_camel_case_types)]
#[rustfmt::skip]
pub enum Dtype {
    BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ,
    I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64,
}

impl Dtype {
    /// Every type with its name and its bits.
    #[rustfmt::skip]
    const ALL: [(Self, &str, u64); 22] = {
        use Dtype::*;
        [
            (BOOL, "BOOL", 8), (F4, "F4", 4), (F6_E2M3, "F6_E2M3", 6), (F6_E3M2, "F6_E3M2", 6), (U8, "U8", 8),
            (I8, "I8", 8), (F8_E5M2, "F8_E5M2", 8), (F8_E4M3, "F8_E4M3", 8), (F8_E8M0, "F8_E8M0", 8),
            (F8_E4M3FNUZ, "F8_E4M3FNUZ", 8), (F8_E5M2FNUZ, "F8_E5M2FNUZ", 8), (I16, "I16", 16), (U16, "U16", 16),
            (F16, "F16", 16), (BF16, "BF16", 16), (I32, "I32", 32), (U32, "U32", 32), (F32, "F32", 32),
            (C64, "C64", 64), (F64, "F64", 64), (I64, "I64", 64), (U64, "U64", 64),
        ]
    };

    /// Its name in a file.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    fn bits(self) -> u64 {
        Self::ALL[self as usize].2
    }
}

/// A named array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor<'a> {
    /// Unique in its file.
    pub name: String,
    /// Type of the elements.
    pub dtype: Dtype,
    /// Length of each dimension, outermost first; none for a single value.
    pub shape: Vec<usize>,
    /// The elements, row-major, little-endian.
    pub data: Cow<'a, [u8]>,
}

impl Tensor<'_> {
    /// Whether the data are as long as type and shape ask for.
    fn is_full(&self) -> bool {
        let mut dimensions = self.shape.iter();
        let bits = dimensions.try_fold(self.dtype.bits(), |bits, &n| bits.checked_mul(n as u64));
        bits == Some(8 * self.data.len() as u64)
    }
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeTensors<'a> {
    /// Keys and texts of the `__metadata__` entry.
    pub metadata: Vec<(String, String)>,
    /// In the order of the data.
    pub tensors: Vec<Tensor<'a>>,
}

const METADATA: &str = "__metadata__";
const LENGTH_BYTES: usize = size_of::<u64>();

impl<'a> SafeTensors<'a> {
    /// # Errors
    /// [`Error::ModelFile`] when `bytes` are no safetensors file.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>().ok_or_else(|| invalid("it is too short"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let (header, data) = length
            .and_then(|length| rest.split_at_checked(length))
            .ok_or_else(|| invalid("its header is longer than the file"))?;
        let header = str::from_utf8(header).map_err(|_| invalid("its header is not UTF-8"))?;

        let mut parser = Parser { text: header, at: 0 };
        let (metadata, entries) =
            parser.header().ok_or_else(|| invalid(format!("its header makes no sense at byte {}", parser.at)))?;
        let mut file = Self { metadata, tensors: Vec::with_capacity(entries.len()) };
        let mut end = 0;
        for Entry { name, dtype, shape, range } in entries {
            let bytes = data.get(range.0..range.1).filter(|_| range.0 == end);
            let bytes = bytes.ok_or_else(|| invalid(format!("the bytes of tensor {name} are misplaced")))?;
            let tensor = Tensor { name, dtype, shape, data: bytes.into() };
            if !tensor.is_full() {
                return Err(invalid(format!("the bytes of tensor {} do not fill its shape", tensor.name)));
            }
            end = range.1;
            file.tensors.push(tensor);
        }
        if end == data.len() { Ok(file) } else { Err(invalid("bytes that belong to no tensor follow")) }
    }

    /// The tensor of that name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor<'a>> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The text of that key.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(k, _)| k == key).map(|(_, text)| text.as_str())
    }

    /// The bytes of a file with these tensors, whose names differ and whose data fill their shapes. The order of the
    /// tensors does not matter.
    pub fn write(self) -> Vec<u8> {
        let mut tensors = Vec::<Tensor>::with_capacity(self.tensors.len());
        for tensor in self.tensors {
            let at = tensors.partition_point(|t| (tensor.dtype, &t.name) < (t.dtype, &tensor.name));
            tensors.insert(at, tensor);
        }
        let mut fields = Vec::new();
        if !self.metadata.is_empty() {
            let entries: Vec<_> =
                self.metadata.iter().map(|(k, text)| format!("{}:{}", quoted(k), quoted(text))).collect();
            fields.push(format!("\"{METADATA}\":{{{}}}", entries.join(",")));
        }
        let mut offset = 0;
        for tensor in &tensors {
            debug_assert!(tensor.is_full(), "{}", tensor.name);
            let (start, name, dtype) = (offset, quoted(&tensor.name), tensor.dtype.name());
            offset += tensor.data.len();
            let shape: Vec<_> = tensor.shape.iter().map(usize::to_string).collect();
            let shape = shape.join(",");
            fields.push(format!(r#"{name}:{{"dtype":"{dtype}","shape":[{shape}],"data_offsets":[{start},{offset}]}}"#));
        }
        let mut header = format!("{{{}}}", fields.join(",")).into_bytes();
        header.resize(header.len().next_multiple_of(LENGTH_BYTES), b' ');

        let mut bytes = Vec::with_capacity(LENGTH_BYTES + header.len() + offset);
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        tensors.iter().for_each(|tensor| bytes.extend(&*tensor.data));
        bytes
    }
}

fn invalid(reason: impl Into<Cow<'static, str>>) -> Error {
    Error::ModelFile { reason: format!("it cannot be read as safetensors ({})", reason.into()) }
}

/// The text as a JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\0'..' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A tensor as the header has it.
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    range: (usize, usize),
}

type Header = (Vec<(String, String)>, Vec<Entry>);

/// Reads the header; `None` where it makes no sense, and `at` is then about there.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn header(&mut self) -> Option<Header> {
        let mut metadata = None;
        let mut entries = Vec::<Entry>::new();
        self.list(b'{', b'}', &mut |parser| {
            let name = parser.key()?;
            if name == METADATA {
                let mut texts = Vec::<(String, String)>::new();
                parser.list(b'{', b'}', &mut |parser| {
                    let key = parser.key()?;
                    let new = texts.iter().all(|(k, _)| *k != key);
                    texts.push((key, parser.string()?));
                    new.then_some(())
                })?;
                metadata.replace(texts).is_none().then_some(())
            } else {
                let new = entries.iter().all(|entry| entry.name != name);
                let entry = parser.entry(name)?;
                entries.insert(entries.partition_point(|other| other.range <= entry.range), entry);
                new.then_some(())
            }
        })?;
        self.skip_space();
        (self.at == self.text.len()).then_some((metadata.unwrap_or_default(), entries))
    }

    fn entry(&mut self, name: String) -> Option<Entry> {
        let (mut dtype, mut shape, mut range) = (None, None, None);
        self.list(b'{', b'}', &mut |parser| {
            let twice = match parser.key()?.as_str() {
                "dtype" => dtype.replace(parser.string()?).is_some(),
                "shape" => shape.replace(parser.numbers()?).is_some(),
                "data_offsets" => range.replace(parser.numbers()?).is_some(),
                _ => return None,
            };
            (!twice).then_some(())
        })?;
        let (dtype, [start, end]) = (dtype?, <[usize; 2]>::try_from(range?).ok()?);
        let &(dtype, ..) = Dtype::ALL.iter().find(|(_, name, _)| *name == dtype)?;
        Some(Entry { name, dtype, shape: shape?, range: (start, end) })
    }

    /// Items between brackets, separated by commas.
    fn list(&mut self, open: u8, close: u8, item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.token(open)?;
        if self.token(close).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.token(b',').is_none() {
                return self.token(close);
            }
        }
    }

    fn key(&mut self) -> Option<String> {
        let key = self.string()?;
        self.token(b':')?;
        Some(key)
    }

    fn numbers(&mut self) -> Option<Vec<usize>> {
        let mut numbers = Vec::new();
        self.list(b'[', b']', &mut |parser| {
            numbers.push(parser.number()?);
            Some(())
        })?;
        Some(numbers)
    }

    fn number(&mut self) -> Option<usize> {
        self.skip_space();
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.text.as_bytes().get(self.at) {
            if number == Some(0) {
                return None;
            }
            number = Some(number.unwrap_or(0_usize).checked_mul(10)?.checked_add(usize::from(digit - b'0'))?);
            self.at += 1;
        }
        number
    }

    fn string(&mut self) -> Option<String> {
        self.token(b'"')?;
        let mut string = String::new();
        loop {
            string.push(match self.character()? {
                '"' => return Some(string),
                '\0'..' ' => return None,
                '\\' => match self.character()? {
                    c @ ('"' | '\\' | '/') => c,
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => self.code_point()?,
                    _ => return None,
                },
                c => c,
            });
        }
    }

    /// What follows `\u`: four hexadecimal digits, and another such escape when they are half of a surrogate pair.
    fn code_point(&mut self) -> Option<char> {
        let first = self.code_unit()?;
        if let Some(c) = char::from_u32(first.into()) {
            return Some(c);
        }
        self.character().filter(|&c| c == '\\')?;
        self.character().filter(|&c| c == 'u')?;
        char::decode_utf16([first, self.code_unit()?]).next()?.ok()
    }

    fn code_unit(&mut self) -> Option<u16> {
        (0..4).try_fold(0, |unit, _| Some(16 * unit + self.character()?.to_digit(16)? as u16))
    }

    fn character(&mut self) -> Option<char> {
        let c = self.text.get(self.at..)?.chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn token(&mut self, token: u8) -> Option<()> {
        self.skip_space();
        (self.text.as_bytes().get(self.at) == Some(&token)).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        while matches!(self.text.as_bytes().get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }
}
