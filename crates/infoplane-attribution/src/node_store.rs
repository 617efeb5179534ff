//! Values and gradients at path nodes, kept within a budget of memory so that no node is evaluated
//! twice without need.

use std::ops::RangeInclusive;

use crate::reduction::NodeState;

/// Bytes of node states that a worker may keep where nothing else is said.
pub const DEFAULT_NODE_MEMORY: usize = 128 << 20;

/// A place for one node's values and gradients of all layers.
struct Slot {
    /// The node and the target that its gradients belong to.
    node: Option<(f64, usize)>,
    /// The target's value at the node.
    output: f64,
    /// How much is lost with the node: the largest squared error of an interval that ends here.
    worth: f64,
    /// Whether the next sample may start here too.
    pinned: bool,
    layers: Vec<LayerState>,
}

struct LayerState {
    h: Vec<f32>,
    g: Vec<f32>,
}

/// A node that asks for a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewNode {
    pub alpha: f64,
    pub target: usize,
    /// The target's value.
    pub output: f64,
    /// Whether a later interval of the pass can't do without it.
    pub needed: bool,
    /// Whether it is the start of the next sample's path too.
    pub pinned: bool,
    /// A place whose node is no longer of use.
    pub preferred: Option<usize>,
}

/// The nodes that a worker holds. What it holds decides only what has to be evaluated again, never a
/// result.
pub(crate) struct NodeStore {
    slots: Vec<Slot>,
}

impl NodeStore {
    /// A store for as many nodes as `bytes` allow, within `bounds`. The system commits the memory of a
    /// place when it is first used.
    pub fn new(layer_lens: &[usize], bounds: RangeInclusive<usize>, bytes: usize) -> NodeStore {
        let node_bytes = 8 * layer_lens.iter().sum::<usize>();
        let n_slots = (bytes / node_bytes.max(1)).clamp(*bounds.start(), *bounds.end());
        NodeStore {
            slots: (0..n_slots)
                .map(|_| Slot {
                    node: None,
                    output: 0.0,
                    worth: 0.0,
                    pinned: false,
                    layers: layer_lens
                        .iter()
                        .map(|&len| LayerState {
                            h: vec![0.0; len],
                            g: vec![0.0; len],
                        })
                        .collect(),
                })
                .collect(),
        }
    }

    /// Forgets every node that is not pinned.
    pub fn begin_sample(&mut self) {
        for slot in &mut self.slots {
            if !slot.pinned {
                slot.node = None;
            }
        }
    }

    /// Where the node is held.
    pub fn find(&self, alpha: f64, target: usize) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.node == Some((alpha, target)))
    }

    /// Makes room for a node among the places that are not `taken`: at `preferred` if that is free of a
    /// pin, else at an empty place or the one of least worth. A pinned node of the same target gives way
    /// only where the new node is `needed`. From now on the new node is found; its values are to follow.
    pub fn assign(&mut self, new: NewNode, taken: &[usize]) -> Option<usize> {
        let rank = |place: usize| match &self.slots[place] {
            Slot { node: None, .. } => f64::NEG_INFINITY,
            slot if slot.pinned => match slot.node {
                Some((_, target)) if target == new.target => f64::INFINITY,
                _ => f64::NEG_INFINITY,
            },
            slot => slot.worth,
        };
        let free =
            |place: &usize| !taken.contains(place) && (new.needed || rank(*place) < f64::INFINITY);
        let preferred = new.preferred.filter(|&place| rank(place) < f64::INFINITY);
        let place = preferred.filter(free).or_else(|| {
            let places = (0..self.slots.len()).filter(free);
            places.min_by(|&a, &b| rank(a).total_cmp(&rank(b)))
        })?;
        let slot = &mut self.slots[place];
        slot.node = Some((new.alpha, new.target));
        slot.output = new.output;
        slot.worth = 0.0;
        slot.pinned = new.pinned;
        Some(place)
    }

    /// The target's value at a held node.
    pub fn output(&self, place: usize) -> f64 {
        self.slots[place].output
    }

    /// Values and gradients of a layer at a held node.
    pub fn state(&self, place: usize, layer: usize) -> NodeState<'_> {
        let state = &self.slots[place].layers[layer];
        NodeState {
            h: &state.h,
            g: &state.g,
        }
    }

    /// The same, to be overwritten.
    pub fn state_mut(&mut self, place: usize, layer: usize) -> (&mut [f32], &mut [f32]) {
        let state = &mut self.slots[place].layers[layer];
        (&mut state.h, &mut state.g)
    }

    /// Says anew what each node is worth.
    pub fn appraise(&mut self, worth: impl Fn(f64) -> f64) {
        for slot in &mut self.slots {
            if let Some((alpha, _)) = slot.node {
                slot.worth = worth(alpha);
            }
        }
    }

    /// Raises what a node is worth, if it is held.
    pub fn raise(&mut self, alpha: f64, target: usize, worth: f64) {
        if let Some(place) = self.find(alpha, target) {
            let slot = &mut self.slots[place];
            slot.worth = slot.worth.max(worth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_bounds_the_nodes() {
        let store = |bytes| NodeStore::new(&[10, 30], 2..=5, bytes).slots.len();
        assert_eq!(store(0), 2);
        assert_eq!(store(3 * 320), 3);
        assert_eq!(store(1 << 20), 5);
    }

    fn node(alpha: f64, target: usize) -> NewNode {
        NewNode {
            alpha,
            target,
            output: alpha,
            needed: true,
            pinned: alpha == 0.0,
            preferred: None,
        }
    }

    #[test]
    fn the_node_of_least_worth_makes_room() {
        let mut store = NodeStore::new(&[1], 2..=3, 1 << 10);
        for alpha in [1.0, 0.5, 0.25] {
            store.assign(node(alpha, 7), &[]).unwrap();
            store.raise(alpha, 7, if alpha == 0.5 { 0.1 } else { 2.0 });
        }
        assert_eq!(store.find(1.0, 6), None);
        let place = store.find(0.5, 7).unwrap();
        assert_eq!(store.assign(node(0.75, 7), &[]), Some(place));
        let taken: Vec<usize> = (0..3).collect();
        assert_eq!(store.assign(node(0.125, 7), &taken), None);
        assert_eq!(store.find(0.5, 7), None);
        let preferred = store.find(1.0, 7);
        let moved = NewNode {
            preferred,
            ..node(0.125, 7)
        };
        assert_eq!(store.assign(moved, &[]), preferred);
    }

    #[test]
    fn the_start_outlives_a_sample_while_its_target_stays() {
        let mut store = NodeStore::new(&[1], 2..=2, 1 << 10);
        store.assign(node(1.0, 7), &[]);
        let start = store.assign(node(0.0, 7), &[]);
        store.begin_sample();
        assert_eq!((store.find(1.0, 7), store.find(0.0, 7)), (None, start));
        store.assign(node(1.0, 7), &[]);
        let optional = NewNode {
            needed: false,
            ..node(0.5, 7)
        };
        let other = store.find(1.0, 7);
        assert_eq!(store.assign(optional, &[]), other);
        assert_eq!(store.assign(optional, &[other.unwrap()]), None);
        // Of no use to another target.
        assert_eq!(store.assign(node(1.0, 8), &[]), start);
    }
}
