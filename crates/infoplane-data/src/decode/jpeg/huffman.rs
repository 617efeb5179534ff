//! Huffman codes and the bits they are read from.

use super::JpegError;

/// Codes up to this long are decoded by one look-up.
const LOOKAHEAD: u32 = 9;
/// Longest code, in bits.
const MAX_LENGTH: usize = 16;

/// A canonical Huffman code (T.81 annex C).
pub(super) struct HuffmanTable {
    /// By the next [`LOOKAHEAD`] bits: length and symbol of the code they start with; length 0 for
    /// longer codes.
    lookup: Box<[(u8, u8); 1 << LOOKAHEAD]>,
    /// By length: one above the largest code, aligned left to 16 bits.
    end: [u32; MAX_LENGTH + 1],
    /// By length: index of the first symbol less the first code.
    offset: [i32; MAX_LENGTH + 1],
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// From the number of codes of each length 1 to 16 and the symbols in order of their codes.
    pub(super) fn new(counts: &[u8; MAX_LENGTH], symbols: &[u8]) -> Result<Self, JpegError> {
        let mut table = Self {
            lookup: Box::new([(0, 0); 1 << LOOKAHEAD]),
            end: [0; MAX_LENGTH + 1],
            offset: [0; MAX_LENGTH + 1],
            symbols: symbols.to_vec(),
        };
        let mut code = 0u32;
        let mut index = 0usize;
        for (length, &count) in (1u32..).zip(counts) {
            let count = u32::from(count);
            if code + count > 1 << length {
                return Err(JpegError::malformed("a Huffman table has too many codes"));
            }
            table.offset[length as usize] = index as i32 - code as i32;
            let these = symbols
                .get(index..index + count as usize)
                .ok_or(JpegError::Truncated)?;
            if length <= LOOKAHEAD {
                let free = LOOKAHEAD - length;
                for (code, &symbol) in (code..).zip(these) {
                    let first = (code << free) as usize;
                    table.lookup[first..first + (1 << free)].fill((length as u8, symbol));
                }
            }
            index += count as usize;
            code += count;
            table.end[length as usize] = code << (MAX_LENGTH as u32 - length);
            code <<= 1;
        }
        Ok(table)
    }
}

/// Reads entropy-coded bits up to the next marker.
///
/// As in libjpeg, bits asked for beyond it are 0, and [`exhausted`](Self::exhausted) is set.
pub(super) struct BitReader<'a> {
    data: &'a [u8],
    position: usize,
    /// Bits not yet consumed, aligned left. Below the first `available` are bits that follow, or
    /// zeros.
    bits: u64,
    available: u32,
    /// More bits were consumed than the segment holds.
    pub(super) exhausted: bool,
}

impl<'a> BitReader<'a> {
    /// Starts at `position`.
    pub(super) fn new(data: &'a [u8], position: usize) -> Self {
        Self {
            data,
            position,
            bits: 0,
            available: 0,
            exhausted: false,
        }
    }

    /// Where reading has come to, some bytes ahead of what was consumed but never beyond a marker.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Whether the file, not only the segment, ended where more bits were needed.
    pub(super) fn is_truncated(&self) -> bool {
        self.exhausted && self.position + 1 >= self.data.len()
    }

    /// The next symbol of a code.
    #[inline]
    pub(super) fn symbol(&mut self, table: &HuffmanTable) -> Result<u8, JpegError> {
        let next = self.peek16();
        let (length, symbol) = table.lookup[(next >> (MAX_LENGTH as u32 - LOOKAHEAD)) as usize];
        if length > 0 {
            self.consume(u32::from(length));
            return Ok(symbol);
        }
        for length in LOOKAHEAD as usize + 1..=MAX_LENGTH {
            if next < table.end[length] {
                let code = next >> (MAX_LENGTH - length);
                self.consume(length as u32);
                let index = usize::try_from(code as i32 + table.offset[length]).ok();
                let symbol = index.and_then(|index| table.symbols.get(index));
                return symbol
                    .copied()
                    .ok_or_else(|| JpegError::malformed("bad Huffman code"));
            }
        }
        Err(JpegError::malformed("bad Huffman code"))
    }

    /// `n` ≤ 16 bits as a number.
    #[inline]
    pub(super) fn bits(&mut self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        let value = self.peek16() >> (16 - n);
        self.consume(n);
        value
    }

    /// A signed value of `n` ≤ 15 bits (T.81 figure F.12).
    #[inline]
    pub(super) fn signed(&mut self, n: u32) -> i32 {
        if n == 0 {
            return 0;
        }
        let value = self.bits(n) as i32;
        if value < 1 << (n - 1) {
            value - (1 << n) + 1
        } else {
            value
        }
    }

    #[inline]
    fn peek16(&mut self) -> u32 {
        if self.available < 16 {
            self.refill();
        }
        (self.bits >> 48) as u32
    }

    #[inline]
    fn consume(&mut self, n: u32) {
        self.bits <<= n;
        match self.available.checked_sub(n) {
            Some(rest) => self.available = rest,
            None => {
                self.available = 0;
                self.exhausted = true;
            }
        }
    }

    fn refill(&mut self) {
        let rest = self.data.get(self.position..).unwrap_or_default();
        if let Some(chunk) = rest.first_chunk() {
            let word = u64::from_be_bytes(*chunk);
            if !has_byte_ff(word) {
                let bytes = (64 - self.available) / 8;
                self.bits |= word >> self.available;
                self.position += bytes as usize;
                self.available += bytes * 8;
                return;
            }
        }
        while self.available <= 56 {
            let step = match self.data.get(self.position..) {
                Some([0xFF, 0, ..]) => 2,
                Some([byte, ..]) if *byte != 0xFF => 1,
                // A marker or the end of the file.
                _ => return,
            };
            let byte = self.data[self.position];
            self.bits |= u64::from(byte) << (56 - self.available);
            self.position += step;
            self.available += 8;
        }
    }
}

/// Whether one of eight bytes is 0xFF.
fn has_byte_ff(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let inverted = !word;
    inverted.wrapping_sub(ONES) & word & (ONES << 7) != 0
}
