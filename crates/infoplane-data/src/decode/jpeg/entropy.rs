//! Scans: entropy-coded passes over the blocks (T.81 annexes F and G).

use super::JpegError;
use super::frame::{Component, Frame};
use super::huffman::{BitReader, HuffmanTable};

/// Natural index of each coefficient in zigzag order.
pub(super) const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What a start-of-scan marker declares.
pub(super) struct Scan<'t> {
    pub(super) components: Vec<ScanComponent<'t>>,
    /// First and last coefficient in zigzag order.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Bit position of the previous pass over these coefficients; 0 for the first.
    pub(super) high: u32,
    /// Bit position of this pass.
    pub(super) low: u32,
    /// Minimum coded units between restart markers; 0 for none.
    pub(super) restart_interval: usize,
}

/// A component's part in a scan.
pub(super) struct ScanComponent<'t> {
    /// Index in the frame.
    pub(super) index: usize,
    pub(super) dc: Option<&'t HuffmanTable>,
    pub(super) ac: Option<&'t HuffmanTable>,
}

/// What is carried from block to block.
#[derive(Default)]
struct State {
    /// Last DC value, by component of the scan.
    dc: [i32; 4],
    /// Blocks still to come without new coefficients.
    end_of_band_run: u32,
}

/// Decodes the scan that starts at `position` of `data` into the frame's coefficients; returns
/// where the next marker is to be looked for.
pub(super) fn decode_scan(
    frame: &mut Frame,
    scan: &Scan<'_>,
    data: &[u8],
    position: usize,
) -> Result<usize, JpegError> {
    let mut reader = BitReader::new(data, position);
    let mut state = State::default();
    let (across, down) = match scan.components.as_slice() {
        // A scan of one component has no blocks that only fill up.
        [only] => {
            let component = &frame.components[only.index];
            (component.width.div_ceil(8), component.height.div_ceil(8))
        }
        _ => (
            frame.width.div_ceil(8 * frame.h_max),
            frame.height.div_ceil(8 * frame.v_max),
        ),
    };
    let mut restarts = 0;
    for unit in 0..across * down {
        if scan.restart_interval > 0 && unit > 0 && unit % scan.restart_interval == 0 {
            reader = restart(&reader, data, restarts)?;
            restarts = (restarts + 1) % 8;
            state = State::default();
        }
        if reader.exhausted {
            if reader.is_truncated() {
                return Err(JpegError::Truncated);
            }
            // libjpeg leaves the rest of a segment that is too short as it is.
            continue;
        }
        let (unit_row, unit_column) = (unit / across, unit % across);
        if let [only] = scan.components.as_slice() {
            let component = &mut frame.components[only.index];
            let block = block_at(component, unit_row, unit_column)?;
            scan.decode_block(&mut reader, &mut state, 0, block)?;
            continue;
        }
        for (slot, part) in scan.components.iter().enumerate() {
            let component = &mut frame.components[part.index];
            let (h, v) = (component.h, component.v);
            for row in 0..v {
                for column in 0..h {
                    let block = block_at(component, unit_row * v + row, unit_column * h + column)?;
                    scan.decode_block(&mut reader, &mut state, slot, block)?;
                }
            }
        }
    }
    if reader.is_truncated() {
        return Err(JpegError::Truncated);
    }
    Ok(reader.position())
}

fn block_at(
    component: &mut Component,
    row: usize,
    column: usize,
) -> Result<&mut [i16; 64], JpegError> {
    component
        .coefficients
        .get_mut(row * component.blocks_across + column)
        .ok_or_else(|| JpegError::malformed("a block outside the image"))
}

/// Continues after the restart marker that follows.
fn restart<'a>(
    reader: &BitReader<'_>,
    data: &'a [u8],
    number: u8,
) -> Result<BitReader<'a>, JpegError> {
    let rest = data.get(reader.position()..).unwrap_or_default();
    let marker = rest
        .windows(2)
        .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF))
        .ok_or(JpegError::Truncated)?;
    if rest[marker + 1] != 0xD0 + number {
        return Err(JpegError::malformed(format!(
            "marker 0x{:02X} where restart marker {number} belongs",
            rest[marker + 1]
        )));
    }
    Ok(BitReader::new(data, reader.position() + marker + 2))
}

impl Scan<'_> {
    #[inline]
    fn decode_block(
        &self,
        reader: &mut BitReader<'_>,
        state: &mut State,
        slot: usize,
        block: &mut [i16; 64],
    ) -> Result<(), JpegError> {
        if self.high > 0 {
            if self.first == 0 {
                block[0] |= (reader.bits(1) << self.low) as i16;
                return Ok(());
            }
            return self.refine(reader, state, block);
        }
        let mut first = self.first;
        if first == 0 {
            self.first_dc(reader, state, slot, block)?;
            first = 1;
        }
        if first <= self.last {
            self.first_ac(reader, state, slot, first, block)?;
        }
        Ok(())
    }

    #[inline]
    fn first_dc(
        &self,
        reader: &mut BitReader<'_>,
        state: &mut State,
        slot: usize,
        block: &mut [i16; 64],
    ) -> Result<(), JpegError> {
        let size = u32::from(reader.symbol(table(self.components[slot].dc)?)?);
        if size > 15 {
            return Err(JpegError::malformed("DC difference of more than 15 bits"));
        }
        let dc = &mut state.dc[slot];
        *dc = dc.wrapping_add(reader.signed(size));
        block[0] = (*dc << self.low) as i16;
        Ok(())
    }

    /// First pass over the coefficients `first` to `self.last`. A sequential scan is the case
    /// without shift and without runs of empty blocks.
    #[inline]
    fn first_ac(
        &self,
        reader: &mut BitReader<'_>,
        state: &mut State,
        slot: usize,
        first: usize,
        block: &mut [i16; 64],
    ) -> Result<(), JpegError> {
        if state.end_of_band_run > 0 {
            state.end_of_band_run -= 1;
            return Ok(());
        }
        let codes = table(self.components[slot].ac)?;
        let mut k = first;
        while k <= self.last {
            let symbol = reader.symbol(codes)?;
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if run < 15 {
                    state.end_of_band_run = (1 << run) - 1 + reader.bits(run);
                    break;
                }
                k += 16;
                continue;
            }
            k += run as usize;
            let at = *ZIGZAG
                .get(k)
                .ok_or_else(|| JpegError::malformed("a coefficient beyond its block"))?;
            block[at] = (reader.signed(size) << self.low) as i16;
            k += 1;
        }
        Ok(())
    }

    /// A further bit of the coefficients of one band (T.81 figure G.7).
    fn refine(
        &self,
        reader: &mut BitReader<'_>,
        state: &mut State,
        block: &mut [i16; 64],
    ) -> Result<(), JpegError> {
        let codes = table(self.components[0].ac)?;
        let mut k = self.first;
        while state.end_of_band_run == 0 && k <= self.last {
            let symbol = reader.symbol(codes)?;
            let (mut run, size) = (u32::from(symbol >> 4), symbol & 15);
            let mut new = 0;
            if size > 0 {
                let sign = if reader.bits(1) == 1 { 1 } else { -1 };
                new = sign << self.low;
            } else if run < 15 {
                state.end_of_band_run = (1 << run) + reader.bits(run);
                break;
            }
            while k <= self.last {
                let coefficient = &mut block[ZIGZAG[k]];
                k += 1;
                if *coefficient != 0 {
                    self.refine_one(reader, coefficient);
                } else if run > 0 {
                    run -= 1;
                } else {
                    *coefficient = new;
                    break;
                }
            }
        }
        if state.end_of_band_run > 0 {
            for &at in ZIGZAG.iter().take(self.last + 1).skip(k) {
                if block[at] != 0 {
                    self.refine_one(reader, &mut block[at]);
                }
            }
            state.end_of_band_run -= 1;
        }
        Ok(())
    }

    fn refine_one(&self, reader: &mut BitReader<'_>, coefficient: &mut i16) {
        let bit = 1i16 << self.low;
        if reader.bits(1) == 1 && *coefficient & bit == 0 {
            *coefficient = coefficient.wrapping_add(if *coefficient > 0 { bit } else { -bit });
        }
    }
}

fn table(table: Option<&HuffmanTable>) -> Result<&HuffmanTable, JpegError> {
    table.ok_or_else(|| JpegError::malformed("a scan uses a Huffman table that was not defined"))
}
