//! The safetensors container, against the `safetensors` crate: the same bytes written, the same files read.

use crate::common;
#[cfg(target_arch = "wasm32")]
use crate::common::test;

use quantpad::format::safetensors::{Dtype, SafeTensors, Tensor};

/// A file with this header and so many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![7; data]].concat()
}

const A: &str = r#""a":{"dtype":"I16","shape":[2,1],"data_offsets":[0,4]}"#;
const B: &str = r#""b":{"dtype":"F64","shape":[],"data_offsets":[4,12]}"#;

/// Headers over twelve bytes of data that are right.
fn right() -> Vec<String> {
    vec![
        format!("{{{A},{B}}}"),
        format!("{{{B},{A}}}"),
        format!(" {{ {A} ,\t{B} }}\r\n   ").replace(':', " : ").replace('[', "[ ").replace(']', " ]"),
        format!(r#"{{"__metadata__":{{}},{A},{B}}}"#),
        format!(r#"{{{A},"__metadata__":{{"format":"pt","":"","ü\u00fc\ud83d\ude00":"\"\\\/\b\f\n\r\t😀"}},{B}}}"#),
        format!(r#"{{{A},"empty":{{"shape":[3,0],"data_offsets":[4,4],"dtype":"BF16"}},{B}}}"#),
        r#"{"\u0061":{"dtype":"F4","shape":[24],"data_offsets":[0,12]}}"#.into(),
        r#"{"six bits":{"dtype":"F6_E2M3","shape":[4,4],"data_offsets":[0,12]}}"#.into(),
        r#"{"bytes":{"dtype":"F8_E4M3FNUZ","shape":[1,12],"data_offsets":[0,12]}}"#.into(),
    ]
}

/// Headers over twelve bytes of data that are not.
fn wrong() -> Vec<String> {
    let mut headers: Vec<String> = [
        "",
        "{",
        "}",
        "[]",
        "{}",
        "null",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":1}"#,
        r#"{"__metadata__":{"a":1}}"#,
        r#"{"__metadata__":[]}"#,
    ]
    .map(String::from)
    .into();
    headers.extend([
        format!("{{{A}}}"),
        format!("{{{B}}}"),
        format!("{{{A},{B}"),
        format!("{{{A},{B},}}"),
        format!("{{{A} {B}}}"),
        format!("{{{A},{B}}} x"),
        format!("{{{A},{B}}}\0"),
        format!(r#"{{"__metadata__":{{"k":"\ud83d"}},{A},{B}}}"#),
        format!(r#"{{"__metadata__":{{"k":"\ude00\ud83d"}},{A},{B}}}"#),
        format!(r#"{{"__metadata__":{{"k":"\u+123"}},{A},{B}}}"#),
        format!(r#"{{"__metadata__":{{"k":"\x"}},{A},{B}}}"#),
        format!("{{\"__metadata__\":{{\"k\":\"\n\"}},{A},{B}}}"),
    ]);
    let changes = [
        ("[0,4]", "[0,5]"),
        ("[0,4]", "[4,0]"),
        ("[0,4]", "[0,4,8]"),
        ("[0,4]", "[0]"),
        ("[0,4]", "[00,4]"),
        ("[0,4]", "[-0,4]"),
        ("[0,4]", "[0,4.0]"),
        ("[0,4]", "[0,4e0]"),
        ("[0,4]", "[0,04]"),
        ("[0,4]", "[0,+4]"),
        ("[0,4]", "[0,99999999999999999999]"),
        ("[4,12]", "[8,16]"),
        ("[2,1]", "[2,2]"),
        ("[2,1]", "[2,]"),
        ("[2,1]", "[2 1]"),
        ("[2,1]", r#"["2",1]"#),
        ("[2,1]", "[4294967296,4294967296]"),
        ("I16", "i16"),
        ("I16", "I32"),
        ("I16", "F4"),
        (r#""dtype":"I16","#, ""),
        (r#""dtype":"I16","#, r#""dtype":"I16","dtype":"I16","#),
        (r#""dtype":"I16","#, r#""dtype":null,"#),
        (r#""shape":[2,1],"#, ""),
        (r#""shape":[2,1],"#, r#""shape":{},"#),
    ];
    headers.extend(changes.map(|(old, new)| format!("{{{A},{B}}}").replace(old, new)));
    headers
}

#[test]
fn what_the_format_allows_is_read() {
    for header in right() {
        let bytes = file(&header, 12);
        let read = SafeTensors::read(&bytes).unwrap_or_else(|error| panic!("{error} {header}"));
        assert_eq!(read.tensors.iter().map(|tensor| tensor.data.len()).sum::<usize>(), 12, "{header}");
    }
    let bytes = file(&right()[4], 12);
    let read = SafeTensors::read(&bytes).expect("a right header");
    assert_eq!(read.metadata("üü😀"), Some("\"\\/\u{8}\u{c}\n\r\t😀"));
    assert_eq!((read.metadata("format"), read.metadata("other")), (Some("pt"), None));
    let b = read.tensor("b").expect("the tensor b");
    assert_eq!((b.dtype, &b.shape[..], &*b.data), (Dtype::F64, &[][..], &[7; 8][..]));
}

#[test]
fn what_it_does_not_is_refused_with_a_sentence() {
    for header in wrong() {
        let error = SafeTensors::read(&file(&header, 12)).expect_err(&header).to_string();
        assert!(error.contains("it cannot be read as safetensors ("), "{error}");
    }
    let good = file(&right()[0], 12);
    for end in 0..good.len() {
        assert!(SafeTensors::read(&good[..end]).is_err(), "cut after {end} bytes");
    }
    assert!(SafeTensors::read(&[&good[..], b" "].concat()).is_err());
    assert!(SafeTensors::read(&[0xFF; 100]).is_err());
    let twice = format!("{{{A},{}}}", A.replace("[0,4]", "[4,8]"));
    assert!(SafeTensors::read(&file(&twice, 8)).is_err(), "a name used twice");
}

/// Tensors of every type, in no order.
fn file_of_everything() -> SafeTensors<'static> {
    use Dtype::*;
    #[rustfmt::skip]
    let types = [
        (U8, 3), (F4, 12), (F64, 24), (I64, 24), (BOOL, 3), (F6_E2M3, 18), (F16, 6), (C64, 24), (F32, 12), (F6_E3M2, 18), (I8, 3),
        (F8_E5M2, 3), (F8_E4M3, 3), (U64, 24), (I16, 6), (F8_E8M0, 3), (F8_E4M3FNUZ, 3), (F8_E5M2FNUZ, 3), (BF16, 6), (U32, 12),
        (I32, 12), (U16, 6),
    ];
    let mut random = common::Random::new(5);
    let tensors = types.into_iter().enumerate().map(|(i, (dtype, bytes))| {
        let shape = if matches!(dtype, F4 | F6_E2M3 | F6_E3M2) { vec![24] } else { vec![3, 1] };
        let name = [["first", "ü\u{1}\""][i % 2], dtype.name()].concat();
        Tensor {
            name,
            dtype,
            shape,
            data: (0..bytes).map(|_| (random.float() * 100.0) as i8 as u8).collect::<Vec<_>>().into(),
        }
    });
    SafeTensors { metadata: vec![("key \\ \n".into(), "\u{1f}\"text\"".into())], tensors: tensors.collect() }
}

#[test]
fn what_is_written_is_read_back() {
    let mut file = file_of_everything();
    let bytes = file.clone().write();
    let read = SafeTensors::read(&bytes).expect("a whole file");
    file.tensors.sort_by(|a, b| b.dtype.cmp(&a.dtype).then(a.name.cmp(&b.name)));
    assert_eq!(read, file);
    assert_eq!(SafeTensors { metadata: vec![], tensors: vec![] }.write(), *b"\x08\0\0\0\0\0\0\0{}      ");
}

#[cfg(not(target_arch = "wasm32"))]
mod against_the_crate {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_crate() {
        let file = file_of_everything();
        let bytes = file.clone().write();
        let theirs = safetensors::SafeTensors::deserialize(&bytes).expect("a file that the crate reads");
        for tensor in &file.tensors {
            let view = theirs.tensor(&tensor.name).expect("every tensor");
            assert_eq!(
                (view.dtype().to_string().as_str(), view.shape(), view.data()),
                (tensor.dtype.name(), &tensor.shape[..], &*tensor.data)
            );
        }
        // The crate escapes \n and its like by letter, ours by number: both are JSON.
        let metadata = [("key".into(), "text".into())];
        let theirs = safetensors::serialize(theirs.tensors(), Some(metadata.clone().into())).expect("whole tensors");
        let ours = SafeTensors { metadata: metadata.into(), tensors: file.tensors }.write();
        assert!(ours == theirs);
    }

    #[test]
    fn the_crate_agrees_what_is_right_and_what_is_wrong() {
        let theirs = |header: &String| safetensors::SafeTensors::deserialize(&file(header, 12)).is_ok();
        assert!(right().iter().all(theirs), "right: {:?}", right().iter().find(|h| !theirs(h)));
        assert!(!wrong().iter().any(theirs), "wrong: {:?}", wrong().iter().find(|h| theirs(h)));
    }
}
