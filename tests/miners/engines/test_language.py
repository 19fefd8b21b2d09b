from miners.engines.completion import Completion, Request, Timings
from miners.engines.language import LanguageEngine
from subnets import Message, Meter


class Prompt(LanguageEngine):
    """Has its first token as early as the request's `max_tokens` says, in seconds."""

    async def complete(self, request: Request) -> Completion:
        return Completion("text", timings=Timings(0.0, float(request.max_tokens), 9.0))


async def test_the_time_to_the_first_token_is_charged_and_adds_up_over_completions() -> None:
    meter = Meter()
    requests = [Request((Message("user", "Hello"),), max_tokens=seconds) for seconds in (1, 3)]
    await meter.run(Prompt().generate(requests))
    await meter.run(Prompt().generate(requests[:1]))
    assert meter.cost.first_token_s == 5.0
