#!/usr/bin/env python3
"""Counts the words of a text that it writes itself, and prints the most frequent ones."""

import collections
import os
import random

VOCABULARY = "data model train step loss epoch batch layer tensor queue quota node pool".split()


def main():
    rng = random.Random(1)
    words = int(os.environ.get("WORDS", "50000"))
    weights = [1.0 / (rank + 1) for rank in range(len(VOCABULARY))]
    counts = collections.Counter(rng.choices(VOCABULARY, weights, k=words))
    print(f"{words} words, {len(counts)} of them different")
    for word, count in counts.most_common(3):
        print(f"{word:8} {count:6}")


if __name__ == "__main__":
    main()
