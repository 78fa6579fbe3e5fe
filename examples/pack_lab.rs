//! Packs the coefficients of the published lab's model (from lab_bug.json) into the file that the crate embeds:
//! `cargo run --example pack_lab -- lab_bug.json src/quant/lab_coefficients.bin`

#[cfg(not(target_arch = "wasm32"))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: pack_lab lab_bug.json lab_coefficients.bin".into());
    };
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(source)?)?;
    let models = file["data"]["models"].as_array().ok_or("no models")?;
    let model = models.iter().find(|m| m["input"] == "standard_all").ok_or("no model standard_all")?;
    let coef = model["coef"].as_array().ok_or("no coef")?.iter().filter_map(|row| row.as_array()).flatten();
    let intercept = model["intercept"].as_array().ok_or("no intercept")?;
    let values: Vec<f64> = coef.chain(intercept).filter_map(serde_json::Value::as_f64).collect();
    println!("{} coefficients and intercepts", values.len());
    Ok(std::fs::write(target, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())?)
}

#[cfg(target_arch = "wasm32")]
fn main() {}
