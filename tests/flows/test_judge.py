"""A judge of one's own in a run: asked once for each take, priced in the plan, and named by who may run code."""

import io
import json
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from prefect.context import AsyncClientContext

from prefect_storyboard.flows import plan_storyboard
from prefect_storyboard.jobs.budget import OverBudget
from prefect_storyboard.storyboards import StoryboardError
from tests.flows.gateways import opened

BY_VISION = "prefect_storyboard.examples.judge:by_vision_model"


@pytest.fixture
def fal(engine, tmp_path):
    with opened("fal", "seedance-2", tmp_path) as branch:
        yield branch


class Model:
    """A chat completions API on loopback that refuses what an OpenAI-compatible server would refuse."""

    def __init__(self):
        self.answers, self.prompts, self.pictures = [], [], []

    def reply(self, path, headers, body):
        if path != "/v1/chat/completions" or headers["Authorization"] != "Bearer judge-key":
            return 401, {"error": {"message": "wrong key"}}
        if {*body} != {"model", "messages", "response_format"} or body["response_format"] != {"type": "json_object"}:
            return 400, {"error": {"message": "unknown field"}}
        ((role, content),) = [(each["role"], each["content"]) for each in body["messages"]]
        text, *images = content
        assert (role, text["type"], {each["type"] for each in images}) == ("user", "text", {"image_url"})
        self.prompts.append(text["text"])
        self.pictures.append([self._opened(each["image_url"]["url"]) for each in images])
        said = self.answers.pop(0) if self.answers else {"state": "ok", "reasons": []}
        return 200, {"choices": [{"index": 0, "message": {"role": "assistant", "content": json.dumps(said)}}]}

    @staticmethod
    def _opened(url):
        import base64

        head, _, data = url.partition(",")
        with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as image:
            assert head == f"data:image/{image.format.lower()};base64"
            return image.size


@contextmanager
def listening(model) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = model.reply(self.path, self.headers, body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def model(monkeypatch):
    made = Model()
    with listening(made) as base:
        for name, value in {"BASE_URL": base, "API_KEY": "judge-key", "MODEL": "looker"}.items():
            monkeypatch.setenv(f"JUDGE_{name}", value)
        yield made


async def planned(branch, board, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Artifact creation outside", FutureWarning)
        async with AsyncClientContext.get_or_create():
            return await plan_storyboard.fn(board, branch.credentials(), branch.library, **options)


async def test_a_vision_model_is_asked_once_for_each_take_and_what_it_calls_bad_is_rendered_again(fal, model):
    board = fal.board("Mara waits.", "The sea.")
    board["cast"] = [{"name": "Mara", "images": [fal.picture("mara.png")]}]
    plain = await planned(fal, board)
    plan = await planned(fal, board, judge=BY_VISION)
    assert plan.low_usd == pytest.approx(plain.low_usd + 2 * 0.002)
    model.answers = [{"state": "bad", "reasons": ["Her coat is blue."]}]
    options = {"judge": BY_VISION, "attempts": 2, "on_bad": "reroll"}
    reel, bought = await fal.counted(board, **options)
    assert (bought, len(model.prompts)) == (3, 3)
    assert {len(pictures) for pictures in model.pictures} == {4, 5}, "four frames, and Mara where she is in the scene"
    assert any("Mara waits." in each and "Characters: Mara" in each for each in model.prompts)
    assert sorted(clip.take for clip in reel.clips) == [1, 2]
    assert reel.bought_usd == pytest.approx(3 * plain.scenes[0].usd + 3 * 0.002)
    again, bought = await fal.counted(board, **options)
    assert (bought, again.clips, len(model.prompts)) == (0, reel.clips, 3)


async def test_a_judge_that_answers_nonsense_or_not_at_all_loses_no_clip(fal, model, monkeypatch):
    monkeypatch.setenv("JUDGE_API_KEY", "another")
    reel, bought = await fal.counted(fal.board("The sea."), judge=BY_VISION)
    assert (bought, reel.failed) == (1, ())
    assert reel.clips[0].verdict.reasons[-1] == "The judge could not be asked (HTTPStatusError)."


async def test_looks_count_against_the_budget_and_a_judge_that_is_none_stops_the_run(fal, model):
    board = fal.board("The sea.")
    usd = (await planned(fal, board)).low_usd
    with pytest.raises(OverBudget):
        await fal.counted(board, judge=BY_VISION, max_cost_usd=usd)
    with pytest.raises(ValueError, match="not marked as a judge; nothing was bought"):
        await fal.counted(board, judge="os:system")
    assert fal.meter()["jobs_accepted"] == 0


async def test_a_storyboard_cannot_name_a_judge(fal):
    with pytest.raises(StoryboardError, match="judge"):
        await fal.counted(fal.board("The sea.") | {"judge": BY_VISION})
