"""Trains scikit-learn's MLPClassifier on a table of features and converts it to ONNX."""

from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.datasets import load_wine
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler


def with_scaling(network: MLPClassifier, scaler: StandardScaler) -> None:
    """Puts the scaling of the features into the first layer, so that the network takes them as they were measured."""
    weights, bias = network.coefs_[0], network.intercepts_[0]
    network.coefs_[0] = weights / scaler.scale_[:, np.newaxis]
    network.intercepts_[0] = bias - (scaler.mean_ / scaler.scale_) @ weights


def main() -> None:
    data = load_wine(as_frame=True)
    features, labels = data.data, data.target
    test = features.index % 2 == 0
    scaler = StandardScaler().fit(features[~test].to_numpy())
    network = MLPClassifier((32, 16), max_iter=1000, random_state=0)
    network.fit(scaler.transform(features[~test].to_numpy()), labels[~test])
    with_scaling(network, scaler)
    print(f"{100 * network.score(features[test].to_numpy(), labels[test]):.1f} % of the test samples right")
    features[test].assign(label=labels[test]).to_csv("test.csv", index=False)
    sample = features[:1].to_numpy(dtype=np.float32)
    # Without ZipMap the probabilities are a tensor. They are what is analysed, not the label made of them.
    model = to_onnx(network, sample, options={"zipmap": False}, target_opset=18)
    model = select_model_inputs_outputs(model, outputs=["probabilities"])
    Path("mlp.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
