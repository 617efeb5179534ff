//! Runs a graph: forward passes and the vector-Jacobian products of one output at every requested layer.
