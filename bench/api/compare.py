"""`bench.compare`."""

from bench.api.evaluation_table import EvaluatedRow
from bench.errors import UserError
from results.paired import PairedErrors, paired


def compare(first: EvaluatedRow, second: EvaluatedRow) -> PairedErrors:
    """Which of two rows makes fewer top-1 errors on the same images, and whether that is more than chance.

    Args:
        first, second: rows of tables of `evaluate`, of the same images under the same labels.

    Returns:
        `PairedErrors`: `difference`, the first's error rate less the second's with its 95 % interval, as shares of the
        images (Bonett and Price, 2012); `p` of McNemar's exact test; the counts that both come from. Printed, one line.

    Raises:
        UserError: where the rows are not of the same images and labels, or where ties decide one of them.
    """
    for row in (first, second):
        if not isinstance(row, EvaluatedRow):
            raise UserError(
                f"compare: something of type {type(row).__name__}; give rows of tables, such as table['dense']"
            )
        if not row.result.clean:
            raise UserError(f"{row!r}: ties decide it, so that there is no error to compare")
    if first.ids != second.ids or first.right != second.right:
        raise UserError(
            f"compare: {first.result.data} ({first.n}) and {second.result.data} ({second.n}): the rows are not of the "
            "same images with the same labels; evaluate both on one set"
        )
    return paired(first.ranks >= 1, second.ranks >= 1)
