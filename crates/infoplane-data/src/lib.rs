//! Samples and their preprocessing: readers of image folders and arrays.
