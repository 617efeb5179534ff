//! The header of a `.npy` file: a magic number and a Python dictionary literal.

use std::io::Read;

use super::Dtype;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header that is read, in bytes; NumPy's own are below 200.
const MAX_HEADER: usize = 1 << 16;
/// Most dimensions an array may have, as in NumPy.
const MAX_DIMENSIONS: usize = 64;

pub(super) struct Header {
    pub(super) dtype: Dtype,
    pub(super) big_endian: bool,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads up to the first element. The error is a reason for a person.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self, String> {
        let short = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "the file ends inside the .npy header".to_string(),
            _ => error.to_string(),
        };
        let mut start = [0; 8];
        reader.read_exact(&mut start).map_err(short)?;
        if !start.starts_with(MAGIC) {
            return Err("not a .npy array (its first bytes are not \\x93NUMPY)".into());
        }
        let length = if start[6] == 1 {
            let mut length = [0; 2];
            reader.read_exact(&mut length).map_err(short)?;
            usize::from(u16::from_le_bytes(length))
        } else if start[6] <= 3 && start[6] > 0 {
            let mut length = [0; 4];
            reader.read_exact(&mut length).map_err(short)?;
            u32::from_le_bytes(length) as usize
        } else {
            return Err(format!(
                ".npy format {}.{}; known are 1.0, 2.0 and 3.0",
                start[6], start[7]
            ));
        };
        if length > MAX_HEADER {
            return Err(format!(
                ".npy header of {length} bytes; at most {MAX_HEADER} are read"
            ));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text).map_err(short)?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let bad = || format!(".npy header not understood: {}", text.trim());
        let value = |key: &str| {
            let at = text
                .find(&format!("'{key}'"))
                .or_else(|| text.find(&format!("\"{key}\"")))?;
            text[at + key.len() + 2..].trim_start().strip_prefix(':')
        };
        let descr = value("descr").ok_or_else(bad)?.trim_start();
        if descr.starts_with('[') {
            return Err("structured arrays are not supported; store one array a field".into());
        }
        let descr = descr
            .strip_prefix(['\'', '"'])
            .and_then(|rest| rest.split(['\'', '"']).next())
            .ok_or_else(bad)?;
        let (dtype, big_endian) = parse_descr(descr)?;
        let fortran = value("fortran_order").ok_or_else(bad)?.trim_start();
        let fortran_order = if fortran.starts_with("True") {
            true
        } else if fortran.starts_with("False") {
            false
        } else {
            return Err(bad());
        };
        let shape = value("shape")
            .and_then(|rest| rest.trim_start().strip_prefix('('))
            .and_then(|rest| rest.split_once(')'))
            .ok_or_else(bad)?
            .0
            .split(',')
            .map(str::trim)
            .filter(|length| !length.is_empty())
            .map(|length| length.trim_end_matches('L').parse().map_err(|_| bad()))
            .collect::<Result<Vec<usize>, _>>()?;
        if shape.len() > MAX_DIMENSIONS {
            return Err(format!(
                "{} dimensions; at most {MAX_DIMENSIONS} are allowed",
                shape.len()
            ));
        }
        Ok(Self {
            dtype,
            big_endian,
            fortran_order,
            shape,
        })
    }
}

/// Element type and whether it is big-endian, from a type string such as `<f4`.
pub(super) fn parse_descr(descr: &str) -> Result<(Dtype, bool), String> {
    let (order, kind) = match descr.strip_prefix(['<', '>', '|', '=']) {
        Some(kind) => (descr.as_bytes()[0], kind),
        None => (b'=', descr),
    };
    let dtype = match kind {
        "b1" | "?" => Dtype::Bool,
        "u1" => Dtype::U8,
        "u2" => Dtype::U16,
        "u4" => Dtype::U32,
        "u8" => Dtype::U64,
        "i1" => Dtype::I8,
        "i2" => Dtype::I16,
        "i4" => Dtype::I32,
        "i8" => Dtype::I64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => {
            return Err(format!(
                "element type `{descr}` is not supported; allowed are bool, integers of 8 to \
                 64 bits and floats of 16 to 64 bits"
            ));
        }
    };
    let native_big = order == b'=' && cfg!(target_endian = "big");
    Ok((dtype, order == b'>' || native_big))
}
