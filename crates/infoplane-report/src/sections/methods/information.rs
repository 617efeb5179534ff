//! How information was estimated by the plane's own estimator, and what became of it.

use infoplane_plane::{PlaneOptions, VectorKind};

use crate::text::{escape, integer, number};
use crate::view::RunView;

pub(super) fn html(view: &RunView<'_>) -> String {
    let resolution = &view.plane.resolution;
    let channel = PlaneOptions::default().channel;
    let widest = view
        .rows(VectorKind::Conductance)
        .map(|row| row.dimensions)
        .max()
        .unwrap_or(0);
    format!(
        "<h3>Information</h3>\n\
         <p>In a deterministic network I(X;C) is infinite or log₂ N whatever the layer, so what is \
         measured is the information that passes a channel of stated noise (Goldfeld et al. 2019; \
         Geiger 2020). Estimator <code>{}</code>: Z are the layer’s N = {} vectors, centred and \
         rotated to their principal components (at most {widest} kept here); C̃ = Z + σε with \
         σ² = τ² · tr Cov(Z) and ε standard normal. Then</p>\n\
         <p class=\"formula\">I(X;C̃) = h(C̃) − (d/2) log₂(2πe σ²)<br>\
         I(C̃;Y) = h(C̃) − Σ<sub>y</sub> p(y) h(C̃ | Y = y)</p>\n\
         <p>where h is the entropy of the Gaussian mixture centred on the samples, by Monte Carlo with {} draws \
         a sample. It is estimated once with each sample’s own centre in the mixture and once without; the \
         two errors have opposite signs, the value is their middle, and the two are reported as \
         the bracket. {}. X is uniform on the samples, so I(X;C̃) ≤ log₂ N = {} bits and \
         I(C̃;Y) ≤ H(Y). Intervals are 95&nbsp;%, from {} random halves of the samples, \
         the same halves for every layer. The null of I(C;Y) is its value under {} permutations of the labels. A figure too near its ceiling is marked \
         saturated; one whose bracket is wider than {} bits is flagged; neither ranks a layer.</p>\n",
        escape(view.estimator),
        integer(view.plane.n as u64),
        channel.draws,
        escape(resolution.reason.trim_end_matches('.')),
        number((view.plane.n.max(1) as f64).log2()),
        channel.subsamples,
        channel.permutations,
        number(resolution.bracket_limit)
    ) + &efficiency()
}

fn efficiency() -> String {
    "<h3>Information Transformation Efficiency</h3>\n\
     <dl class=\"methods\">\
     <div><dt><code>ratio</code></dt><dd>I(C;Y) / I(X;C); the default</dd></div>\
     <div><dt><code>normalized</code></dt><dd>[I(C;Y)/H(Y)] / [I(X;C)/log₂ N]</dd></div>\
     <div><dt><code>incremental</code></dt><dd>ΔI(C;Y) / |ΔI(X;C)| from the previous cut layer; \
     undefined where the interval of the denominator holds 0</dd></div></dl>\n"
        .to_owned()
}
