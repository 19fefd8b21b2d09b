"""Config of the ecology study: the subnet, what strategies cost, and the conditions that are compared."""

from dataclasses import dataclass, field

from consensus import YumaParams


@dataclass(frozen=True, slots=True)
class EcologyConfig:
    """The conditions, the populations, and how fast they change. Costs are shares of the mean pay of their kind."""

    detections: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    """Grader quality: the probability that a grader sees that an answer is cheated."""
    cheating_costs: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4)
    """Cost of a cheater's answers."""
    concealments: tuple[int | None, ...] = (None, 0, 20)
    """Epochs for which weights stay hidden by commit-reveal; 0 shows the consensus of the epoch before, and None leaves
    all validators honest."""
    seeds: int = 20
    generations: int = 1000
    """Epochs; in each of them one miner and one validator reconsider their strategies."""
    measured: int = 250
    """Last generations, over which shares are averaged."""
    miners: int = 24
    validators: int = 12
    """Each with the same stake."""
    first_copiers: int = 1
    """Validators that copy at the beginning. Half of the miners cheat then."""
    tasks: int = 8
    """Answers of each miner that a grader grades in an epoch."""
    least_quality: float = 0.2
    """Quality of the worst worker; the best has 1. It is the probability that a grader finds an answer good."""
    churn: float = 0.1
    """Probability that a miner's quality is drawn again in an epoch, which makes old weights wrong."""
    working_cost: float = 0.5
    """Cost of a worker's answers."""
    grading_cost: float = 0.03
    """Cost of grading; copying weights is free."""
    selection: float = 20.0
    """How surely the better of two profits is imitated; 0 is pure chance."""
    mutation: float = 0.01
    """Probability that a strategy is drawn by chance instead, so that each can always come back."""
    params: YumaParams = field(default_factory=lambda: YumaParams(version="yuma3"))

    def invades(self, detection: float, cheating_cost: float) -> float:
        """Return how much more a cheater profits than a worker while few cheat and validators are honest.

        Pay is in proportion to grades, so a cheater gets (1 - detection) / quality of a mean worker's pay.
        """
        return (1 - detection) / self.mean_quality - cheating_cost - (1 - self.working_cost)

    @property
    def mean_quality(self) -> float:
        """Mean quality of a worker."""
        return (self.least_quality + 1) / 2
