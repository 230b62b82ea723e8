"""The faults of each gateway as rules for its sandbox: the kinds, and the routes on which each makes sense."""

from random import Random
from typing import Any

Rule = dict[str, Any]
LISTS = ("fal", "wavespeed")  # where any lost job can be looked up; at openai a video, and no character

_PAGES = ("nginx_502", "nginx_503", "nginx_504")
_BUSY = {"retry_after": 0.2}  # without one Kie means 10 s, and WaveSpeed a minute
# Answers to a submit that was not accepted, or was and does not say so: may it have been bought? Nobody can tell.
_VAGUE = {
    "fal": ("internal_error",),
    "kie": ("internal_error",),
    "toapis": ("internal_error",),
    "wavespeed": ("internal_error", "envelope_error"),
    "openai": ("internal_error",),
}
_ACCEPTED = {"fal": (), "kie": (), "toapis": (), "wavespeed": ("data_null", "missing_id"), "openai": ()}
_LATER = {  # refused for now: proof that nothing was bought
    "fal": ("rate_limited", "refused_503"),
    "kie": ("rate_limited", "maintenance"),
    "toapis": ("rate_limited", "limiter_down"),
    "wavespeed": ("rate_limited",),
    "openai": ("rate_limited",),
}
_LOOKS = {
    "fal": ("pending", "unknown_status", "not_found", "minimal_result", "missing_thumbnail"),
    "kie": ("unknown_status", "record_null", "real_status", "message_field"),
    "toapis": ("unknown_status", "submitted", "not_found", "string_codes", "english", "url_on_top"),
    "wavespeed": ("unknown_status", "not_found", "minimal_result", "envelope_error", "data_null"),
    "openai": ("unknown_status", "not_found", "minimal_video"),
}
_ENDINGS: dict[str, tuple[Rule, ...]] = {
    "fal": (
        {"fault": "no_media"},
        {"fault": "downstream_error"},
        {"fault": "infra_error", "status": 504},
        {"fault": "infra_error", "needs_retry": False},
        {"fault": "start_deadline"},
    ),
    "kie": ({"fault": "task_failed"}, {"fault": "task_failed", "status": 501}, {"fault": "failed_envelope"}),
    "toapis": ({"fault": "task_failed"},),
    "wavespeed": (
        {"fault": "task_failed"},
        {"fault": "task_failed", "status": 1403},
        {"fault": "task_failed_without_code"},
        {"fault": "task_timeout"},
        {"fault": "task_cancelled"},
        {"fault": "task_deleted"},
    ),
    "openai": ({"fault": "task_failed"}, {"fault": "output_refused"}),
}
_REFUSALS = {
    "fal": (),
    "kie": ("out_of_credit",),
    "toapis": ("policy_422", "out_of_credit"),
    "wavespeed": (),
    "openai": ("out_of_credit", "unverified"),
}
# Faults of the wire that were added after 0.1.0; 0 switches them off.
ODD_ANSWERS = 1.0
_DEFINITE = (405, 406, 410, 411, 414, 415, 421, 422, 423, 424, 426, 428, 431, 451)
_END_WORDS = {
    "fal": ("FAILED", "ERROR", "CANCELLED"),
    "kie": ("SUCCESS", "Succeeded"),
    "toapis": ("SUCCESS", "Completed", "expired"),
    "wavespeed": ("succeeded", "COMPLETED"),
    "openai": ("succeeded", "COMPLETED"),
}
_ODD_SUBMITS: dict[str, tuple[Rule, ...]] = {
    "fal": (),
    "kie": ({"fault": "envelope_refused", "status": 410},),
    "toapis": ({"fault": "two_ids"}, {"fault": "two_ids_swapped"}),
    "wavespeed": ({"fault": "envelope_refused", "status": 1200}, {"fault": "envelope_refused", "status": 4006}),
    "openai": (),
}
_ODD_RESULTS: dict[str, tuple[Rule, ...]] = {
    "fal": (),  # an error under 200 is its verdict on a job, and a lie about one that is billed
    "kie": ({"fault": "odd_success_code", "code": 505}, {"fault": "odd_success_code"}),
    "toapis": ({"fault": "no_url"}, {"fault": "video_url_on_top"}),
    "wavespeed": ({"fault": "outputs_as_objects"},),
    "openai": ({"fault": "minimal_video"},),
}
_PICTURES: dict[str, tuple[str, ...]] = {  # what happens to pictures alone
    "fal": ("black_picture", "inline_picture"),
    "toapis": ("completed_at_once",),
    "wavespeed": ("inline_picture", "silent_fallback"),
}
_LAGS = {"fal": ("list_lags", "list_hides_running"), "wavespeed": ("list_lags", "list_without_inputs")}


class FaultRules:
    """Draws rules for one gateway. Every draw comes from the schedule's own generator, so a run can be repeated."""

    def __init__(self, gateway: str, draw: Random) -> None:
        self.gateway, self.draw = gateway, draw

    def _rule(self, route: str | None, fault: str, **facts: Any) -> Rule:
        match = {"gateway": self.gateway} | ({"route": route} if route else {})
        return {"match": match, "fault": fault, "seed": self.draw.randrange(1 << 30), **facts}

    def _some(self, *faults: str) -> str:
        return self.draw.choice(faults)

    def lost(self, share: float = 0.2) -> list[Rule]:
        """Replies to submits that never arrive, or arrive in pieces."""
        torn = self._some("drop_after", "malformed_json", "drop_after")
        return [
            self._rule("submit", "drop_after", probability=share),
            self._rule("submit", torn, probability=share / 2),
        ]

    def accepted(self) -> list[Rule]:
        """A page from a proxy where the job was accepted, and now and then a reply that names no job."""
        pages = [self._rule("submit", fault, accept=True, probability=0.15) for fault in _PAGES]
        return pages + [self._rule("submit", fault, probability=0.1) for fault in _ACCEPTED[self.gateway]]

    def refused(self) -> list[Rule]:
        """Submits that are not accepted, with and without proof."""
        busy = self._some(*_LATER[self.gateway])
        return [
            self._rule("submit", busy, probability=0.4, times=self.draw.randint(1, 8), **_BUSY),
            self._rule("submit", "drop_before", probability=0.15),
            self._rule("submit", self._some(*_PAGES, *_VAGUE[self.gateway]), probability=0.1),
            self._rule("submit", self._some("slow", "slow_before"), probability=0.3, seconds=0.4),
        ]

    def looks(self) -> list[Rule]:
        """Status and result, asked again and again until somebody makes sense."""
        general = ("drop_before", "drop_after", *_PAGES, "malformed_json", "extra_fields", "internal_error")
        own = _LOOKS[self.gateway]
        routes = ("status", "result") if self.gateway == "fal" else ("status",)
        rules = [self._rule(route, self._some(*general), probability=0.3, times=8) for route in routes]
        rules.append(self._rule("status", "rate_limited", probability=0.2, times=4, **_BUSY))
        rules += [self._rule(None, self._some(*own), probability=0.3, times=3)]
        return [self._on_its_route(rule) for rule in rules]

    def _on_its_route(self, rule: Rule) -> Rule:
        """A fault that belongs to one route only is kept from the submits, where it would mean something else."""
        if "route" in rule["match"]:
            return rule
        result = {"pending", "minimal_result", "missing_thumbnail"}
        route = "result" if self.gateway == "fal" and rule["fault"] in result else "status"
        return {**rule, "match": {**rule["match"], "route": route}}

    def files(self) -> list[Rule]:
        """Uploads that break, and clips that come home in pieces, late or not at all."""
        if self.gateway == "openai":  # it takes no uploads, and its content lies behind the key
            return [
                self._rule("result", self._some("content_502", *_PAGES, "drop_before"), probability=0.4, times=6),
                self._rule("result", self._some("torn", "slow"), probability=0.4, times=6, seconds=0.3),
            ]
        return [
            self._rule("upload", self._some("drop_before", "drop_after", *_PAGES), probability=0.3, times=3),
            self._rule("upload", self._some("internal_error", "malformed_json"), probability=0.2, times=2),
            self._rule("upload", "rate_limited", probability=0.2, times=2, **_BUSY),
            self._rule("download", "truncated", probability=0.4, times=self.draw.randint(1, 20)),
            self._rule("download", "output_missing", probability=0.3, times=self.draw.randint(1, 20)),
            self._rule("download", self._some("drop_before", *_PAGES), probability=0.2, times=6),
            self._rule("download", "slow", probability=0.3, seconds=0.3),
        ]

    def lists(self) -> list[Rule]:
        """The list of requests, where there is one, lags behind or cannot be read."""
        if self.gateway not in LISTS:
            return []
        late = self._some(*_LAGS[self.gateway])
        lag = self._rule("platform", late, probability=0.5, times=self.draw.randint(1, 6), seconds=3600)
        broken = self._some("drop_before", "nginx_502", "malformed_json", "rate_limited", "internal_error")
        return [lag, self._rule("platform", broken, probability=0.3, times=4, **_BUSY)]

    def endings(self, share: float = 0.4) -> list[Rule]:
        """Jobs that are accepted and then fail, in the gateway's own ways."""
        chosen = self.draw.sample(_ENDINGS[self.gateway], min(2, len(_ENDINGS[self.gateway])))
        rules = [self._rule("submit", **{**rule, "probability": share / 2}) for rule in chosen]
        rules.append(self._rule("submit", "policy_refusal", probability=share / 3))
        return rules + [self._rule("submit", each, probability=0.1, times=1) for each in _REFUSALS[self.gateway]]

    def stuck(self) -> list[Rule]:
        """Jobs that hang for ever, and jobs that take longer than the run waits."""
        return [
            self._rule("submit", "stuck", probability=0.25),
            self._rule("submit", "slow_render", probability=0.4, seconds=self.draw.choice((0.5, 2.0, 4.0))),
            self._rule("status", "unknown_status", probability=0.4, times=10),
        ]

    def odd_submits(self) -> list[Rule]:
        """Definite refusals in every form, two ids for one task, and server errors that name what they accepted."""
        rules = [
            self._rule("submit", "refused_4xx", status=self.draw.choice(_DEFINITE), probability=0.1, times=1),
            self._rule("submit", "nginx_4xx", status=self.draw.choice((411, 414, 431)), probability=0.1, times=1),
            self._rule("submit", "wall_403", probability=0.1, times=1),
            self._rule("submit", "error_names_task", probability=0.2, times=2),
            self._rule("submit", "rate_limited", probability=0.1, times=1, retry_after=1, retry_after_as="date"),
        ]
        rules += [self._rule("submit", probability=0.3, **rule) for rule in _ODD_SUBMITS[self.gateway]]
        return self._weighted(rules)

    def odd_results(self) -> list[Rule]:
        """Answers about a finished job that are no verdict: untyped errors, pages, unknown states, errors under 200."""
        route = "result" if self.gateway == "fal" else "status"
        untyped = self._rule(route, "untyped_5xx", status=self.draw.choice((500, 502, 503)), probability=0.4, times=6)
        word = self._rule("status", "end_word", word=self._some(*_END_WORDS[self.gateway]), probability=0.4, times=4)
        rules = [
            untyped,
            word,
            self._rule("status", "untyped_5xx", probability=0.2, times=4),
            self._rule(route, self._some("html_200", "empty_200", "torn"), probability=0.3, times=4),
        ]
        rules += [self._rule(route, probability=0.2, times=2, **rule) for rule in _ODD_RESULTS[self.gateway]]
        return self._weighted(rules)

    def pictures(self) -> list[Rule]:
        """Pictures that a response holds itself, that come at once, or that are black."""
        return [self._rule("submit", fault, probability=0.1, times=2) for fault in _PICTURES.get(self.gateway, ())]

    def dates(self) -> list[Rule]:
        """Replies under a `Date` that is minutes off, or under none."""
        off = self._rule(None, "wrong_date", seconds=self.draw.choice((-600, 600)), probability=0.3)
        return self._weighted([off, self._rule(None, "no_date", probability=0.1)])

    def _weighted(self, rules: list[Rule]) -> list[Rule]:
        return [{**rule, "probability": rule["probability"] * ODD_ANSWERS} for rule in rules]

    def delays(self) -> list[Rule]:
        """Submits that take their time, so that a kill finds them on their way."""
        return [self._rule("submit", self._some("slow", "slow_before"), seconds=self.draw.choice((0.05, 0.2, 0.5)))]
