//! The 1,000 classes of ImageNet-1k; source and licence in `assets/README.md`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::dataset::ClassIndex;

/// WordNet ids and names by class index; ids are in ascending order.
static CLASSES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    include_str!("../assets/imagenet1k.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

/// Number of classes.
pub(crate) const N_CLASSES: usize = 1000;

/// The class of a WordNet id, where it is one of the 1,000.
pub(crate) fn class_of_wnid(wnid: &str) -> Option<ClassIndex> {
    CLASSES
        .binary_search_by(|(known, _)| known.cmp(&wnid))
        .ok()
        .map(ClassIndex)
}

/// The class of a name, in any case and with spaces or underscores; where two names differ in that
/// alone, as it is spelled.
pub(crate) fn class_of_name(name: &str) -> Option<ClassIndex> {
    /// By spelling, and by plain spelling where that is one class's alone.
    type ByName = (HashMap<&'static str, usize>, HashMap<String, Option<usize>>);
    static BY_NAME: LazyLock<ByName> = LazyLock::new(|| {
        let (mut spelled, mut plainly) = (HashMap::new(), HashMap::new());
        for (index, name) in names().enumerate() {
            spelled.insert(name, index);
            let one = plainly.entry(plain(name)).or_insert(Some(index));
            *one = one.filter(|&one| one == index);
        }
        (spelled, plainly)
    });
    let (spelled, plainly) = &*BY_NAME;
    let found = spelled.get(name).copied();
    found
        .or_else(|| plainly.get(&plain(name)).copied().flatten())
        .map(ClassIndex)
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', " ")
}

/// WordNet ids in the order of the classes.
pub(crate) fn wnids() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|(wnid, _)| *wnid)
}

/// Names in the order of the classes; no two are the same.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_1000_distinct_classes_in_ascending_order_of_wnid() {
        let wnids: Vec<_> = wnids().collect();
        assert_eq!(wnids.len(), N_CLASSES);
        for wnid in &wnids {
            let digits = wnid.strip_prefix('n').unwrap();
            assert!(digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        }
        assert!(wnids.is_sorted_by(|a, b| a < b));
        assert_eq!(names().collect::<HashSet<_>>().len(), N_CLASSES);
    }

    #[test]
    fn well_known_classes_have_their_index() {
        assert_eq!(class_of_wnid("n01440764"), Some(ClassIndex(0)));
        assert_eq!(class_of_wnid("n02123045"), Some(ClassIndex(281)));
        assert_eq!(names().nth(281), Some("tabby"));
        assert_eq!(class_of_wnid("n15075141"), Some(ClassIndex(999)));
        assert_eq!(class_of_wnid("n00000000"), None);
        assert_eq!(class_of_name("Great_White_shark"), Some(ClassIndex(2)));
        assert_eq!(class_of_name("no such"), None);
        let places = names().map(|name| class_of_name(name).unwrap().0);
        assert!(places.eq(0..N_CLASSES));
        // A dog and a jacket.
        assert_eq!(class_of_name("CARDIGAN"), None);
    }
}
