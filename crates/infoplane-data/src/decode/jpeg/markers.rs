//! Marker segments: tables, frame and scans (T.81 annex B).

use super::JpegError;
use super::colour::ColourModel;
use super::entropy::{Scan, ScanComponent, ZIGZAG, decode_scan};
use super::frame::Frame;
use super::huffman::HuffmanTable;

/// Most scans that are read; each costs a pass over the image whatever its size in the file.
const MAX_SCANS: usize = 512;

/// What markers have set so far.
#[derive(Default)]
struct Tables {
    quantisers: [Option<[u16; 64]>; 4],
    dc: [Option<HuffmanTable>; 4],
    ac: [Option<HuffmanTable>; 4],
    restart_interval: usize,
    jfif: bool,
    /// The colour transform that an Adobe marker declares.
    adobe: Option<u8>,
}

/// Reads the whole file: the frame with all coefficients, and what its components mean.
pub(super) fn read(bytes: &[u8]) -> Result<(Frame, ColourModel), JpegError> {
    let mut tables = Tables::default();
    let mut frame: Option<Frame> = None;
    let mut n_scans = 0;
    let mut position = 2;
    loop {
        let Some((marker, after)) = next_marker(bytes, position) else {
            // A sequential file is complete with its last scan.
            match &frame {
                Some(frame) if !frame.progressive && is_complete(frame) => break,
                _ => return Err(JpegError::Truncated),
            }
        };
        position = after;
        match marker {
            0xD9 => break,
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let body = segment(bytes, position)?;
        position += body.len() + 2;
        match marker {
            0xC0..=0xC2 => {
                if frame.is_some() {
                    return Err(JpegError::malformed("more than one frame"));
                }
                frame = Some(Frame::parse(body, marker == 0xC2, bytes.len() - position)?);
            }
            0xC4 => tables.read_huffman(body)?,
            0xC3 | 0xC5..=0xC7 | 0xCB | 0xCD..=0xCF => {
                return Err(JpegError::Unsupported(
                    "lossless or hierarchical coding".into(),
                ));
            }
            0xC9 | 0xCA => return Err(JpegError::Unsupported("arithmetic coding".into())),
            0xDA => {
                let frame = frame
                    .as_mut()
                    .ok_or_else(|| JpegError::malformed("a scan before the frame"))?;
                n_scans += 1;
                if n_scans > MAX_SCANS {
                    return Err(JpegError::Unsupported(format!(
                        "more than {MAX_SCANS} scans"
                    )));
                }
                let scan = tables.scan(body, frame)?;
                position = decode_scan(frame, &scan, bytes, position)?;
            }
            0xDB => tables.read_quantisers(body)?,
            0xDD => {
                if let [high, low, ..] = *body {
                    tables.restart_interval = usize::from(u16::from_be_bytes([high, low]));
                }
            }
            0xE0 => tables.jfif |= body.starts_with(b"JFIF\0"),
            0xEE if body.starts_with(b"Adobe") => tables.adobe = body.get(11).copied(),
            _ => {}
        }
    }
    let frame = frame.ok_or_else(|| JpegError::malformed("no frame"))?;
    let ids: Vec<u8> = frame
        .components
        .iter()
        .map(|component| component.id)
        .collect();
    Ok((frame, ColourModel::new(&ids, tables.jfif, tables.adobe)))
}

fn is_complete(frame: &Frame) -> bool {
    frame
        .components
        .iter()
        .all(|component| component.quantisers.is_some())
}

/// The next marker's code and the position after it.
fn next_marker(bytes: &[u8], position: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(position..)?;
    let at = rest
        .windows(2)
        .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF))?;
    Some((rest[at + 1], position + at + 2))
}

/// A segment's content, without its length.
fn segment(bytes: &[u8], position: usize) -> Result<&[u8], JpegError> {
    let length = bytes
        .get(position..position + 2)
        .ok_or(JpegError::Truncated)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if length < 2 {
        return Err(JpegError::malformed(
            "a segment shorter than its length field",
        ));
    }
    bytes
        .get(position + 2..position + length)
        .ok_or(JpegError::Truncated)
}

impl Tables {
    fn read_quantisers(&mut self, mut body: &[u8]) -> Result<(), JpegError> {
        let short = || JpegError::malformed("short quantisation table");
        while let Some((&head, rest)) = body.split_first() {
            let wide = head >> 4 != 0;
            let (values, rest) = rest
                .split_at_checked(if wide { 128 } else { 64 })
                .ok_or_else(short)?;
            let mut table = [0; 64];
            for (k, &at) in ZIGZAG.iter().enumerate() {
                table[at] = if wide {
                    u16::from_be_bytes([values[2 * k], values[2 * k + 1]])
                } else {
                    u16::from(values[k])
                };
            }
            *slot(&mut self.quantisers, head)? = Some(table);
            body = rest;
        }
        Ok(())
    }

    fn read_huffman(&mut self, mut body: &[u8]) -> Result<(), JpegError> {
        let short = || JpegError::malformed("short Huffman table");
        while let Some((&head, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(short)?;
            let n: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(n).ok_or_else(short)?;
            let tables = if head >> 4 == 0 {
                &mut self.dc
            } else {
                &mut self.ac
            };
            *slot(tables, head)? = Some(HuffmanTable::new(counts, symbols)?);
            body = rest;
        }
        Ok(())
    }

    /// Parses a scan header, and settles the quantisation tables of components seen for the first
    /// time.
    fn scan(&self, body: &[u8], frame: &mut Frame) -> Result<Scan<'_>, JpegError> {
        let malformed = || JpegError::malformed("scan header");
        let (&count, rest) = body.split_first().ok_or_else(malformed)?;
        let count = usize::from(count);
        let (parts, rest) = rest.split_at_checked(count * 2).ok_or_else(malformed)?;
        let &[first, last, approximation, ..] = rest else {
            return Err(malformed());
        };
        let mut components = Vec::with_capacity(count);
        for part in parts.chunks_exact(2) {
            let (id, tables) = (part[0], part[1]);
            let index = frame
                .components
                .iter()
                .position(|component| component.id == id)
                .ok_or_else(|| JpegError::malformed("a scan of an unknown component"))?;
            if components
                .iter()
                .any(|other: &ScanComponent<'_>| other.index == index)
            {
                return Err(JpegError::malformed("a scan names a component twice"));
            }
            let component = &mut frame.components[index];
            if component.quantisers.is_none() {
                let table = self.quantisers.get(component.quantiser).copied().flatten();
                component.quantisers = Some(table.ok_or_else(|| {
                    JpegError::malformed(
                        "a component uses a quantisation table that was not defined",
                    )
                })?);
            }
            components.push(ScanComponent {
                index,
                dc: self
                    .dc
                    .get(usize::from(tables >> 4))
                    .and_then(Option::as_ref),
                ac: self
                    .ac
                    .get(usize::from(tables & 15))
                    .and_then(Option::as_ref),
            });
        }
        let (first, last) = if frame.progressive {
            (usize::from(first), usize::from(last))
        } else {
            (0, 63)
        };
        let (high, low) = if frame.progressive {
            (u32::from(approximation >> 4), u32::from(approximation & 15))
        } else {
            (0, 0)
        };
        let band_is_valid = match first {
            0 => last == 0 || !frame.progressive,
            _ => count == 1 && first <= last && last < 64,
        };
        if components.is_empty() || !band_is_valid || low > 13 {
            return Err(malformed());
        }
        Ok(Scan {
            components,
            first,
            last,
            high,
            low,
            restart_interval: self.restart_interval,
        })
    }
}

/// The table that a segment's first byte names.
fn slot<T>(tables: &mut [Option<T>; 4], head: u8) -> Result<&mut Option<T>, JpegError> {
    tables
        .get_mut(usize::from(head & 15))
        .ok_or_else(|| JpegError::malformed("table number above 3"))
}
