"""The sandbox misbehaves exactly as it is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from prefect_storyboard.sandbox import Clock, Pace, running

T2V = "fal-ai/sora-2/text-to-video"


@dataclass
class Fal:
    http: httpx.Client
    clock: Clock
    base: str

    def rule(self, fault: str, route: str | None = None, **more: Any) -> None:
        match = {"route": route, **more.pop("match", {})}
        reply = httpx.post(f"{self.base}/sandbox/faults", json=[{"fault": fault, "match": match, **more}])
        assert reply.status_code == 200, reply.text

    def post(self, prompt: str = "p") -> httpx.Response:
        return self.http.post(f"/queue/{T2V}", json={"prompt": prompt})

    def submit(self, prompt: str = "p") -> dict[str, Any]:
        return dict(self.post(prompt).json())

    def accepted(self) -> int:
        return int(self.meter()["jobs_accepted"])

    def meter(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/sandbox/meter").json())

    def ended(self) -> tuple[httpx.Response, httpx.Response]:
        job = self.submit()
        self.clock.advance(60)
        return self.http.get(job["status_url"]), self.http.get(job["response_url"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fal]:
    clock = Clock()
    pace = Pace(queue_seconds=10, render_seconds=40, clip_scale=0.25)
    with running(tmp_path_factory.mktemp("sandbox"), clock=clock, pace=pace) as base:
        key = {"Authorization": "Key sandbox:sandbox"}
        with httpx.Client(base_url=f"{base}/fal", headers=key, timeout=60) as http:
            yield Fal(http, clock, base)


@pytest.fixture
def fal(server: Fal) -> Fal:
    httpx.delete(f"{server.base}/sandbox/faults")
    return server


# --- which calls a rule spoils


def test_without_rules_everything_works(fal: Fal) -> None:
    assert fal.post().status_code == 200


def test_a_rule_fires_as_often_as_it_says(fal: Fal) -> None:
    fal.rule("nginx_502", "submit", times=2)
    assert [fal.post().status_code for _ in range(3)] == [502, 502, 200]


def test_a_rule_may_let_calls_pass_first(fal: Fal) -> None:
    fal.rule("nginx_502", "submit", after=1, times=1)
    assert [fal.post().status_code for _ in range(3)] == [200, 502, 200]


def test_a_rule_is_bound_to_its_route(fal: Fal) -> None:
    fal.rule("nginx_502", "status")
    job = fal.submit()
    assert [fal.http.get(job[url]).status_code for url in ("status_url", "response_url")] == [502, 400]


def test_a_rule_matches_prompts_and_endpoints_as_substrings(fal: Fal) -> None:
    fal.rule("nginx_502", match={"prompt": "STORM", "endpoint": "text-to-video"})
    assert [fal.post(prompt).status_code for prompt in ("Into the storm", "Calm")] == [502, 200]


def test_a_rule_about_a_prompt_follows_the_job(fal: Fal) -> None:
    job = fal.submit("Into the storm")
    fal.rule("nginx_502", "status", match={"prompt": "storm"})
    assert fal.http.get(job["status_url"]).status_code == 502


def test_the_first_rule_that_fires_decides(fal: Fal) -> None:
    fal.rule("nginx_502", "submit", times=1)
    fal.rule("nginx_503", "submit")
    assert [fal.post().status_code for _ in range(2)] == [502, 503]


def test_a_probability_is_drawn_from_the_seed(fal: Fal) -> None:
    draws = []
    for seed in (1, 1, 2):
        httpx.delete(f"{fal.base}/sandbox/faults")
        fal.rule("nginx_502", "submit", probability=0.5, seed=seed)
        draws.append([fal.post().status_code for _ in range(20)])
    assert draws[0] == draws[1] != draws[2]
    assert set(draws[0]) == {200, 502}


def test_the_rules_tell_how_often_they_fired(fal: Fal) -> None:
    fal.rule("nginx_502", "submit", times=1)
    fal.post()
    fal.post()
    (rule,) = httpx.get(f"{fal.base}/sandbox/faults").json()
    assert (rule["seen"], rule["fired"]) == (2, 1)


@pytest.mark.parametrize(
    "rule", [{"fault": "zap"}, {"fault": "truncated", "match": {"route": "submit"}}, {"fault": "slow", "typo": 1}]
)
def test_a_rule_that_makes_no_sense_is_refused(fal: Fal, rule: dict[str, Any]) -> None:
    assert httpx.post(f"{fal.base}/sandbox/faults", json=[rule]).status_code == 422


# --- the network


def test_a_connection_dropped_after_acceptance_leaves_a_job(fal: Fal) -> None:
    fal.rule("drop_after", "submit", times=1)
    before = fal.accepted()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        fal.post()
    assert fal.accepted() == before + 1


def test_a_connection_dropped_before_acceptance_leaves_none(fal: Fal) -> None:
    fal.rule("drop_before", "submit", times=1)
    before = fal.accepted()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        fal.post()
    assert fal.accepted() == before


@pytest.mark.parametrize("route", ["status", "result", "cancel"])
def test_any_call_can_be_dropped(fal: Fal, route: str) -> None:
    job = fal.submit()
    fal.rule("drop_before", route)
    method, url = {"status": ("GET", "status_url"), "result": ("GET", "response_url"), "cancel": ("PUT", "cancel_url")}[
        route
    ]
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        fal.http.request(method, job[url])


def test_a_slow_reply_outlives_the_callers_patience_but_the_job_is_accepted(fal: Fal) -> None:
    fal.rule("slow", "submit", seconds=5, times=1)
    before = fal.accepted()
    with pytest.raises(httpx.ReadTimeout):
        fal.http.post(f"/queue/{T2V}", json={"prompt": "p"}, timeout=httpx.Timeout(60, read=1))
    assert fal.accepted() == before + 1


def test_an_ingress_page_names_nginx_and_no_request_id(fal: Fal) -> None:
    fal.rule("nginx_502", "submit", times=1)
    before = fal.accepted()
    reply = fal.post()
    assert (reply.status_code, "nginx" in reply.text, "x-fal-request-id" in reply.headers) == (502, True, False)
    assert fal.accepted() == before


def test_an_ingress_page_may_hide_an_accepted_job(fal: Fal) -> None:
    fal.rule("nginx_504", "submit", times=1, accept=True)
    before = fal.accepted()
    assert (fal.post().status_code, fal.accepted()) == (504, before + 1)


def test_half_a_json_document(fal: Fal) -> None:
    fal.rule("malformed_json", "submit", times=1)
    reply = fal.post()
    with pytest.raises(ValueError):
        reply.json()


def test_fields_that_nobody_knows(fal: Fal) -> None:
    fal.rule("extra_fields")
    assert "x_new_field" in fal.submit()


def test_a_download_that_ends_half_way(fal: Fal) -> None:
    url = fal.ended()[1].json()["video"]["url"]
    fal.rule("truncated", "download", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url)
    assert httpx.get(url).status_code == 200


def test_an_output_that_is_missing(fal: Fal) -> None:
    url = fal.ended()[1].json()["video"]["url"]
    fal.rule("output_missing", "download", times=1)
    assert [httpx.get(url).status_code for _ in range(2)] == [404, 200]


# --- the gateway


@pytest.mark.parametrize(
    ("rule", "status", "header"),
    [
        ({"fault": "rate_limited"}, 429, {"x-fal-needs-retry": "1"}),
        ({"fault": "rate_limited", "needs_retry": False, "retry_after": 7}, 429, {"retry-after": "7"}),
        ({"fault": "refused_503"}, 503, {"x-fal-error-type": "runner_scheduling_failure"}),
        ({"fault": "locked"}, 403, {}),
        ({"fault": "unauthorized"}, 401, {}),
        ({"fault": "internal_error"}, 500, {}),
        ({"fault": "retired"}, 404, {}),
    ],
)
def test_a_submit_that_is_refused_buys_nothing(
    fal: Fal, rule: dict[str, Any], status: int, header: dict[str, str]
) -> None:
    fal.rule(**rule, route="submit", times=1)
    before = fal.accepted()
    reply = fal.post()
    assert (reply.status_code, {**reply.headers} | header) == (status, {**reply.headers})
    assert fal.accepted() == before


def test_a_rate_limit_need_not_say_whether_to_retry(fal: Fal) -> None:
    fal.rule("rate_limited", "submit", needs_retry=False, times=1)
    assert not {"x-fal-needs-retry", "retry-after"} & set(fal.post().headers)


@pytest.mark.parametrize(
    ("rule", "status", "kind"),
    [
        ({"fault": "infra_error"}, 503, "runner_disconnected"),
        ({"fault": "infra_error", "status": 504}, 504, "generation_timeout"),
        ({"fault": "infra_error", "status": 500, "error_type": "internal_error"}, 500, "internal_error"),
        ({"fault": "start_deadline"}, 504, "request_timeout"),
    ],
)
def test_an_infrastructure_error_is_told_by_status_and_result(
    fal: Fal, rule: dict[str, Any], status: int, kind: str
) -> None:
    fal.rule(**rule, route="submit", times=1)
    told, result = fal.ended()
    assert (told.status_code, told.json()["status"], told.json()["error_type"]) == (200, "COMPLETED", kind)
    assert set(told.json()) >= {"error", "error_type", "metrics", "logs"}
    assert (result.status_code, result.json()["error_type"], result.headers["x-fal-error-type"]) == (status, kind, kind)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ("policy_refusal", 422, "content_policy_violation"),
        ("no_media", 422, "no_media_generated"),
        ("downstream_error", 500, "downstream_service_error"),
    ],
)
def test_a_model_error_hides_behind_a_plain_completed(fal: Fal, fault: str, status: int, kind: str) -> None:
    fal.rule(fault, "submit", times=1)
    told, result = fal.ended()
    assert (told.json()["status"], "error" in told.json()) == ("COMPLETED", False)
    assert (result.status_code, result.json()["detail"][0]["type"]) == (status, kind)


def test_a_policy_refusal_looks_like_the_contracts(fal: Fal) -> None:
    fal.rule("policy_refusal", "submit", times=1)
    assert set(fal.ended()[1].json()["detail"][0]) == {"loc", "msg", "type", "url", "input", "ctx"}


def test_failed_jobs_are_accepted_but_not_billed(fal: Fal) -> None:
    before = fal.meter()
    for fault in ("policy_refusal", "infra_error", "downstream_error"):
        fal.rule(fault, "submit", times=1)
        fal.ended()
    after = fal.meter()
    assert (after["jobs_accepted"] - before["jobs_accepted"], after["usd"] - before["usd"]) == (3, 0)


def test_a_stuck_job_never_completes(fal: Fal) -> None:
    fal.rule("stuck", "submit", times=1)
    job = fal.submit()
    fal.clock.advance(1e6)
    assert fal.http.get(job["status_url"]).json()["status"] == "IN_PROGRESS"


def test_a_slow_render_takes_longer(fal: Fal) -> None:
    fal.rule("slow_render", "submit", seconds=500, times=1)
    job = fal.submit()
    fal.clock.advance(500)
    assert fal.http.get(job["status_url"]).status_code == 202
    fal.clock.advance(60)
    assert fal.http.get(job["status_url"]).status_code == 200


def test_an_unknown_status_word(fal: Fal) -> None:
    fal.rule("unknown_status", "status", times=1)
    job = fal.submit()
    assert [fal.http.get(job["status_url"]).json()["status"] for _ in range(2)] == ["PAUSED", "IN_QUEUE"]


def test_a_status_that_is_not_found_at_first(fal: Fal) -> None:
    fal.rule("not_found", "status", times=1)
    job = fal.submit()
    assert [fal.http.get(job["status_url"]).status_code for _ in range(2)] == [404, 202]


def test_an_expired_result(fal: Fal) -> None:
    fal.rule("expired", "result", times=1)
    assert fal.ended()[1].json() == {"status": "NOT_FOUND"}


def test_a_result_without_thumbnail(fal: Fal) -> None:
    fal.rule("missing_thumbnail", "result", times=1)
    result = fal.ended()[1].json()
    assert (result["thumbnail"], "spritesheet" in result) == (None, False)


def test_a_result_as_short_as_the_official_examples(fal: Fal) -> None:
    fal.rule("minimal_result", "result", times=1)
    result = fal.ended()[1].json()
    assert (set(result), set(result["video"])) == ({"video", "video_id"}, {"url", "content_type"})


def test_a_cancel_that_comes_too_late(fal: Fal) -> None:
    fal.rule("cancel_race", "cancel", times=1)
    job = fal.submit()
    reply = fal.http.put(job["cancel_url"])
    assert (reply.status_code, reply.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert fal.http.get(job["response_url"]).status_code == 200


def test_a_cancel_that_is_ignored(fal: Fal) -> None:
    fal.rule("cancel_ignored", "cancel", times=1)
    job = fal.submit()
    assert fal.http.put(job["cancel_url"]).status_code == 202
    fal.clock.advance(60)
    assert fal.http.get(job["response_url"]).status_code == 200
