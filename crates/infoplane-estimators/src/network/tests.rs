use rand::SeedableRng;

use super::*;

#[test]
fn gradients_by_the_input_are_finite_differences() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let network = Network::new(&[3, 5, 4, 2], 0.0, &mut rng);
    let inputs = |shift: f32, at: usize| {
        let mut inputs = Matrix::zeros(2, 3);
        for (i, value) in inputs.data.iter_mut().enumerate() {
            *value = (i as f32 * 0.7).sin() + if i == at { shift } else { 0.0 };
        }
        inputs
    };
    // The loss is the weighted sum of outputs.
    let weights = [0.5_f32, -1.0, 2.0, 0.25];
    let loss = |inputs: Matrix| -> f32 {
        let output = network.forward(inputs).output;
        output.data.iter().zip(weights).map(|(o, w)| o * w).sum()
    };
    let gradient = Matrix {
        data: weights.to_vec(),
        rows: 2,
        columns: 2,
    };
    let pass = network.forward(inputs(0.0, 0));
    let found = network.clone().backward(&pass, gradient, true).unwrap();
    for at in 0..6 {
        let difference = (loss(inputs(1e-3, at)) - loss(inputs(-1e-3, at))) / 2e-3;
        assert!(
            (found.data[at] - difference).abs() < 2e-3,
            "{at}: {difference}"
        );
    }
}

#[derive(Clone)]
struct Regression<'a> {
    network: Network,
    inputs: &'a Inputs,
    truth: &'a [f32],
}

impl Model for Regression<'_> {
    fn step(&mut self, batch: &[usize]) {
        let pass = self.network.forward(self.inputs.gather(batch));
        let mut gradient = pass.output.clone();
        for (g, &sample) in gradient.data.iter_mut().zip(batch) {
            *g = 2.0 * (*g - self.truth[sample]) / batch.len() as f32;
        }
        self.network.backward(&pass, gradient, false);
    }

    fn loss(&self, samples: &[usize]) -> f64 {
        let output = self.network.forward(self.inputs.gather(samples)).output;
        let squares = output
            .data
            .iter()
            .zip(samples)
            .map(|(o, &s)| f64::from(o - self.truth[s]).powi(2));
        squares.sum::<f64>() / samples.len() as f64
    }
}

#[test]
fn a_network_learns_a_curve() {
    let x: Vec<f64> = (0..400).map(|i| f64::from(i) / 100.0 - 2.0).collect();
    let truth: Vec<f32> = x.iter().map(|x| (2.0 * x).sin() as f32).collect();
    let inputs = Inputs::new(crate::Samples::from_f64(&x, 400, 1).unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let model = Regression {
        network: Network::new(&[1, 32, 1], 0.0, &mut rng),
        inputs: &inputs,
        truth: &truth,
    };
    let training = Training {
        batch: 32,
        rounds: 150,
        steps_a_round: 20,
        patience: 30,
    };
    let fold = &folds(400, 4, 0)[1];
    let before = model.loss(&fold.test);
    let (model, _) = train(model, training, &fold.train, &fold.validation, &mut rng);
    let after = model.loss(&fold.test);
    assert!(
        after < 0.02 && after < before / 10.0,
        "{before} then {after}"
    );
}

#[test]
fn folds_judge_every_sample_once_and_never_one_that_they_trained_on() {
    let all = folds(103, 5, 9);
    let mut judged: Vec<usize> = all.iter().flat_map(|fold| fold.test.clone()).collect();
    judged.sort_unstable();
    assert_eq!(judged, (0..103).collect::<Vec<_>>());
    for fold in &all {
        let mut parts = [&fold.train[..], &fold.validation, &fold.test].concat();
        parts.sort_unstable();
        assert_eq!(parts, (0..103).collect::<Vec<_>>());
    }
    assert_ne!(all, folds(103, 5, 10));
}
