//! Conductance-based information plane analysis of trained networks.
