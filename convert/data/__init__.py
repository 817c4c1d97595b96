"""Pictures for training: labelled folders, lists, splits, near-duplicates, augmentation, drawn masks and hands."""
