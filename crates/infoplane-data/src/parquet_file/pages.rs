//! The headers of a column's pages and the lists of a footer, in Thrift's compact protocol
//! (<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>,
//! `PageHeader` and `FileMetaData`). What no writer writes is an error: in headers lists, maps and numbers
//! beyond 32 bits, in footers lists of booleans and maps.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What a page claims of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Page {
    /// Bytes after decompression.
    pub(super) uncompressed: u64,
    /// Values, with nulls; of a dictionary its entries.
    pub(super) values: u64,
    pub(super) is_dictionary: bool,
    /// Bytes behind the header.
    compressed: u64,
    /// How its values are encoded: a number of the format's `Encoding`.
    encoding: u64,
}

impl Page {
    /// The encoding, where its values claim a number of their own within the page.
    pub(super) fn unbounded_encoding(&self) -> Option<&'static str> {
        match self.encoding {
            6 => Some("DELTA_LENGTH_BYTE_ARRAY"),
            7 => Some("DELTA_BYTE_ARRAY"),
            _ => None,
        }
    }
}

/// The pages of a column's chunk of a row group, one after another.
pub(super) struct PageHeaders<'f> {
    file: &'f File,
    /// Where the next header begins, and the bytes from there to the chunk's end.
    at: u64,
    left: u64,
}

impl<'f> PageHeaders<'f> {
    pub(super) fn new(file: &'f File, start: u64, length: u64) -> Self {
        Self {
            file,
            at: start,
            left: length,
        }
    }

    fn read(&mut self) -> io::Result<Page> {
        let mut file = self.file;
        file.seek(SeekFrom::Start(self.at))?;
        let mut header = Compact {
            bytes: BufReader::with_capacity(1024, file.take(self.left)),
            length: 0,
        };
        let page = header.page()?;
        let length = header.length + page.compressed;
        self.left = self
            .left
            .checked_sub(length)
            .ok_or_else(|| broken("a page reaches beyond its column"))?;
        self.at += length;
        Ok(page)
    }
}

impl Iterator for PageHeaders<'_> {
    type Item = io::Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let page = self.read();
        if page.is_err() {
            self.left = 0;
        }
        Some(page)
    }
}

/// Refuses a footer with a list of booleans or a map. The `parquet` crate steps over the elements of a list
/// that it does not know one by one, and over booleans without reading a byte: a few bytes that claim
/// billions of them keep it busy for seconds.
pub(super) fn check_footer(file: &File, length: u64) -> io::Result<()> {
    let mut end = [0; 8];
    let mut file = file;
    let Some(at) = length.checked_sub(end.len() as u64) else {
        return Ok(());
    };
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, magic @ ..] = end;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    // What is no footer at all is told better by whoever reads it.
    let (b"PAR1", Some(start)) = (&magic, at.checked_sub(footer)) else {
        return Ok(());
    };
    file.seek(SeekFrom::Start(start))?;
    let mut footer = Compact {
        bytes: BufReader::new(file.take(footer)),
        length: 0,
    };
    footer.step_over(STRUCT, FOOTER_DEPTH)
}

fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Structs within structs; a page's header has statistics within its data.
const MAX_DEPTH: usize = 8;

/// Structs and lists within each other; a footer has statistics within a column's metadata within a chunk within a
/// row group, and lists around some.
const FOOTER_DEPTH: usize = 16;

/// Thrift's types of fields.
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// A reader that counts what it has read.
struct Compact<R> {
    bytes: R,
    length: u64,
}

impl<R: Read> Compact<R> {
    fn page(&mut self) -> io::Result<Page> {
        let mut page = Page::default();
        let mut kinds = 0;
        self.each_field(|header, id, kind| match id {
            1 => header.number(kind).map(drop),
            2 => header.number(kind).map(|size| page.uncompressed = size),
            3 => header.number(kind).map(|size| page.compressed = size),
            // Data of the first kind, an index, a dictionary, data of the second kind.
            5..=8 if kind == STRUCT => {
                let (n_numbers, encoding) = match id {
                    5 => (4, 2),
                    6 => (0, 0),
                    7 => (2, 2),
                    _ => (6, 4),
                };
                kinds += 1;
                page.is_dictionary = id == 7;
                header.each_field(|header, field, kind| match field {
                    _ if field > n_numbers => header.skip(kind, MAX_DEPTH),
                    1 => header.number(kind).map(|values| page.values = values),
                    _ if field == encoding => {
                        header.number(kind).map(|value| page.encoding = value)
                    }
                    _ => header.number(kind).map(drop),
                })
            }
            // A checksum may be any number.
            4 if kind == I32 => header.varint().map(drop),
            4..=8 => Err(broken("a page header has fields of other types")),
            _ => header.skip(kind, MAX_DEPTH),
        })?;
        if kinds > 1 {
            return Err(broken("a page is of several kinds"));
        }
        Ok(page)
    }

    /// Calls `read` with the number and the type of each field of a struct, and its value ahead.
    fn each_field(
        &mut self,
        mut read: impl FnMut(&mut Self, u64, u8) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut id = 0;
        loop {
            let byte = self.byte()?;
            let (delta, kind) = (byte >> 4, byte & 0xf);
            if kind == 0 {
                return Ok(());
            }
            id = match delta {
                0 => self.unsigned()?,
                delta => id + u64::from(delta),
            };
            if id > i16::MAX as u64 {
                return Err(broken(
                    "a page header has a field of a number that can't be right",
                ));
            }
            read(self, id, kind)?;
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.bytes.read_exact(&mut byte)?;
        self.length += 1;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(broken("a number in a page header is too long"))
    }

    /// A number that is not negative and has at most 31 bits, as the format's `i32` has.
    fn unsigned(&mut self) -> io::Result<u64> {
        let zigzag = self.varint()?;
        match zigzag & 1 == 0 && zigzag >> 32 == 0 {
            true => Ok(zigzag >> 1),
            false => Err(broken("a page header has a number that can't be right")),
        }
    }

    /// A field that is an `i32`, and not negative.
    fn number(&mut self, kind: u8) -> io::Result<u64> {
        match kind {
            I32 => self.unsigned(),
            _ => Err(broken("a page header has fields of other types")),
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        match kind {
            FALSE | TRUE => Ok(()),
            BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.skip_bytes(8),
            BINARY => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            STRUCT if depth > 0 => self.each_field(|header, _, kind| header.skip(kind, depth - 1)),
            _ => Err(broken(
                "a page header or the footer has fields of other types",
            )),
        }
    }

    /// Steps over a value of a footer.
    fn step_over(&mut self, kind: u8, depth: usize) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(broken("its footer is nested too deeply"));
        };
        match kind {
            STRUCT => self.each_field(|footer, _, kind| footer.step_over(kind, depth)),
            LIST | SET => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    15 => self.varint()?,
                    count => u64::from(count),
                };
                let element = byte & 0xf;
                if matches!(element, FALSE | TRUE) && count > 0 {
                    return Err(broken("its footer has a list of booleans"));
                }
                // Each element has a byte, so that this ends with the footer.
                (0..count).try_for_each(|_| self.step_over(element, depth))
            }
            _ => self.skip(kind, 0),
        }
    }

    fn skip_bytes(&mut self, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.bytes.by_ref().take(length), &mut io::sink())?;
        if skipped != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.length += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Page> {
        let mut header = Compact { bytes, length: 0 };
        let page = header.page()?;
        assert_eq!(header.length, bytes.len() as u64);
        Ok(page)
    }

    #[test]
    fn headers_of_data_and_dictionaries() {
        // Type 0, sizes 300 and 20, checksum, data: 7 values, plain, with statistics of text and null
        // counts.
        let statistics = [0x18, 2, b'a', b'b', 0x26, 2, 0];
        let data = [
            &[0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c],
            &statistics[..],
            &[0],
        ]
        .concat();
        let bytes = [
            &[0x15, 0, 0x15, 0xd8, 0x04, 0x15, 40, 0x15, 8, 0x1c],
            &data[..],
            &[0],
        ]
        .concat();
        let page = Page {
            uncompressed: 300,
            values: 7,
            is_dictionary: false,
            compressed: 20,
            encoding: 0,
        };
        assert_eq!(read(&bytes).unwrap(), page);
        // A dictionary of 3, then a page of the second kind with lengths as deltas.
        let bytes = [
            0x15, 4, 0x15, 24, 0x15, 24, 0x4c, 0x15, 6, 0x15, 0, 0x11, 0, 0,
        ];
        let page = read(&bytes).unwrap();
        assert!(page.is_dictionary);
        assert_eq!((page.values, page.uncompressed), (3, 12));
        let bytes = [
            0x15, 6, 0x15, 24, 0x15, 24, 0x5c, 0x15, 6, 0x15, 0, 0x15, 6, 0x15, 12, 0x15, 0, 0x15,
            0, 0x12, 0, 0,
        ];
        let page = read(&bytes).unwrap();
        assert_eq!((page.values, page.is_dictionary), (3, false));
        assert_eq!(page.unbounded_encoding(), Some("DELTA_LENGTH_BYTE_ARRAY"));
    }

    #[test]
    fn footers_with_lists() {
        let step = |bytes: &[u8]| {
            let mut footer = Compact { bytes, length: 0 };
            footer
                .step_over(STRUCT, FOOTER_DEPTH)
                .map(|()| footer.length)
        };
        // A version, a list of two structs of one number, a long list of texts, an i64.
        let structs = [0x19, 0x2c, 0x15, 2, 0, 0x15, 4, 0];
        let texts = [&[0x19, 0xf8, 16][..], &[1, b'a'].repeat(16)].concat();
        let bytes = [
            &[0x15, 2][..],
            &structs,
            &texts,
            &[0x16, 0xfe, 0xff, 0x03, 0],
        ]
        .concat();
        assert_eq!(step(&bytes).unwrap(), bytes.len() as u64);
        // Two billion booleans, as many within a list of lists, a map, and more numbers than there are.
        for bytes in [
            &[0x19, 0xf2, 0xff, 0xff, 0xff, 0xff, 7, 0][..],
            &[0x19, 0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 7, 0],
            &[0x1b, 1, 0x55, 2, 2, 0],
            &[0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 7, 2, 2, 0],
            &[0x19; 40],
        ] {
            assert!(step(bytes).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn headers_that_no_writer_writes() {
        // A negative size, one of 33 bits, a size as i64, a list, two kinds at once, deep structs.
        for bytes in [
            &[0x25, 1, 0][..],
            &[0x25, 0x80, 0x80, 0x80, 0x80, 0x20, 0],
            &[0x26, 2, 0],
            &[0x99, 0x11, 2, 0],
            &[0x5c, 0x15, 2, 0, 0x2c, 0x15, 2, 0, 0],
            &[0x9c; 20],
            &[0x98, 100, 1, 2, 3],
        ] {
            assert!(read(bytes).is_err(), "{bytes:x?}");
        }
    }
}
