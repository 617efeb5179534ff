//! The digamma function at whole numbers, ψ(n) = H_{n−1} − γ, and its means over counts.

/// Euler's γ.
const EULER: f64 = 0.577_215_664_901_532_9;

/// ψ(1), …, ψ(n).
#[derive(Debug)]
pub(crate) struct Digamma {
    values: Vec<f64>,
}

impl Digamma {
    /// Up to ψ(`n`).
    pub(crate) fn up_to(n: usize) -> Self {
        let mut values = Vec::with_capacity(n + 1);
        // ψ has a pole at 0, and no sample counts itself out.
        values.push(f64::NAN);
        let mut sum = -EULER;
        for i in 1..=n {
            values.push(sum);
            sum += 1.0 / i as f64;
        }
        Self { values }
    }

    /// ψ(`n`).
    pub(crate) fn at(&self, n: usize) -> f64 {
        self.values[n]
    }

    /// Σ ψ over `counts`, none of which may exceed the table. It is added up by size, so that it
    /// does not depend on their order.
    pub(crate) fn sum(&self, counts: impl Iterator<Item = usize>) -> f64 {
        let mut times = vec![0_u32; self.values.len()];
        counts.for_each(|count| times[count] += 1);
        let terms = times
            .iter()
            .zip(&self.values)
            .filter(|(times, _)| **times > 0);
        terms.map(|(&times, psi)| f64::from(times) * psi).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_tables() {
        let digamma = Digamma::up_to(1000);
        // Abramowitz and Stegun, table 6.1 and 6.3.
        assert!((digamma.at(1) + 0.577_215_664_9).abs() < 1e-10);
        assert!((digamma.at(2) - 0.422_784_335_1).abs() < 1e-10);
        assert!((digamma.at(10) - 2.251_752_589_1).abs() < 1e-10);
        let x: f64 = 1000.0;
        let asymptotic = x.ln() - 0.5 / x - 1.0 / (12.0 * x * x);
        assert!((digamma.at(1000) - asymptotic).abs() < 1e-13);
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let digamma = Digamma::up_to(50);
        let counts: Vec<usize> = (1..=50).chain(3..20).collect();
        let forward = digamma.sum(counts.iter().copied());
        assert_eq!(forward, digamma.sum(counts.iter().rev().copied()));
        let plain: f64 = counts.iter().map(|&c| digamma.at(c)).sum();
        assert!((forward - plain).abs() < 1e-12);
    }
}
