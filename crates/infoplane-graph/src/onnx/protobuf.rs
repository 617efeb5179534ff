//! Protocol-buffer input with every length checked against what is there, so that a damaged file
//! can't ask for memory it does not fill.

use rten_onnx::onnx::ModelProto;
use rten_onnx::protobuf::{DecodeMessage, ErrorKind, OwnedValues, ProtobufError, ReadValue};

/// Parses a model; the error is a reason for people.
pub(super) fn parse(bytes: &[u8]) -> Result<ModelProto, String> {
    ModelProto::decode(SliceReader { bytes, position: 0 }).map_err(|error| match error.kind() {
        ErrorKind::Eof => format!(
            "it ends after {} bytes, in the middle of a field",
            bytes.len()
        ),
        _ => error.to_string(),
    })
}

/// Whether the first field is a model's: its version (field 1, a small number), or the producer's
/// name (field 2) or the operator sets (field 8), which some exporters put first.
pub(super) fn begins_like_a_model(bytes: &[u8]) -> bool {
    match bytes {
        [
            0x08,
            version,
            0x12 | 0x1A | 0x22 | 0x28 | 0x32 | 0x3A | 0x42 | 0x72,
            ..,
        ] => (1..=64).contains(version),
        [0x08, version] | [0x08, version, ..] if bytes.len() < 3 => (1..=64).contains(version),
        _ => false,
    }
}

struct SliceReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl SliceReader<'_> {
    fn take(&mut self, len: usize) -> Result<&[u8], ProtobufError> {
        let end = self.position.checked_add(len);
        match end.and_then(|end| self.bytes.get(self.position..end)) {
            Some(taken) => {
                self.position += len;
                Ok(taken)
            }
            None => Err(ProtobufError::new(ErrorKind::Eof)),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtobufError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}

impl ReadValue for SliceReader<'_> {
    type Types = OwnedValues;

    fn read_i32(&mut self) -> Result<i32, ProtobufError> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn read_i64(&mut self) -> Result<i64, ProtobufError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn read_varint(&mut self) -> Result<u64, ProtobufError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ProtobufError::new(ErrorKind::InvalidVarint))
    }

    fn read_bytes(&mut self, len: usize) -> Result<Vec<u8>, ProtobufError> {
        self.take(len).map(<[u8]>::to_vec)
    }

    fn read_string(&mut self, len: usize) -> Result<String, ProtobufError> {
        String::from_utf8(self.read_bytes(len)?)
            .map_err(|_| ProtobufError::new(ErrorKind::InvalidUtf8))
    }

    fn skip(&mut self, len: usize) -> Result<(), ProtobufError> {
        self.take(len).map(|_| ())
    }

    fn position(&self) -> u64 {
        self.position as u64
    }
}
