//! A small writer of SVG: lines, marks and text, every string escaped.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Symbol;
use super::scale::{Scale, tick_label};
use super::style::{FAINT, GRID, INK, MUTED, SMALL, TEXT, TITLE};
use crate::assets::{INTER_REGULAR, INTER_SEMIBOLD};
use crate::text::escape;

/// Where text stands about its point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A rectangle in points, y downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn overlaps(&self, other: &Area) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    pub(super) fn holds(&self, other: &Area) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && self.right >= other.right
            && self.bottom >= other.bottom
    }
}

/// An SVG being written.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    title: String,
    description: String,
    body: String,
}

impl Canvas {
    /// An empty drawing with an accessible name and description.
    pub(super) fn new(width: f64, height: f64, title: &str, description: &str) -> Self {
        Self {
            width,
            height,
            title: escape(title),
            description: escape(description),
            body: String::new(),
        }
    }

    fn push(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.body.write_fmt(arguments);
        self.body.push('\n');
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        self.push(format_args!(
            "<line x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(super) fn dashed(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        self.push(format_args!(
            "<line x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\" stroke=\"{colour}\" stroke-width=\"0.6\" stroke-dasharray=\"2.5 2\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    pub(super) fn path(&mut self, points: &[(f64, f64)], colour: &str, width: f64) {
        if points.len() < 2 {
            return;
        }
        let joined: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.2},{y:.2}"))
            .collect();
        self.push(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>",
            joined.join(" ")
        ));
    }

    pub(super) fn rectangle(&mut self, area: Area, fill: &str) {
        self.rect(area, format_args!("fill=\"{fill}\""));
    }

    /// An outline, dashed where what it holds is not to be taken as it is.
    pub(super) fn frame(&mut self, area: Area, dashed: bool) {
        let dashes = if dashed {
            " stroke-dasharray=\"2 1.5\""
        } else {
            ""
        };
        self.rect(
            area,
            format_args!("fill=\"none\" stroke=\"{MUTED}\" stroke-width=\"0.6\"{dashes}"),
        );
    }

    fn rect(&mut self, area: Area, looks: std::fmt::Arguments<'_>) {
        self.push(format_args!(
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" {looks}/>",
            area.left,
            area.top,
            area.width().max(0.0),
            (area.bottom - area.top).max(0.0)
        ));
    }

    /// A thin cubic curve.
    pub(super) fn curve(
        &mut self,
        from: (f64, f64),
        controls: [(f64, f64); 2],
        to: (f64, f64),
        dashed: bool,
    ) {
        let dashes = if dashed {
            " stroke-dasharray=\"2.5 2\""
        } else {
            ""
        };
        let [first, second] = controls;
        self.push(format_args!(
            "<path d=\"M{:.2} {:.2}C{:.2} {:.2} {:.2} {:.2} {:.2} {:.2}\" fill=\"none\" stroke=\"{MUTED}\" stroke-width=\"0.7\"{dashes}/>",
            from.0, from.1, first.0, first.1, second.0, second.1, to.0, to.1
        ));
    }

    /// The band between two lines of as many points, translucent.
    pub(super) fn band(&mut self, upper: &[(f64, f64)], lower: &[(f64, f64)], colour: &str) {
        let outline: Vec<String> = upper
            .iter()
            .chain(lower.iter().rev())
            .map(|(x, y)| format!("{x:.2},{y:.2}"))
            .collect();
        self.push(format_args!(
            "<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"0.18\"/>",
            outline.join(" ")
        ));
    }

    /// Rectangles of one colour, as one path.
    pub(super) fn rectangles(&mut self, areas: &[Area], fill: &str) {
        let path: String = areas
            .iter()
            .map(|area| {
                let (width, height) = (area.width(), area.bottom - area.top);
                format!(
                    "M{:.2} {:.2}h{width:.2}v{height:.2}h{:.2}z",
                    area.left, area.top, -width
                )
            })
            .collect();
        self.push(format_args!("<path d=\"{path}\" fill=\"{fill}\"/>"));
    }

    /// A square mark, for what is compared with a layer's own.
    pub(super) fn square(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        let side = 2.0 * radius * 0.88;
        self.push(format_args!(
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{side:.2}\" height=\"{side:.2}\" fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"0.5\"/>",
            x - side / 2.0,
            y - side / 2.0
        ));
    }

    /// A PNG file, stretched over an area.
    pub(super) fn picture(&mut self, area: Area, png: &[u8]) {
        self.push(format_args!(
            "<image x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
            area.left,
            area.top,
            area.width(),
            area.bottom - area.top,
            BASE64.encode(png)
        ));
    }

    /// A layer's mark: a disc for a cut layer, a diamond for a branch, hollow where not trusted.
    pub(super) fn mark(&mut self, (x, y): (f64, f64), radius: f64, symbol: Symbol, colour: &str) {
        let (fill, stroke) = if symbol.trusted {
            (colour, "#ffffff")
        } else {
            ("#ffffff", colour)
        };
        let width = if symbol.trusted { 0.5 } else { 1.0 };
        if symbol.cut {
            self.push(format_args!(
                "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>"
            ));
        } else {
            let r = radius * 1.3;
            self.push(format_args!(
                "<path d=\"M{x:.2} {:.2}L{:.2} {y:.2}L{x:.2} {:.2}L{:.2} {y:.2}Z\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>",
                y - r,
                x + r,
                y + r,
                x - r
            ));
        }
    }

    /// Text whose baseline starts, centres or ends at a point.
    pub(super) fn text(&mut self, at: (f64, f64), text: &str, anchor: Anchor, look: Look) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if look.bold {
            " font-weight=\"600\""
        } else {
            ""
        };
        let turned = if look.turned {
            format!(" transform=\"rotate(-90 {:.2} {:.2})\"", at.0, at.1)
        } else {
            String::new()
        };
        self.push(format_args!(
            "<text x=\"{:.2}\" y=\"{:.2}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{anchor}\"{weight}{turned}>{}</text>",
            at.0,
            at.1,
            look.size,
            look.colour,
            escape(text)
        ));
    }

    /// Ticks, grid and name of a horizontal axis under `area`.
    pub(super) fn x_axis(&mut self, area: Area, scale: &Scale, name: &str) {
        let ticks = scale.ticks();
        for tick in &ticks {
            let x = scale.at(*tick);
            self.line((x, area.top), (x, area.bottom), GRID, 0.5);
            self.text(
                (x, area.bottom + 9.0),
                &tick_label(*tick, &ticks, scale),
                Anchor::Middle,
                Look::tick(),
            );
        }
        self.line(
            (area.left, area.bottom),
            (area.right, area.bottom),
            FAINT,
            0.7,
        );
        let middle = (area.left + area.right) / 2.0;
        self.text(
            (middle, area.bottom + 20.0),
            name,
            Anchor::Middle,
            Look::text(),
        );
    }

    /// Ticks, grid and name of a vertical axis left of `area`.
    pub(super) fn y_axis(&mut self, area: Area, scale: &Scale, name: &str) {
        let ticks = scale.ticks();
        for tick in &ticks {
            let y = scale.at(*tick);
            self.line((area.left, y), (area.right, y), GRID, 0.5);
            self.text(
                (area.left - 4.0, y + 2.2),
                &tick_label(*tick, &ticks, scale),
                Anchor::End,
                Look::tick(),
            );
        }
        let middle = (area.top + area.bottom) / 2.0;
        if !name.is_empty() {
            self.text(
                (area.left - 24.0, middle),
                name,
                Anchor::Middle,
                Look::text().turned(),
            );
        }
    }

    /// A panel's title above its area.
    pub(super) fn panel_title(&mut self, area: Area, title: &str) {
        let at = (area.left, area.top - 6.0);
        self.text(at, title, Anchor::Start, Look::title());
    }

    /// The whole file, with the fonts in it.
    pub(super) fn finish(self) -> String {
        let millimetres = |points: f64| points / 72.0 * 25.4;
        let faces: String = [(INTER_REGULAR, 400), (INTER_SEMIBOLD, 600)]
            .iter()
            .map(|(bytes, weight)| {
                format!(
                    "@font-face{{font-family:\"Inter\";font-weight:{weight};src:url(data:font/ttf;base64,{})}}",
                    BASE64.encode(bytes)
                )
            })
            .collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.2}mm\" height=\"{:.2}mm\" \
             viewBox=\"0 0 {:.2} {:.2}\" role=\"img\" aria-labelledby=\"title description\" \
             font-family=\"Inter, Helvetica, Arial, sans-serif\">\n\
             <title id=\"title\">{}</title>\n<desc id=\"description\">{}</desc>\n\
             <style>{faces}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{}</svg>\n",
            millimetres(self.width),
            millimetres(self.height),
            self.width,
            self.height,
            self.title,
            self.description,
            self.body
        )
    }
}

/// Size, colour and weight of text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    size: f64,
    colour: &'static str,
    bold: bool,
    turned: bool,
}

impl Look {
    pub(super) fn text() -> Self {
        Self {
            size: TEXT,
            colour: INK,
            bold: false,
            turned: false,
        }
    }

    pub(super) fn tick() -> Self {
        Self {
            size: SMALL,
            colour: MUTED,
            ..Self::text()
        }
    }

    pub(super) fn label() -> Self {
        Self {
            size: SMALL,
            ..Self::text()
        }
    }

    pub(super) fn title() -> Self {
        Self {
            size: TITLE,
            bold: true,
            ..Self::text()
        }
    }

    /// For text on dark cells.
    pub(super) fn white(self) -> Self {
        Self {
            colour: "#ffffff",
            ..self
        }
    }

    /// Running upwards.
    pub(super) fn turned(self) -> Self {
        Self {
            turned: true,
            ..self
        }
    }
}
