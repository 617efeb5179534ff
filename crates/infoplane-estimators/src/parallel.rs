//! Work on all cores, with results in order, so that they do not depend on how many cores there are.
//!
//! All of it goes through one loop of rayon's: parallel iterators over every caller's own types would be
//! compiled once for each of them.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::EstimatorError;

/// `work` of every number below `n`.
pub(crate) fn map<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let slots: Vec<Mutex<Option<T>>> = (0..n).map(|_| Mutex::new(None)).collect();
    for_each(n, &|index| {
        let result = work(index);
        if let Ok(mut slot) = slots[index].lock() {
            *slot = Some(result);
        }
    });
    let results = slots.into_iter().map(|slot| slot.into_inner().ok()?);
    results.flatten().collect()
}

/// `work` of every item.
pub(crate) fn map_items<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    map(items.len(), |index| work(&items[index]))
}

/// The same where it may fail: the first item's error that does.
pub(crate) fn try_map_items<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, EstimatorError> + Sync,
) -> Result<Vec<T>, EstimatorError> {
    map_items(items, work).into_iter().collect()
}

/// What `work` gives for the numbers below `n`, which it takes in runs of `run`, one behind the other.
pub(crate) fn map_runs<T: Send>(
    n: usize,
    run: usize,
    work: impl Fn(Range<usize>) -> Vec<T> + Sync,
) -> Vec<T> {
    let pieces = map(n.div_ceil(run), |index| {
        work(index * run..((index + 1) * run).min(n))
    });
    pieces.into_iter().flatten().collect()
}

fn for_each(n: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..n).into_par_iter().for_each(work);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        let squares: Vec<usize> = (0..1000).map(|i| i * i).collect();
        assert_eq!(map(1000, |i| i * i), squares);
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(map_items(&items, |i| i * i), squares);
        let runs = map_runs(1000, 7, |range| range.map(|i| i * i).collect());
        assert_eq!(runs, squares);
        assert!(map_runs(0, 7, |range| range.collect::<Vec<_>>()).is_empty());
    }
}
