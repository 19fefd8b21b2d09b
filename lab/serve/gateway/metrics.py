"""Counters of a gateway, in the form that Prometheus reads."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lab.record.customers import CustomerRequest, Receipt

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one gateway."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "subnetlab_gateway_requests", "Requests by how they ended.", ["outcome"], registry=registry
        )
        self._refused = Counter(
            "subnetlab_gateway_refused", "Requests that were refused, by status.", ["status"], registry=registry
        )
        self._answers = Counter(
            "subnetlab_gateway_answers", "Answers that were delivered, by miner.", ["miner"], registry=registry
        )
        self._latency = Histogram(
            "subnetlab_gateway_latency_seconds", "Time to an answer.", registry=registry, buckets=SECONDS
        )
        self._tokens = Counter("subnetlab_gateway_tokens", "Tokens that were paid for.", ["kind"], registry=registry)
        self._pages = Counter("subnetlab_gateway_pages", "Pages that were paid for.", registry=registry)
        self._income = Counter("subnetlab_gateway_income_dollars", "What customers paid.", registry=registry)
        self.under_way = Gauge("subnetlab_gateway_under_way", "Requests at once, now.", registry=registry)

    def ended(self, request: CustomerRequest, receipt: Receipt, miner: str) -> None:
        """Count a request that has ended; `miner` names who answered, if anybody."""
        self._requests.labels(receipt.outcome.value).inc()
        if miner:
            self._answers.labels(miner).inc()
            self._latency.observe(receipt.latency_s)
            self._tokens.labels("input").inc(request.input_tokens)
            self._tokens.labels("output").inc(receipt.output_tokens)
            self._pages.inc(request.pages)
            self._income.inc(receipt.price_usd)

    def refused(self, status: int) -> None:
        """Count a request that was refused."""
        self._refused.labels(str(status)).inc()

    def text(self) -> bytes:
        """Return all counters."""
        return generate_latest(self._registry)
