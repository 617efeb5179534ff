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

/// What falls and what rises, told apart with any colour vision.
pub(super) const FALLS: &str = "#b04a00";
pub(super) const RISES: &str = "#007a55";
/// The side of a chart that a prediction excludes, and cells without a value.
pub(super) const SHADE: &str = "#f0f1f4";

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

/// Cividis in ten steps, for amounts.
const AMOUNT: [[u8; 3]; 10] = [
    [0x00, 0x20, 0x4d],
    [0x00, 0x33, 0x6f],
    [0x39, 0x48, 0x6b],
    [0x57, 0x5c, 0x6d],
    [0x70, 0x71, 0x73],
    [0x8a, 0x87, 0x79],
    [0xa6, 0x9d, 0x75],
    [0xc4, 0xb5, 0x6c],
    [0xe4, 0xcf, 0x5b],
    [0xff, 0xea, 0x46],
];

/// From pale to strong, for filled shapes with text on them.
const SHARE: [[u8; 3]; 2] = [[0xe3, 0xeb, 0xf3], [0x0b, 0x4f, 0x8a]];

/// ColorBrewer's PuOr without its ends, orange first, for agreement from −1 to 1.
const AGREEMENT: [[u8; 3]; 9] = [
    [0xb3, 0x58, 0x06],
    [0xe0, 0x82, 0x14],
    [0xfd, 0xb8, 0x63],
    [0xfe, 0xe0, 0xb6],
    [0xf7, 0xf7, 0xf7],
    [0xd8, 0xda, 0xeb],
    [0xb2, 0xab, 0xd2],
    [0x80, 0x73, 0xac],
    [0x54, 0x27, 0x88],
];

/// The colour of the layer at `index` of `count` in network order.
pub(super) fn depth_colour(index: usize, count: usize) -> String {
    let position = if count < 2 {
        0.0
    } else {
        index as f64 / (count - 1) as f64
    };
    mixed(&DEPTH, position)
}

/// The colour of an amount as a share of the largest, in twenty steps.
pub(super) fn amount_colour(share: f64) -> String {
    mixed(&AMOUNT, (share.clamp(0.0, 1.0) * 20.0).round() / 20.0)
}

/// The colour of an agreement between −1 and 1.
pub(super) fn agreement_colour(agreement: f64) -> String {
    mixed(&AGREEMENT, (agreement + 1.0) / 2.0)
}

/// The colour of a share of a figure's scale, from pale to strong.
pub(super) fn share_colour(share: f64) -> String {
    mixed(&SHARE, share)
}

/// The colour at `position` from 0 to 1 between stops at equal distances.
fn mixed(stops: &[[u8; 3]], position: f64) -> String {
    let scaled = position.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let below = (scaled as usize).min(stops.len() - 2);
    let share = scaled - below as f64;
    let mix = |channel: usize| {
        let (a, b) = (stops[below][channel], stops[below + 1][channel]);
        (f64::from(a) + share * (f64::from(b) - f64::from(a))).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}
