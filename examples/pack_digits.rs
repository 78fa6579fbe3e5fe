//! Packs scikit-learn's digits.csv.gz into the file that the crate embeds:
//! `cargo run --example pack_digits -- digits.csv.gz src/data/digits.bin`

#[cfg(not(target_arch = "wasm32"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::io::{BufRead, BufReader};

    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: pack_digits digits.csv.gz digits.bin".into());
    };
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(source)?)).lines() {
        let row = line?.split(',').map(str::parse).collect::<Result<Vec<u8>, _>>()?;
        let (&label, image) = row.split_last().ok_or("an empty line")?;
        pixels.extend_from_slice(image);
        labels.push(label);
    }
    let packed = quantpad::data::digits::pack(&pixels, &labels);
    println!("{} images in {} bytes", labels.len(), packed.len());
    Ok(std::fs::write(target, packed)?)
}

#[cfg(target_arch = "wasm32")]
fn main() {}
