//! Entropy and mutual information with intervals, nulls, ceilings; and tasks of known truth.
