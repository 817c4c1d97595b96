"""Reads, cuts, draws, augments and splits the pictures that train and measure a network.

In: tab-separated lists of whole pictures, and folder trees of labelled crops. Out: trees of crops, and splits of them.
Public names: ``read_list`` (lists.py), ``write_tree`` (prepare.py), ``Sample``, ``read_tree`` and ``load`` (trees.py),
``select_and_split``, ``training_sets`` and ``held_out`` (splits.py), ``view`` (augment.py), ``condition``
(conditions.py), ``draw`` (drawings.py).
"""
