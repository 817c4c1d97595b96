"""convert.evaluation.compare: two models side by side, against a count by hand."""

from support.known import LABELS, known

from convert.data.trees import Sample
from convert.evaluation.compare import compare


def test_the_figures_of_two_models(samples: list[Sample]) -> None:
    """The other model has two labels. It is correct where the first is wrong, and wrong on pictures 0 and 1."""
    rows = tuple((0.2, 0.8) if n in (0, 1, 3, 4, 5, 6) else (0.9, 0.1) for n in range(8))
    lines = compare(known(), known(rows, LABELS[:2], "other"), samples).splitlines()
    assert lines[0] == "7 pictures"
    assert lines[1].split() == ["known@01234567", "other@01234567"]
    figures = {line[:28].strip(): line[28:].split() for line in lines[2:]}
    assert figures["accuracy"] == [f"{5 / 7:.4f}", f"{5 / 7:.4f}"]
    assert figures["mask recall"] == ["0.6667", "0.3333"]
    assert figures["no_mask precision"] == ["0.7500", "0.6667"]
    assert figures["source street"] == ["0.8333", "0.6667"] and figures["source room"] == ["0.0000", "1.0000"]
    assert figures["correct in this model only"] == ["2", "2"]
