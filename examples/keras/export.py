"""Trains a small Keras network on scikit-learn's digits, written as folders of images, and exports it to ONNX."""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image
from sklearn.datasets import load_digits

EPOCHS = 20


def main() -> None:
    keras.utils.set_random_seed(0)
    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
    images = np.stack([np.asarray(Image.fromarray(image).convert("RGB").resize((16, 16), Image.BILINEAR)) for image in pixels])
    test = np.arange(len(images)) % 3 == 0
    for index in np.flatnonzero(test):
        path = Path("digits/test") / str(digits.target[index]) / f"{index:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[index]).save(path)
    model = keras.Sequential([
        layers.Input((16, 16, 3)),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, padding="same"),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("swish"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    inputs = images.astype(np.float32) / 255
    model.fit(inputs[~test], digits.target[~test], batch_size=64, epochs=EPOCHS, verbose=2)
    print("test:", model.evaluate(inputs[test], digits.target[test], verbose=0, return_dict=True))
    model.export("keras.onnx", format="onnx")


if __name__ == "__main__":
    main()
