"""The public vocabulary: posts, assets, labels, what was observed, and the two verdicts."""
