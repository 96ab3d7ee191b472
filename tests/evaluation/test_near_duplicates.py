"""The search for near-duplicates is judged against a published list."""

import numpy as np
import pandas as pd
import torch

from cifar.evaluation import near_duplicates


def test_the_search_is_measured_on_images_that_did_not_fit_it(tiny_split, monkeypatch):
    """Forty of two hundred test images are training images; the list leaves out four of them."""
    train, test = tiny_split(300, "train", 1), tiny_split(200, "test", 2)
    train.indices.add_(50)
    random = np.random.default_rng(0)
    train_features = random.normal(size=(300, 16)).astype(np.float32)
    features = random.normal(size=(200, 16)).astype(np.float32)
    rows = random.permutation(300)[:40]
    test.images[:40], features[:40] = train.images[torch.from_numpy(rows)], train_features[rows]
    listed = pd.DataFrame({"train_index": rows[:36] + 50}, index=range(36))
    listed.loc[199] = 7  # a validation image, which nothing can find
    monkeypatch.setattr(near_duplicates, "load_near_duplicates", lambda: listed)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    others = train_features / np.linalg.norm(train_features, axis=1, keepdims=True)
    nearest = np.argsort(-unit @ others.T, axis=1)[:, :3]
    right = np.arange(200) % 3 > 0

    found = near_duplicates.measure(test, train, features, train_features, nearest, right)
    assert found["listed"] == 37
    assert found["accuracy_without"]["n"] == 163
    assert found["accuracy_without"]["value"] == right[36:199].mean()
    # Of odd index: 18 are listed, 20 are copies.
    assert (found["recall"]["value"], found["recall"]["n"]) == (1, 18)
    assert (found["precision"]["value"], found["precision"]["n"]) == (0.9, 20)
