//! Random order that a word decides.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// Brings `values` into an order that depends on `word` and their number alone.
pub(crate) fn shuffle<T>(values: &mut [T], word: &str) {
    let mut rng = ChaCha8Rng::from_seed(Sha256::digest(word).into());
    values.shuffle(&mut rng);
}

#[cfg(test)]
mod tests {
    use super::shuffle;

    #[test]
    fn the_order_is_the_words() {
        let of = |word| {
            let mut values: Vec<u32> = (0..50).collect();
            shuffle(&mut values, word);
            values
        };
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        let mut sorted = of("a");
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..50));
    }
}
