//! Entropy and information of counts, by four estimators.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// How the bias of counted shares is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// None: shares as they are (plug-in). Entropy too low by about (cells − 1)/2N nats.
    None,
    /// Plus (cells − 1)/2N nats, of the cells that hold a sample (Miller 1955).
    MillerMadow,
    /// Shares shrunk to equal ones over all cells of the table, by the intensity of least expected
    /// squared error (Hausser and Strimmer 2009). Information is that of the shrunk table.
    Shrinkage,
    /// Coverage and Horvitz-Thompson weights, for many cells that no sample fell in (Chao and Shen
    /// 2003).
    ChaoShen,
}

impl Correction {
    /// Its name in settings.
    pub(crate) fn name(self) -> String {
        match self {
            Self::None => "none",
            Self::MillerMadow => "miller-madow",
            Self::Shrinkage => "shrinkage",
            Self::ChaoShen => "chao-shen",
        }
        .to_owned()
    }
}

/// Two symbols a sample, counted.
pub(crate) struct Table {
    n: usize,
    first: Vec<usize>,
    second: Vec<usize>,
    joint: Vec<usize>,
}

/// Symbols renumbered from 0 in the order of their first sample, and how many there are.
pub(crate) fn renumbered<T: std::hash::Hash + Eq>(
    symbols: impl IntoIterator<Item = T>,
) -> (Vec<usize>, usize) {
    let mut known = HashMap::new();
    let dense = symbols
        .into_iter()
        .map(|symbol| {
            let next = known.len();
            *known.entry(symbol).or_insert(next)
        })
        .collect();
    (dense, known.len())
}

/// Samples of each symbol.
pub(crate) fn counts(dense: &[usize], n_symbols: usize) -> Vec<usize> {
    let mut counts = vec![0; n_symbols];
    dense.iter().for_each(|&symbol| counts[symbol] += 1);
    counts
}

impl Table {
    /// Of dense symbols with how many there are of each.
    pub(crate) fn new(first: (&[usize], usize), second: (&[usize], usize)) -> Self {
        let (dense, n_cells) = renumbered(first.0.iter().copied().zip(second.0.iter().copied()));
        Self {
            n: first.0.len(),
            first: counts(first.0, first.1),
            second: counts(second.0, second.1),
            joint: counts(&dense, n_cells),
        }
    }

    /// I in bits.
    pub(crate) fn information(&self, correction: Correction) -> f64 {
        if correction == Correction::Shrinkage {
            return self.shrunk_information();
        }
        entropy(&self.first, correction) + entropy(&self.second, correction)
            - entropy(&self.joint, correction)
    }

    /// H of the joint symbols as they are, in bits.
    pub(crate) fn joint_entropy(&self) -> f64 {
        entropy(&self.joint, Correction::None)
    }

    /// Marginals of the shrunk table are the shrunk marginals of the same intensity.
    fn shrunk_information(&self) -> f64 {
        let n_cells = self.first.len() as f64 * self.second.len() as f64;
        let intensity = intensity(&self.joint, self.n, n_cells);
        let marginal = |counts: &[usize]| {
            let target = intensity / counts.len() as f64;
            let share = |&c: &usize| target + (1.0 - intensity) * c as f64 / self.n as f64;
            counts.iter().map(share).map(surprise).sum::<f64>()
        };
        marginal(&self.first) + marginal(&self.second)
            - shrunk_entropy(&self.joint, self.n, n_cells, intensity)
    }
}

/// H in bits of counts that are all at least 1 (cells without a sample are not known to exist; to
/// shrink towards the observed cells alone is then all that can be done).
pub(crate) fn entropy(counts: &[usize], correction: Correction) -> f64 {
    let n: usize = counts.iter().sum();
    let plug_in = || -> f64 { counts.iter().map(|&c| surprise(c as f64 / n as f64)).sum() };
    match correction {
        Correction::None => plug_in(),
        Correction::MillerMadow => {
            plug_in() + (counts.len() as f64 - 1.0) / (2.0 * n as f64) * std::f64::consts::LOG2_E
        }
        Correction::Shrinkage => {
            let cells = counts.len() as f64;
            shrunk_entropy(counts, n, cells, intensity(counts, n, cells))
        }
        Correction::ChaoShen => chao_shen(counts, n),
    }
}

/// λ = (1 − Σ p²)/((N − 1) Σ (1/cells − p)²), at most 1.
fn intensity(counts: &[usize], n: usize, cells: f64) -> f64 {
    let squares: f64 = counts.iter().map(|&c| (c as f64 / n as f64).powi(2)).sum();
    // Σ over all cells of (1/cells − p)² = Σ p² − 1/cells, as shares sum to 1.
    let distance = (n as f64 - 1.0) * (squares - 1.0 / cells);
    if distance <= 0.0 {
        return 1.0;
    }
    ((1.0 - squares) / distance).min(1.0)
}

fn shrunk_entropy(counts: &[usize], n: usize, cells: f64, intensity: f64) -> f64 {
    let target = intensity / cells;
    let seen: f64 = counts
        .iter()
        .map(|&c| surprise(target + (1.0 - intensity) * c as f64 / n as f64))
        .sum();
    seen + (cells - counts.len() as f64) * surprise(target)
}

fn chao_shen(counts: &[usize], n: usize) -> f64 {
    let n = n as f64;
    let singles = counts.iter().filter(|&&c| c == 1).count() as f64;
    // Were every sample alone, the coverage would be 0 and the entropy without bound.
    let coverage = 1.0 - singles.min(n - 1.0) / n;
    counts
        .iter()
        .map(|&c| {
            let share = coverage * c as f64 / n;
            surprise(share) / -(n * (-share).ln_1p()).exp_m1()
        })
        .sum()
}

/// −p log₂ p.
fn surprise(p: f64) -> f64 {
    if p > 0.0 { -p * p.log2() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R's `entropy` 1.3: `entropy.shrink`, `entropy.ChaoShen`, `entropy.MillerMadow` in bits by hand
    /// from their formulas for the counts 4, 2, 3, 1.
    #[test]
    fn entropies_are_those_of_their_formulas() {
        let counts = [4, 2, 3, 1];
        let shares = [0.4, 0.2, 0.3, 0.1_f64];
        let plug_in: f64 = shares.iter().map(|p| -p * p.log2()).sum();
        assert!((entropy(&counts, Correction::None) - plug_in).abs() < 1e-12);
        let miller = plug_in + 3.0 / 20.0 / std::f64::consts::LN_2;
        assert!((entropy(&counts, Correction::MillerMadow) - miller).abs() < 1e-12);
        let chao: f64 = shares
            .iter()
            .map(|p| 0.9 * p)
            .map(|p| -p * p.log2() / (1.0 - (1.0 - p).powi(10)))
            .sum();
        assert!((entropy(&counts, Correction::ChaoShen) - chao).abs() < 1e-12);
        // λ = 0.7/(9 · 0.05) > 1: wholly shrunk.
        assert!((entropy(&counts, Correction::Shrinkage) - 2.0).abs() < 1e-12);
        let lambda: f64 = (1.0 - 0.5) / (99.0 * (0.5 - 0.25));
        let shrunk: f64 = [0.5, 0.5, 0.0, 0.0]
            .iter()
            .map(|p| lambda / 4.0 + (1.0 - lambda) * p)
            .map(|p| -p * p.log2())
            .sum();
        let found = shrunk_entropy(&[50, 50], 100, 4.0, intensity(&[50, 50], 100, 4.0));
        assert!((found - shrunk).abs() < 1e-12);
    }

    #[test]
    fn informations_of_a_copy_and_of_independent_symbols() {
        let copy: Vec<usize> = (0..800).map(|i| i % 4).collect();
        let other: Vec<usize> = (0..800).map(|i| (i / 4) % 2).collect();
        let same = Table::new((&copy, 4), (&copy, 4));
        let independent = Table::new((&copy, 4), (&other, 2));
        for correction in [
            Correction::None,
            Correction::MillerMadow,
            Correction::Shrinkage,
            Correction::ChaoShen,
        ] {
            assert!((same.information(correction) - 2.0).abs() < 0.06);
            assert!(independent.information(correction).abs() < 0.01);
        }
    }
}
