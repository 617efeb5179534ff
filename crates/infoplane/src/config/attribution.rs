//! What is attributed and how: layers, target, baseline and quadrature, and their names.

use infoplane_attribution::{
    AdaptiveRule, Baseline, DEFAULT_KNEE, GaussianBlur, INITIAL_STEPS, Quadrature, QuadratureName,
    Target,
};
use infoplane_data::{ImageShape, Preprocess};

use super::{
    DEFAULT_BLUR, DEFAULT_CAPTUM_STEPS, DEFAULT_MAX_STEPS, DEFAULT_POWER, DEFAULT_STEPS,
    DEFAULT_TOLERANCE, RunConfig,
};
use crate::error::Error;
use crate::model::LayerChoice;
use crate::names::unknown;

/// Largest id of a token: networks compute in f32.
const LARGEST_TOKEN: u32 = 1 << 24;

impl RunConfig {
    /// The layers that are asked for.
    pub fn layer_choice(&self) -> LayerChoice {
        if self.layers.is_empty() {
            LayerChoice::Default
        } else {
            LayerChoice::Named(self.layers.clone())
        }
    }

    /// The quadrature that is asked for. `default` is the rule where none is named.
    pub fn quadrature(&self, default: QuadratureName) -> Result<Quadrature, Error> {
        let name = match &self.quadrature {
            Some(name) => name.parse().map_err(|_| {
                let known = [
                    "adaptive",
                    "hyperbolic",
                    "graded",
                    "trapezoid",
                    "uniform",
                    "captum",
                ];
                let there_are =
                    "adaptive, hyperbolic, graded, trapezoid (also called uniform) and captum";
                unknown("quadrature", name, &known, there_are)
            })?,
            None if self.steps.is_some() => QuadratureName::Graded,
            None => default,
        };
        let unused = |given: bool, option: &str| {
            if given {
                Err(Error::Setting(format!(
                    "--{option} does not apply to the quadrature {}",
                    self.quadrature.as_deref().unwrap_or("that was chosen")
                )))
            } else {
                Ok(())
            }
        };
        let adaptive = name == QuadratureName::Adaptive;
        unused(adaptive && self.steps.is_some(), "steps")?;
        unused(!adaptive && self.tolerance.is_some(), "tolerance")?;
        unused(!adaptive && self.max_steps.is_some(), "max-steps")?;
        unused(
            name != QuadratureName::Graded && self.power.is_some(),
            "power",
        )?;
        unused(
            name != QuadratureName::Hyperbolic && self.knee.is_some(),
            "knee",
        )?;
        let steps = self.steps.unwrap_or(DEFAULT_STEPS);
        let quadrature = match name {
            QuadratureName::Trapezoid => Quadrature::Trapezoid { steps },
            QuadratureName::Graded => Quadrature::Graded {
                steps,
                power: self.power.unwrap_or(DEFAULT_POWER),
            },
            QuadratureName::Hyperbolic => Quadrature::Hyperbolic {
                steps,
                knee: self.knee.unwrap_or(DEFAULT_KNEE),
            },
            QuadratureName::Captum => Quadrature::Captum {
                steps: self.steps.unwrap_or(DEFAULT_CAPTUM_STEPS),
            },
            QuadratureName::Adaptive => Quadrature::Adaptive(AdaptiveRule {
                tolerance: self.tolerance.unwrap_or(DEFAULT_TOLERANCE),
                max_steps: self.max_steps.unwrap_or(DEFAULT_MAX_STEPS),
            }),
        };
        quadrature.validate()?;
        Ok(quadrature)
    }

    /// The target that is asked for.
    pub fn target(&self) -> Result<Target, Error> {
        match self.target.as_deref() {
            None | Some("predicted") => Ok(Target::Predicted),
            Some("label") => Ok(Target::Label),
            Some("input") => Ok(Target::Given),
            Some(index) => index.parse().map(Target::Index).map_err(|_| {
                let known = ["predicted", "label", "input"];
                let there_are = "predicted, label, input (the array `target` of --inputs) and the index of an output unit";
                unknown("target", index, &known, there_are)
            }),
        }
    }

    /// The baseline that is asked for, for samples of `sample_shape` preprocessed like this. `input`
    /// is for callers that have such an array.
    pub fn baseline(
        &self,
        sample_shape: &[usize],
        preprocess: Option<&Preprocess>,
    ) -> Result<Baseline, Error> {
        let blur = self.baseline.as_deref() == Some("blur");
        if self.blur_sigma.is_some() && !blur {
            return Err(Error::Setting(
                "--blur-sigma is for the baseline `blur`".to_string(),
            ));
        }
        if let Some(token) = self.baseline_token {
            if self.path_at.is_none() {
                return Err(Error::Setting(
                    "--baseline-token needs --path-at: a path from one token id to another has nothing in between"
                        .to_string(),
                ));
            }
            if self.baseline.is_some() {
                return Err(Error::Setting(
                    "--baseline and --baseline-token both say where the path starts; give one"
                        .to_string(),
                ));
            }
            if token > LARGEST_TOKEN {
                return Err(Error::Setting(format!(
                    "--baseline-token {token}; ids up to {LARGEST_TOKEN} can be told apart"
                )));
            }
            return Ok(Baseline::Fixed {
                name: format!("token {token}"),
                row: vec![token as f32; sample_shape.iter().product()],
            });
        }
        match self.baseline.as_deref() {
            None | Some("zero") => Ok(Baseline::Zero),
            Some("blur") => {
                let Some(image) = ImageShape::of(sample_shape) else {
                    return Err(Error::Setting(format!(
                        "the baseline `blur` needs samples of channels × height × width, not {sample_shape:?}"
                    )));
                };
                let side = image.height.min(image.width) as f64;
                let sigma = self.blur_sigma.unwrap_or(side / DEFAULT_BLUR);
                if !(sigma > 0.0 && sigma <= side) {
                    return Err(Error::Setting(format!(
                        "a blur of {sigma} pixels; above 0 and at most {side} are allowed here"
                    )));
                }
                let blur = GaussianBlur::new([image.channels, image.height, image.width], sigma);
                Ok(Baseline::Blur(match image.channels_last {
                    true => blur.with_channels_last(),
                    false => blur,
                }))
            }
            Some("black") => {
                let Some(preprocess) = preprocess else {
                    return Err(Error::Setting(
                        "the baseline `black` needs images as data; for arrays there are `zero`, `blur` and, in `attribute`, `input`"
                            .to_string(),
                    ));
                };
                Ok(Baseline::Fixed {
                    name: "black".to_string(),
                    row: preprocess.black(sample_shape.iter().product()),
                })
            }
            Some("mean") => Err(Error::Setting(
                "the baseline `mean` is for runs over a data set; `attribute` takes a mean as the array `baseline` of its inputs, with --baseline input"
                    .to_string(),
            )),
            Some(other) => {
                let known = ["zero", "black", "mean", "blur", "input"];
                let there_are = "zero (in the network's normalised input space: mean grey), black, mean (of the samples), blur (each sample blurred) and, in `attribute`, input (the array `baseline` of --inputs)";
                Err(unknown("baseline", other, &known, there_are))
            }
        }
    }
}

/// The name of a target, for `run.json` and the report.
pub(crate) fn target_name(target: Target) -> String {
    match target {
        Target::Predicted => "predicted".to_string(),
        Target::Label => "label".to_string(),
        Target::Given => "input".to_string(),
        Target::Index(index) => index.to_string(),
    }
}

/// The name of a baseline with its parameters, for `run.json` and the terminal.
pub(crate) fn baseline_name(baseline: &Baseline) -> String {
    match baseline {
        Baseline::Blur(blur) => format!("blur (σ {} pixels)", blur.sigma()),
        _ => baseline.name().to_string(),
    }
}

/// The quadrature with all its parameters, for `run.json`.
pub(crate) fn quadrature_json(quadrature: &Quadrature) -> serde_json::Value {
    match quadrature {
        Quadrature::Trapezoid { steps } => {
            serde_json::json!({"rule": "trapezoid", "steps": steps})
        }
        Quadrature::Graded { steps, power } => {
            serde_json::json!({"rule": "graded", "steps": steps, "power": power})
        }
        Quadrature::Hyperbolic { steps, knee } => {
            serde_json::json!({"rule": "hyperbolic", "steps": steps, "knee": knee})
        }
        Quadrature::Captum { steps } => serde_json::json!({"rule": "captum", "steps": steps}),
        Quadrature::Adaptive(rule) => serde_json::json!({
            "rule": "adaptive",
            "tolerance": rule.tolerance,
            "max_steps": rule.max_steps,
            "initial_steps": INITIAL_STEPS,
            "knee": DEFAULT_KNEE,
        }),
    }
}
