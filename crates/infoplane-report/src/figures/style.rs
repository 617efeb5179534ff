//! Lengths and colours that all figures share.

/// Single column, 89 mm.
pub(super) const SINGLE_COLUMN: f64 = 89.0 / 25.4 * 72.0;
/// Double column, 183 mm.
pub(super) const DOUBLE_COLUMN: f64 = 183.0 / 25.4 * 72.0;

pub(super) const TEXT: f64 = 7.0;
pub(super) const SMALL: f64 = 6.0;
pub(super) const TITLE: f64 = 8.0;

pub(super) const PAPER: &str = "#ffffff";
pub(super) const INK: &str = "#1a1d21";
pub(super) const MUTED: &str = "#5d646d";
pub(super) const FAINT: &str = "#c9ced4";
pub(super) const GRID: &str = "#e6e9ec";

/// Okabe and Ito's blue and vermilion, told apart with any colour vision.
pub(super) const CONDUCTANCE: &str = "#0072b2";
pub(super) const ACTIVATION: &str = "#d55e00";
/// The same for the lines that join points.
pub(super) const CONDUCTANCE_LINE: &str = "#a6cde4";
pub(super) const ACTIVATION_LINE: &str = "#f2c4a6";

/// Viridis from 0 to 0.9 in ten steps; its last tenth is too pale on paper.
const DEPTH: [[u8; 3]; 10] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x24, 0x75],
    [0x41, 0x44, 0x87],
    [0x35, 0x5f, 0x8d],
    [0x2a, 0x78, 0x8e],
    [0x21, 0x91, 0x8c],
    [0x22, 0xa8, 0x84],
    [0x44, 0xbf, 0x70],
    [0x7a, 0xd1, 0x51],
    [0xbd, 0xdf, 0x26],
];

/// The colour of the layer at `index` of `count` in network order.
pub(super) fn depth_colour(index: usize, count: usize) -> String {
    let position = if count < 2 {
        0.0
    } else {
        index as f64 / (count - 1) as f64
    };
    let scaled = position.clamp(0.0, 1.0) * (DEPTH.len() - 1) as f64;
    let below = (scaled as usize).min(DEPTH.len() - 2);
    let share = scaled - below as f64;
    mixed(DEPTH[below], DEPTH[below + 1], share)
}

/// The colour of a share of a figure's scale, from pale to strong.
pub(super) fn share_colour(share: f64) -> String {
    mixed(
        [0xe3, 0xeb, 0xf3],
        [0x0b, 0x4f, 0x8a],
        share.clamp(0.0, 1.0),
    )
}

fn mixed(low: [u8; 3], high: [u8; 3], share: f64) -> String {
    let mix = |channel: usize| {
        let (a, b) = (f64::from(low[channel]), f64::from(high[channel]));
        (a + share * (b - a)).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}
