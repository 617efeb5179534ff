//! Two categorical variables: the information of two label columns.

use crate::counts::{Correction, Table};
use crate::resample::{on_halves, random_permutations, subsampling_interval, summarise_null};
use crate::{Estimate, EstimatorError, Labels, Parameters, Resampling};

/// I(A;B) in bits of two label columns.
///
/// The value is the plug-in estimate with Miller and Madow's correction, I + (a + b − c − 1)/2N nats
/// with a, b and c the numbers of symbols and of pairs that occur; the bracket holds it and the
/// plug-in, which reads too high by about (a − 1)(b − 1)/2N nats. Assumes independent samples; with
/// fewer than about five samples a pair that occurs, both are rough. The ceiling is the smaller
/// entropy, and the null permutes one column. Cost: N a replicate.
///
/// # Errors
/// When the columns differ in length.
pub fn categorical_information(
    first: &Labels,
    second: &Labels,
    resampling: &Resampling,
) -> Result<Estimate, EstimatorError> {
    let n = first.n_samples();
    if second.n_samples() != n {
        return Err(EstimatorError::PairCount {
            first: n,
            second: second.n_samples(),
        });
    }
    let table =
        |a: &Labels, b: &Labels| Table::new((a.dense(), a.n_classes()), (b.dense(), b.n_classes()));
    let whole = table(first, second);
    let value = whole.information(Correction::MillerMadow);
    let plug_in = whole.information(Correction::None);
    let subsamples = on_halves(n, resampling, |rows, _| {
        table(&first.gather(rows), &second.gather(rows)).information(Correction::MillerMadow)
    });
    let permuted = random_permutations(n, resampling.permutations, resampling.seed)
        .iter()
        .map(|order| table(first, &second.gather(order)).information(Correction::MillerMadow))
        .collect();
    let ceiling = first.entropy().min(second.entropy());
    let bracket = [value.min(plug_in), value.max(plug_in)];
    // Where nearly every sample is a pair of its own, the counts say nothing.
    let saturated =
        ceiling > 0.0 && whole.joint_entropy() >= crate::SATURATION_SHARE * (n as f64).log2();
    Ok(Estimate {
        value,
        ci: subsampling_interval(value, &subsamples),
        bracket,
        monte_carlo_error: 0.0,
        ceiling,
        null: summarise_null(value, permuted),
        saturated,
        subsamples,
        chosen: Parameters::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(classes: impl Iterator<Item = u32>) -> Labels {
        Labels::new(&classes.collect::<Vec<u32>>()).unwrap()
    }

    #[test]
    fn noisy_copies_have_their_information() {
        // A bit that is flipped in a quarter of the samples: 1 − H₂(¼).
        let a = labels((0..4_000).map(|i| i % 2));
        let b = labels((0..4_000).map(|i| (i % 2) ^ u32::from(i % 8 < 2)));
        let found = categorical_information(&a, &b, &Resampling::default()).unwrap();
        assert!((found.value - 0.1887).abs() < 0.001, "{}", found.value);
        assert!(found.ci[0] < 0.1887 && 0.1887 < found.ci[1]);
        assert!((found.ceiling - 1.0).abs() < 1e-9 && !found.saturated);
        assert!(found.null.unwrap().p_value < 0.03);
    }

    #[test]
    fn independent_columns_stay_within_their_null() {
        let a = labels((0..500).map(|i| i * 7919 % 5));
        let b = labels((0..500).map(|i| i * i / 3 % 7));
        let found = categorical_information(&a, &b, &Resampling::default()).unwrap();
        assert!(found.bracket[0] <= found.bracket[1]);
        assert!(found.null.unwrap().mean.abs() < 0.01);
    }

    #[test]
    fn constant_columns_and_unique_keys_are_known() {
        let key = labels(0..50);
        let other = labels((0..50).map(|i| i % 2));
        let constant = labels((0..50).map(|_| 3));
        let plain = Resampling::default();
        assert!(
            categorical_information(&key, &other, &plain)
                .unwrap()
                .saturated
        );
        let found = categorical_information(&constant, &other, &plain).unwrap();
        assert!(found.value.abs() < 1e-12 && !found.saturated);
        let short = labels(0..9);
        assert!(categorical_information(&key, &short, &plain).is_err());
    }
}
