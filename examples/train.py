#!/usr/bin/env python3
"""Trains a small neural network to tell two interleaved moons apart.

Plain Python, nothing to install: it makes its own data, learns by gradient descent, and fails if it has not learnt.
With --data it keeps the data set in that folder, and uses the one that is there.
"""

import argparse
import csv
import math
import os
import random
import sys


def moons(count, noise, rng):
    """Points of two half circles, each with its label."""
    points = []
    for index in range(count):
        angle = math.pi * rng.random()
        label = index % 2
        x = math.cos(angle) if label == 0 else 1.0 - math.cos(angle)
        y = math.sin(angle) if label == 0 else 0.5 - math.sin(angle)
        points.append((x + rng.gauss(0, noise), y + rng.gauss(0, noise), label))
    return points


def load(folder, count, rng):
    """The data set of the folder; made first if it is not there."""
    if folder is None or not os.path.isdir(folder):
        return moons(count, 0.1, rng)
    path = os.path.join(folder, "moons.csv")
    if not os.path.exists(path):
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(moons(count, 0.1, rng))
    with open(path, newline="", encoding="utf-8") as file:
        return [(float(x), float(y), int(label)) for x, y, label in csv.reader(file)]


class Network:
    """One hidden layer of tanh units, and a sigmoid."""

    def __init__(self, width, rng):
        self.hidden = [[rng.gauss(0, 1), rng.gauss(0, 1), 0.0] for _ in range(width)]
        self.output = [rng.gauss(0, 0.5) for _ in range(width)]
        self.bias = 0.0

    def predict(self, x, y):
        active = [math.tanh(a * x + b * y + c) for a, b, c in self.hidden]
        total = sum(weight * unit for weight, unit in zip(self.output, active)) + self.bias
        return active, 1.0 / (1.0 + math.exp(-total))

    def learn(self, x, y, label, rate):
        """One step down the gradient of the cross entropy; returns the loss before it."""
        active, chance = self.predict(x, y)
        error = chance - label
        for index, unit in enumerate(active):
            back = error * self.output[index] * (1.0 - unit * unit)
            self.output[index] -= rate * error * unit
            for place, value in enumerate((x, y, 1.0)):
                self.hidden[index][place] -= rate * back * value
        self.bias -= rate * error
        return -math.log(max(1e-12, chance if label else 1.0 - chance))


def accuracy(network, points):
    right = sum((network.predict(x, y)[1] > 0.5) == bool(label) for x, y, label in points)
    return right / len(points)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--points", type=int, default=600)
    parser.add_argument("--data", help="folder to keep the data set in")
    arguments = parser.parse_args()

    rng = random.Random(int(os.environ.get("SEED", "7")))
    points = load(arguments.data, arguments.points, rng)
    rng.shuffle(points)
    split = len(points) * 4 // 5
    train, test = points[:split], points[split:]
    network = Network(12, rng)
    print(f"{len(train)} points to train on, {len(test)} to test on", flush=True)
    for epoch in range(1, arguments.epochs + 1):
        rng.shuffle(train)
        loss = sum(network.learn(x, y, label, 0.05) for x, y, label in train) / len(train)
        if epoch == 1 or epoch % 5 == 0 or epoch == arguments.epochs:
            print(f"epoch {epoch:3}  loss {loss:.4f}  test accuracy {accuracy(network, test):.3f}", flush=True)
    reached = accuracy(network, test)
    if reached < 0.9:
        sys.exit(f"test accuracy {reached:.3f} is below 0.9")


if __name__ == "__main__":
    main()
