"""Shares as a reader reads them."""

from __future__ import annotations

import math


def percent(share: float, digits: int = 1) -> str:
    """Write a share as a percentage: 0.9 -> '90 %', 0.983 -> '98.3 %', and NaN as a dash.

    Only a share of exactly 0 or 1 is written as 0 % or 100 %: 0.9999 -> 'over 99.9 %', 0.00004 -> 'under 0.1 %'.
    """
    if math.isnan(share):
        return "–"
    step = 10.0**-digits
    if 0 < share < 1 and round(100 * share, digits) in (0.0, 100.0):
        return f"under {step:.{digits}f} %" if share < 0.5 else f"over {100 - step:.{digits}f} %"
    text = f"{100 * share:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"
