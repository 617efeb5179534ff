//! What a network is: values, operators, shapes, cut layers; and the readers of model files.
