//! The boundary behind which a network runs, so that another device can stand beside the CPU.

use crate::error::EngineError;
use crate::layout::Layout;

/// A network planned for one batch size and one set of requested layers.
pub trait Backend: Send + Sync {
    /// Rows that run at once.
    fn batch(&self) -> usize;

    /// Elements of one row of the value in whose space paths run: the network's input, or an inner value
    /// ([`Session::enter`]).
    fn input_len(&self) -> usize;

    /// Elements of one sample.
    fn sample_len(&self) -> usize {
        self.input_len()
    }

    /// Whether values that change with the sample stand beside the path, so that the same point of two
    /// samples' paths gives two results.
    fn has_values_beside(&self) -> bool {
        false
    }

    /// Output units.
    fn n_outputs(&self) -> usize;

    /// How one row of each requested layer lies in memory, in the order of the request.
    fn layouts(&self) -> &[Layout];

    /// Working memory for one worker; allocates everything it will need.
    fn session(&self) -> Box<dyn Session + '_>;
}

/// What a layer's visitor is given: the layer's position in the request, its values `h` and the
/// gradients `g = ∂F/∂h`, both row by row in the layer's [`Layout`].
pub type Visitor<'a> = dyn FnMut(usize, &[f32], &[f32]) + 'a;

/// One worker's run of a network.
pub trait Session: Send {
    /// The input rows, `[batch, input]`, to be filled before [`Session::forward`].
    fn input(&mut self) -> &mut [f32];

    /// Runs what comes before the path for one sample. Writes the content of the value in whose space paths
    /// run to `content`, one row; what stands beside the path belongs to this sample from now on, in every
    /// row. Where paths run in the input's space the content is the sample itself.
    fn enter(&mut self, sample: &[f32], content: &mut [f32]) {
        content.copy_from_slice(sample);
    }

    /// Fills the rows with whole samples, `[n, sample]` with n up to the batch, so that
    /// [`Session::forward`] gives the network's output for each.
    fn load(&mut self, samples: &[f32]) {
        self.input()[..samples.len()].copy_from_slice(samples);
    }

    /// Runs the network; returns the logits, `[batch, outputs]`.
    fn forward(&mut self) -> &[f32];

    /// Sets where a straight path of inputs starts: one row, or zeros. Returns whether the session can
    /// run along a path by itself ([`Session::forward_at`]); where not, its input has to be filled.
    ///
    /// The first layer of a network is often affine. On a path it need be computed at the ends alone.
    fn set_start(&mut self, _start: Option<&[f32]>) -> bool {
        false
    }

    /// Sets where the path ends.
    fn set_end(&mut self, _end: &[f32]) {}

    /// Runs the network at start + α (end − start), a row for every α, of which there are 1 to `batch`;
    /// returns the logits as [`Session::forward`]. Only where [`Session::set_start`] returned true.
    fn forward_at(&mut self, _alphas: &[f64]) -> &[f32] {
        &[]
    }

    /// The vector-Jacobian product of `seeds` (`[batch, outputs]`) at every requested layer, for the
    /// rows of the last forward pass. Layers are visited once each, from the output to the input.
    ///
    /// Fails where no forward pass came before, or after its values were used up by another product.
    fn vjp(&mut self, seeds: &[f32], visit: &mut Visitor<'_>) -> Result<(), EngineError>;

    /// A requested layer's values as they stand, row by row in the layer's [`Layout`]: those of the last
    /// forward pass, or what [`Session::forward_from`] made of them.
    ///
    /// Only for plans that keep their values ([`crate::PlanOptions::keep_values`]).
    fn values(&self, layer: usize) -> Result<&[f32], EngineError>;

    /// Runs on from a requested layer whose values are replaced by `values`, row by row in the layer's
    /// [`Layout`];
    /// everything that does not depend on the layer stays as the last forward pass left it.
    ///
    /// Only for plans that keep their values ([`crate::PlanOptions::keep_values`]).
    fn forward_from(&mut self, layer: usize, values: &[f32]) -> Result<&[f32], EngineError>;
}
