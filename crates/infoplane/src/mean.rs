//! The baseline `mean`: the mean of the data set's samples.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use infoplane_attribution::Baseline;
use infoplane_data::{Dataset, kept_indices};

use crate::error::Error;
use crate::pool::work_all;

/// Most samples of the mean, spread evenly: its error is then a thirtieth of the samples' spread.
const MOST: usize = 1000;

/// Blocks into which they are divided. Each is added up by itself, and the blocks in order, so that no
/// number of threads changes a sum.
const BLOCKS: usize = 32;

/// A block's sum, or why it has none.
type Sum = Result<(Vec<f64>, usize), String>;

/// The mean of up to 1,000 samples, spread evenly over the data set. Those that can't be read are left
/// out.
pub(crate) fn mean_baseline(dataset: &dyn Dataset, n_threads: usize) -> Result<Baseline, Error> {
    let samples = kept_indices(dataset.len(), Some(MOST));
    let len: usize = dataset.sample_shape().iter().product();
    let blocks: Vec<&[usize]> = samples
        .chunks(samples.len().div_ceil(BLOCKS).max(1))
        .collect();
    let order: Vec<usize> = (0..blocks.len()).collect();
    let mut sums: BTreeMap<usize, Sum> = BTreeMap::new();
    work_all(
        &order,
        n_threads,
        &AtomicBool::new(false),
        &|| vec![0.0f32; len],
        &|row, block| add_up(dataset, blocks[block], row),
        &mut |block, sum| -> Result<(), Error> {
            sums.insert(block, sum);
            Ok(())
        },
    )?;
    let (mut total, mut n_read, mut first_error) = (vec![0.0; len], 0, None);
    for sum in sums.into_values() {
        match sum {
            Ok((sum, n)) => {
                n_read += n;
                total
                    .iter_mut()
                    .zip(sum)
                    .for_each(|(total, sum)| *total += sum);
            }
            Err(reason) => {
                first_error.get_or_insert(reason);
            }
        }
    }
    if n_read == 0 {
        return Err(Error::Setting(format!(
            "the baseline `mean` needs samples, and none of the {} looked at can be read; the first: {}",
            samples.len(),
            first_error.unwrap_or_default()
        )));
    }
    Ok(Baseline::Fixed {
        name: "mean".to_string(),
        row: total
            .iter()
            .map(|sum| (sum / n_read as f64) as f32)
            .collect(),
    })
}

/// The sum of the readable samples of a block; the first reason where none is.
fn add_up(dataset: &dyn Dataset, samples: &[usize], row: &mut [f32]) -> Sum {
    let (mut sum, mut n, mut reason) = (vec![0.0; row.len()], 0, None);
    for &sample in samples {
        match dataset.load(sample, row) {
            Ok(()) if row.iter().all(|value| value.is_finite()) => {
                n += 1;
                sum.iter_mut()
                    .zip(row.iter())
                    .for_each(|(sum, &value)| *sum += f64::from(value));
            }
            Ok(()) => {
                reason.get_or_insert_with(|| format!("{}: not finite", dataset.id(sample)));
            }
            Err(error) => {
                reason.get_or_insert_with(|| format!("{}: {}", error.id, error.reason));
            }
        }
    }
    match n {
        0 => Err(reason.unwrap_or_default()),
        _ => Ok((sum, n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo;

    #[test]
    fn the_mean_is_that_of_the_samples_whatever_the_threads() {
        let dataset = demo::dataset(infoplane_data::Selection::limit(Some(70))).unwrap();
        let mut expected = vec![0.0f64; 64];
        let mut row = vec![0.0f32; 64];
        for sample in 0..dataset.len() {
            dataset.load(sample, &mut row).unwrap();
            expected
                .iter_mut()
                .zip(&row)
                .for_each(|(sum, &value)| *sum += f64::from(value) / 70.0);
        }
        let means = [1, 3].map(|threads| mean_baseline(dataset.as_ref(), threads).unwrap());
        let [
            Baseline::Fixed { row, .. },
            Baseline::Fixed { row: other, .. },
        ] = means
        else {
            panic!("a mean is one row");
        };
        assert_eq!(row, other);
        for (found, expected) in row.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6);
        }
        assert!(row.iter().any(|&value| value != row[0]));
    }
}
