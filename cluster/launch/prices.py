"""What a cluster costs, for people to read."""

from __future__ import annotations

from .spec import ClusterSpec


def price_lines(spec: ClusterSpec) -> list[str]:
    """Return lines with the cost of each kind of node and of the whole cluster."""
    lines = []
    for table in spec.nodes:
        price = "price unknown" if table.price_hour_usd is None else f"${table.price_hour_usd:.4f} an hour each"
        gpus = f", {table.gpus} GPU{f' {table.gpu}' if table.gpu else ''}" if table.gpus else ""
        count = f"{table.count} to {table.max_count}" if table.max_count > table.count else f"{table.count}"
        lines.append(f"{count} x {table.name}{f' ({table.machine})' if table.machine else ''}{gpus}: {price}")
    least, full = spec.hourly_usd(), spec.hourly_usd(grown=True)
    if least is None or full is None:
        return [*lines, "cost: unknown; set price_hour_usd for each kind of node"]
    growth = f"; at full size ${full:.4f} an hour, ${24 * full:.2f} a day" if spec.grows else ""
    return [*lines, f"cost: ${least:.4f} an hour, ${24 * least:.2f} a day{growth}"]
