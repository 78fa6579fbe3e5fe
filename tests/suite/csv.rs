//! Digits as CSV: scikit-learn's form and MNIST's, with the line of whatever is wrong.

#[cfg(not(target_arch = "wasm32"))]
use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::{
    Error, Result,
    data::{
        Dataset, Split, csv,
        files::{self, File},
    },
};

/// A line of `pixels` times `pixel`, the label first or last.
fn line(pixels: usize, pixel: &str, label: &str, label_first: bool) -> String {
    let mut cells = vec![pixel; pixels];
    cells.insert(if label_first { 0 } else { pixels }, label);
    cells.join(",") + "\n"
}

/// Ten lines with the labels 0 to 9, every pixel one more than the label.
fn table(pixels: usize, label_first: bool) -> String {
    (0..10).map(|i| line(pixels, &(i + 1).to_string(), &i.to_string(), label_first)).collect()
}

fn read(text: &str) -> Result<Dataset> {
    csv::read(text.as_bytes())
}

fn assert_is_the_table(data: Result<Dataset>, side: usize, max_pixel: u8) {
    let data = data.expect("a table");
    assert_eq!((data.len(), data.width(), data.height(), data.max_pixel()), (10, side, side, max_pixel));
    for row in 0..10 {
        assert_eq!(usize::from(data.label(row)), row);
        assert!(data.image(row).iter().all(|&pixel| usize::from(pixel) == row + 1), "row {row}");
    }
}

#[test]
fn digits_have_their_label_last_and_mnist_has_it_first() {
    assert_is_the_table(read(&table(64, false)), 8, 16);
    assert_is_the_table(read(&table(784, true)), 28, 255);
}

#[test]
fn a_header_that_names_the_label_says_where_it_is() {
    for name in ["label", "Label", "class", "\"target\"", "digit", " y "] {
        assert_is_the_table(read(&(line(784, "pixel", name, false) + &table(784, false))), 28, 255);
        assert_is_the_table(read(&(line(784, "1x1", name, true) + &table(784, true))), 28, 255);
        assert_is_the_table(read(&(line(64, "7", name, true) + &table(64, true))), 8, 16);
    }
    assert_is_the_table(read(&(line(64, "p", "what it is", false) + &table(64, false))), 8, 16);
    assert_is_the_table(read(&(line(784, "p", "what it is", true) + &table(784, true))), 28, 255);
}

#[test]
fn tables_as_other_programs_write_them_are_read() {
    let plain = table(64, false);
    assert_is_the_table(read(&plain.replace('\n', "\r\n")), 8, 16);
    assert_is_the_table(read(&format!("\u{feff}\n{}\n\n", plain.trim_end())), 8, 16);
    assert_is_the_table(read(&plain.replace(',', ".0, ")), 8, 16);
    assert_is_the_table(read(plain.replace(',', "\",\"").replace('\n', "\"\n\"").trim_end_matches('"')), 8, 16);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let good = table(64, false);
    let refused = |bad: &str| read(&(good.clone() + "\n" + bad)).expect_err("a bad line 12");
    let value = |column, found: &str, max| Error::CsvValue { line: 12, column, found: found.into(), max };
    assert_eq!(refused(&line(64, "17", "3", false)), value(1, "17", 16));
    assert_eq!(refused(&line(64, "16", "10", false)), value(65, "10", 9));
    assert_eq!(refused(&line(64, "3", "", false)), value(65, "", 9));
    for bad in ["-1", "0.5", "nan", "1e9", "256", ".0", "a very long value th"] {
        assert_eq!(refused(&line(64, bad, "3", false)), value(1, bad, 16));
    }
    assert_eq!(refused(&line(64, &"é".repeat(50), "3", false)), value(1, &"é".repeat(20), 16));
    assert_eq!(refused(&line(63, "3", "3", false)), Error::CsvRow { line: 12, found: 64, expected: 65 });
    assert_eq!(
        refused(&line(64, "17", "3", false)).to_string(),
        "Line 12, column 1 is \"17\", where a whole number from 0 to 16 is needed."
    );
    let unlabelled = "0,".repeat(783) + "0\n";
    assert_eq!(read(&unlabelled), Err(Error::CsvColumns { line: 1, found: 784 }));
    assert_eq!(csv::read(b"1,2,\xff"), Err(Error::NotText));
    assert!(csv::read(b"").is_err());
}

#[test]
fn two_tables_are_a_training_and_a_test_part() {
    let file = |name: &str, lines: usize| {
        let text: String = table(784, true).lines().cycle().take(lines).map(|line| format!("{line}\n")).collect();
        File { name: name.into(), bytes: text.into() }
    };
    let data = files::read(vec![file("mnist_test.csv", 20), file("mnist_train.csv", 15)]).expect("two parts");
    assert_eq!(data.split(42), Split { train: (0..15).collect(), test: (15..35).collect() });
    let data = files::read(vec![file("mnist_test.csv", 20)]).expect("one part");
    assert_eq!(data.split(42), Split::seeded(20, 42));
    let refused = files::read(vec![file("short.csv", 9)]);
    let cause = Box::new(Error::TooFewImages { found: 9, min: 10 });
    assert_eq!(refused, Err(Error::File { name: "short.csv".into(), cause }));
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn scikit_learns_file_is_the_embedded_set() {
    let Some(bytes) = common::shared::packed("data/digits.csv.gz") else { return };
    let read = files::read(vec![File { name: "digits.csv.gz".into(), bytes }]);
    assert_eq!(read, Ok(quantpad::data::digits::load()));
}
