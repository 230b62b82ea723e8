"""Format amounts of US dollars, for plan, report, live table, command line and documentation."""


def price(usd: float | None) -> str:
    """Format an amount with cents, or with up to four decimals if cents would round it; None is not $0.

    >>> price(0.4), price(1.2096), price(None)
    ('$0.40', '$1.2096', 'unknown')
    """
    if usd is None:
        return "unknown"
    if 0 < usd < 0.00005:
        return "less than $0.0001"
    whole, _, decimals = f"{usd:,.4f}".partition(".")
    return f"${whole}.{decimals.rstrip('0').ljust(2, '0')}"
