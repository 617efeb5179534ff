//! The k nearest found so far.

/// A sample and how far it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Neighbour {
    pub(crate) distance: f64,
    pub(crate) sample: u32,
}

impl Neighbour {
    fn key(&self) -> (f64, u32) {
        (self.distance, self.sample)
    }
}

/// The `k` nearest of all that were offered, nearest first; of equal distances the lower sample is
/// the nearer, so the result does not depend on the order of offers.
#[derive(Debug, Clone)]
pub(super) struct Nearest {
    found: Vec<Neighbour>,
    k: usize,
}

impl Nearest {
    pub(super) fn new(k: usize) -> Self {
        Self {
            found: Vec::with_capacity(k + 1),
            k,
        }
    }

    pub(super) fn clear(&mut self) {
        self.found.clear();
    }

    pub(super) fn found(&self) -> &[Neighbour] {
        &self.found
    }

    /// What an offer must lie below.
    #[inline(always)]
    pub(super) fn threshold(&self) -> (f64, u32) {
        match self.found.last() {
            Some(last) if self.found.len() == self.k => last.key(),
            _ => (f64::INFINITY, u32::MAX),
        }
    }

    #[inline]
    pub(super) fn offer(&mut self, distance: f64, sample: u32) {
        if (distance, sample) >= self.threshold() {
            return;
        }
        if self.found.len() == self.k {
            self.found.pop();
        }
        let mut place = self.found.len();
        while place > 0 && self.found[place - 1].key() > (distance, sample) {
            place -= 1;
        }
        self.found.insert(place, Neighbour { distance, sample });
    }
}
