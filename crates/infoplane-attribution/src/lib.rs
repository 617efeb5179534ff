//! Layer conductance of all layers in one sweep: paths, baselines, targets, quadratures, reductions.
