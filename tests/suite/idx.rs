//! The visitor's own data: MNIST's files are read, in any order and packing, and what cannot be read is refused in a
//! sentence of its own.

#[cfg(not(target_arch = "wasm32"))]
use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use std::io::Write;

use crate::common::Random;
use flate2::{Compression, write::GzEncoder};
use quantpad::{
    Error, Result,
    data::{
        Dataset, Split,
        files::{self, File},
        gzip,
        idx::{self, Idx, Images},
    },
};

/// An IDX file of these words and this data.
fn idx_file(header: &[u32], data: &[u8]) -> Vec<u8> {
    header.iter().flat_map(|word| word.to_be_bytes()).chain(data.iter().copied()).collect()
}

/// `count` images of 3 x 2, each with its number in its first pixel.
fn images(count: u32) -> Vec<u8> {
    let data: Vec<u8> = (0..count).flat_map(|i| [i as u8, 255, 0, 1, 2, 3]).collect();
    idx_file(&[idx::IMAGES, count, 2, 3], &data)
}

/// Labels of `count` images: 0 to 9 over and over.
fn labels(count: u32) -> Vec<u8> {
    let data: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
    idx_file(&[idx::LABELS, count], &data)
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

fn read<const N: usize>(files: [(&str, Vec<u8>); N]) -> Result<Dataset> {
    files::read(files.map(|(name, bytes)| File { name: name.into(), bytes }).into())
}

/// What is wrong with one of the files, when its name is said.
fn cause(refused: Result<Dataset>, file: &str) -> Error {
    match refused {
        Err(Error::File { name, cause }) if name == file => *cause,
        other => panic!("{other:?} does not name {file}"),
    }
}

/// The error of these images beside good labels, as the file and by itself.
fn refused_images(bytes: &[u8]) -> Error {
    let error = cause(read([("i", bytes.to_vec()), ("l", labels(20))]), "i");
    assert_eq!(idx::read(bytes.to_vec()), Err(error.clone()), "no other without a name");
    one_sentence(error)
}

fn one_sentence(error: Error) -> Error {
    let text = error.to_string();
    assert!(text.ends_with('.') && !text.contains(". ") && !text.contains("  "), "{text}");
    error
}

#[test]
fn images_and_labels_are_told_apart_by_their_magic_number() {
    let pixels = [1, 2, 3, 4, 5, 6].to_vec();
    let read = idx::read(idx_file(&[0x0803, 1, 2, 3], &pixels));
    assert_eq!(read, Ok(Idx::Images(Images { count: 1, width: 3, height: 2, pixels })), "rows come before columns");
    assert_eq!(idx::read(idx_file(&[0x0801, 3], &[9, 0, 4])), Ok(Idx::Labels(vec![9, 0, 4])));
}

#[test]
fn a_pair_is_read_in_either_order_plain_or_gzip_and_split_by_the_seed() {
    let data = read([("images", images(20)), ("labels", labels(20))]).expect("a pair");
    assert_eq!((data.len(), data.width(), data.height(), data.max_pixel()), (20, 3, 2, 255));
    assert_eq!((data.image(13), data.label(13)), (&[13, 255, 0, 1, 2, 3][..], 3));
    assert_eq!((data.split(7), data.has_test_part()), (Split::seeded(20, 7), false));

    let same = [
        read([("labels", labels(20)), ("images", images(20))]),
        read([("images.gz", gz(&images(20))), ("labels.gz", gz(&labels(20)))]),
        read([("no .gz in its name", gz(&images(20))), ("labels", labels(20))]),
        read([("t10k-images-idx3-ubyte", images(20)), ("t10k-labels-idx1-ubyte", labels(20))]),
    ];
    same.into_iter().for_each(|other| assert_eq!(other.as_ref(), Ok(&data)));
}

#[test]
fn four_files_in_any_order_keep_their_official_test_part_for_every_seed() {
    let files = [
        ("train-images-idx3-ubyte.gz", gz(&images(30))),
        ("train-labels-idx1-ubyte", labels(30)),
        ("t10k-images-idx3-ubyte", images(30)),
        ("t10k-labels-idx1-ubyte.gz", gz(&labels(30))),
    ];
    let data = read(files.clone()).expect("two pairs");
    assert!(data.has_test_part() && data.len() == 60);
    for seed in [0, 42] {
        assert_eq!(data.split(seed), Split { train: (0..30).collect(), test: (30..60).collect() });
    }
    for [a, b] in [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]] {
        let mut other = files.clone();
        other.swap(a, b);
        other.rotate_left(a);
        assert_eq!(read(other).as_ref(), Ok(&data), "{a} and {b} exchanged");
    }
}

#[test]
fn files_with_names_that_say_nothing_pair_up_by_their_counts_and_the_smaller_part_is_the_test() {
    let data = read([("a", labels(12)), ("b", images(20)), ("c", images(12)), ("d", labels(20))]).expect("two pairs");
    assert_eq!(data.split(1), Split { train: (0..20).collect(), test: (20..32).collect() });
    // A name outweighs a size.
    let data = read([("a", labels(12)), ("test b", images(20)), ("c", images(12)), ("d", labels(20))]);
    assert_eq!(data.expect("two pairs").split(1).test, (12..32).collect::<Vec<u32>>());
}

#[test]
fn a_file_that_is_missing_is_named() {
    let text = |refused: Result<Dataset>| one_sentence(refused.expect_err("a file is missing")).to_string();
    assert_eq!(
        text(read([("train-images-idx3-ubyte.gz", gz(&images(20)))])),
        "The labels of train-images-idx3-ubyte.gz are missing; give it together with train-labels-idx1-ubyte.gz."
    );
    assert_eq!(
        text(read([("t10k-labels.idx1-ubyte", labels(20))])),
        "The images of t10k-labels.idx1-ubyte are missing; give it together with t10k-images.idx3-ubyte."
    );
    assert_eq!(text(read([("x", labels(20))])), "The images of x are missing; give it together with its image file.");
    let [train, test] = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"];
    let missing = text(read([(train, images(20)), (test, images(12)), ("train-labels-idx1-ubyte", labels(20))]));
    assert!(missing.starts_with("The labels of t10k-images-idx3-ubyte are missing"), "{missing}");
    let missing = text(read([(train, images(20)), ("t10k-labels-idx1-ubyte", labels(20))]));
    assert!(missing.ends_with("with train-labels-idx1-ubyte."), "labels of the other part do not do: {missing}");
}

#[test]
fn files_that_could_belong_together_in_two_ways_are_not_guessed_at() {
    let (i, l) = (images(20), labels(20));
    let twice = [("a", i.clone()), ("b", i.clone()), ("c", l.clone()), ("d", l.clone())];
    assert_eq!(read(twice), Err(Error::UnclearFiles));
    let three = [("train i", 1), ("train l", 0), ("test i", 1), ("test l", 0), ("i", 1), ("l", 0)];
    let counts = [20, 20, 15, 15, 12, 12];
    let mut n = 0;
    let three = three.map(|(name, is_images)| {
        n += 1;
        (name, if is_images == 1 { images(counts[n - 1]) } else { labels(counts[n - 1]) })
    });
    assert_eq!(read(three), Err(Error::UnclearFiles));
    assert_eq!(read([]), Err(Error::NoFiles));
    one_sentence(Error::UnclearFiles);
    one_sentence(Error::NoFiles);
}

#[test]
fn parts_of_two_data_sets_do_not_become_one() {
    let small = idx_file(&[idx::IMAGES, 10, 1, 1], &[0; 10]);
    let files = [("train i", images(20)), ("train l", labels(20)), ("test i", small), ("test l", labels(10))];
    assert_eq!(read(files), Err(one_sentence(Error::PartsDiffer)));
}

#[test]
fn files_of_another_kind_are_refused() {
    for bytes in [&b""[..], b"\0", b"\x89PNG\r\n\x1a\n", b"<!DOCTYPE html>\n<p>not, found", &[0xff; 100]] {
        let error = cause(read([("i", bytes.to_vec()), ("l", labels(20))]), "i");
        assert_eq!(one_sentence(error), Error::UnknownFile, "{bytes:?}");
    }
    for found in [0x0000_0802, 0x0000_0d03, 0x0000_0903, 0x0000_0804, 0] {
        assert_eq!(refused_images(&idx_file(&[found, 20, 2, 3], &[0; 120])), Error::IdxMagic { found });
    }
    assert!(Error::IdxMagic { found: 0x0d03 }.to_string().contains("0x00000d03"));
}

#[test]
fn a_file_must_end_where_its_header_says() {
    let whole = images(20);
    for found in 2..whole.len() {
        let expected = if found < 16 { (found / 4 + 1) * 4 } else { whole.len() };
        assert_eq!(refused_images(&whole[..found]), Error::Truncated { expected, found });
    }
    assert_eq!(refused_images(&[whole, vec![0; 7]].concat()), Error::TrailingBytes { extra: 7 });
    assert_eq!(idx::read(labels(20)[..27].to_vec()), Err(Error::Truncated { expected: 28, found: 27 }));
    assert_eq!(idx::read([labels(20), vec![1]].concat()), Err(Error::TrailingBytes { extra: 1 }));
}

#[test]
fn counts_that_disagree_are_refused() {
    let refused = read([("i", images(20)), ("l", labels(21))]);
    assert_eq!(one_sentence(cause(refused, "i")), Error::Counts { images: 20, labels: 21 });
}

#[test]
fn labels_over_9_are_refused() {
    let mut letters = labels(20);
    letters[8 + 13] = 10;
    let refused = read([("i", images(20)), ("l", letters)]);
    assert_eq!(one_sentence(cause(refused, "l")), Error::Label { row: 13, label: 10 });
}

#[test]
fn absurd_dimensions_are_refused_before_anything_is_allocated() {
    for [width, height] in [[0, 28], [28, 0], [0, 0], [65, 28], [28, 65], [u32::MAX, 1], [1 << 16, 1 << 16]] {
        let (w, h) = (width as usize, height as usize);
        let refused = refused_images(&idx_file(&[idx::IMAGES, 20, height, width], &[0; 120]));
        assert_eq!(refused, Error::ImageSize { width: w, height: h });
    }
    // 2^20 · 64 · 64 = 2^32 is 0 in 32 bits, and so nearly are the others.
    for [count, side] in [[1 << 20, 64], [u32::MAX, 1], [1 << 28, 4], [24_415, 64], [1_000_001, 1]] {
        let (images, s) = (count as usize, side as usize);
        let refused = refused_images(&idx_file(&[idx::IMAGES, count, side, side], &[]));
        assert_eq!(refused, Error::TooManyImages { images, width: s, height: s });
    }
    let refused = idx::read(idx_file(&[idx::LABELS, u32::MAX], &[1, 2, 3]));
    assert_eq!(refused.map_err(one_sentence), Err(Error::TooManyLabels { labels: u32::MAX as usize }));
}

#[test]
fn too_few_images_to_divide_are_refused() {
    for found in [0, 9] {
        let refused = cause(read([("i", images(found)), ("l", labels(found))]), "i");
        assert_eq!(one_sentence(refused), Error::TooFewImages { found: found as usize, min: 10 });
    }
    assert!(read([("i", images(10)), ("l", labels(10))]).is_ok());
}

#[test]
fn damaged_gzip_files_are_refused() {
    let whole = gz(&images(20));
    let refused = |bytes: Vec<u8>| one_sentence(cause(read([("i", bytes), ("l", labels(20))]), "i"));
    for length in 2..whole.len() {
        assert_eq!(refused(whole[..length].to_vec()), Error::GzipDamaged, "{length} bytes");
    }
    assert_eq!(refused([&whole[..], b"more"].concat()), Error::GzipDamaged);
    let mut checksum = whole.clone();
    let last = checksum.len();
    checksum[last - 8] ^= 1;
    assert_eq!(refused(checksum), Error::GzipDamaged);
    let mut claim = whole;
    claim[last - 4..].fill(0xff);
    assert_eq!(refused(claim), Error::GzipDamaged, "a size of 4 GB is not believed");
}

#[test]
fn a_gzip_bomb_is_left_unread() {
    let zeros = gz(&vec![0; 1 << 24]);
    let at_the_limit = zeros.repeat(gzip::MAX_BYTES >> 24);
    assert_eq!(gzip::unpack(at_the_limit.clone()).map(|content| content.len()), Ok(gzip::MAX_BYTES));
    assert_eq!(gzip::unpack([at_the_limit, gz(b"1")].concat()), Err(Error::GzipTooLarge));
    // 5 GB, more than WebAssembly can hold, in 5 MB.
    let bomb = [gz(&images(20)), zeros.repeat(300)].concat();
    let refused = one_sentence(cause(read([("i", bomb), ("l", labels(20))]), "i"));
    assert_eq!(refused, Error::GzipTooLarge);
    assert!(refused.to_string().contains("128 MB"));
    assert_eq!(gzip::unpack(vec![b'1'; gzip::MAX_BYTES + 1]), Err(one_sentence(Error::FileTooLarge)));
}

/// No byte of a file is trusted: whatever is changed, cut or added, there is an error or a data set that keeps its
/// promises, and no panic.
#[test]
fn damaged_files_give_an_error_or_a_valid_data_set() {
    let mut random = Random::new(4);
    let below = |random: &mut Random, n: usize| (random.next() % n as u64) as usize;
    let mut read_whole = 0;
    for round in 0..4000 {
        let mut files = [images(20), labels(20)];
        if round % 2 == 0 {
            files = files.map(|file| gz(&file));
        }
        let damaged = &mut files[below(&mut random, 2)];
        for _ in 0..=below(&mut random, 3) {
            let at = below(&mut random, damaged.len());
            match random.next() % 4 {
                0 => damaged.truncate(at + 1),
                1 => damaged.insert(at, random.byte()),
                // Headers are a small part of a file and most of what can go wrong.
                2 => damaged[at % 20] ^= 1 << (random.next() % 8),
                _ => damaged[at] = random.byte(),
            }
        }
        let [i, l] = files;
        if let Ok(data) = read([("i", i), ("l", l)]) {
            read_whole += 1;
            assert_eq!((data.len(), data.image(19).len()), (20, 6), "no byte can be missed or made up");
            assert!((0..20).all(|row| data.label(row) <= 9));
            assert_eq!(data.split(0).train.len(), 16);
        }
    }
    assert!((50..3000).contains(&read_whole), "both happen: {read_whole} of 4000 were read");
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn mnist_is_read_as_published() {
    let names =
        ["t10k-labels-idx1-ubyte", "train-images-idx3-ubyte", "t10k-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    let names = names.map(|name| format!("{name}.gz"));
    let mut files = Vec::new();
    for name in names {
        let Some(bytes) = common::shared::packed(&format!("data/mnist/{name}")) else { return };
        files.push(File { name, bytes });
    }
    let data = files::read(files).expect("MNIST");
    assert_eq!((data.len(), data.width(), data.height(), data.max_pixel()), (70_000, 28, 28, 255));
    let Split { train, test } = data.split(42);
    let describe = |rows: &[u32]| {
        let words = rows.iter().flat_map(|&row| data.image(row as usize).as_chunks().0);
        let hash = common::hash(words.map(|bytes| u64::from_le_bytes(*bytes)));
        let count = |digit| rows.iter().filter(|&&row| data.label(row as usize) == digit).count();
        (rows.len(), format!("{hash:016x}"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(count))
    };
    let counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
    assert_eq!(describe(&train), (60_000, "b6e6196608671562".into(), counts));
    let counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
    assert_eq!(describe(&test), (10_000, "8614c3e55764d65f".into(), counts));
}
