"""Prefect's database keeps no password and no signature of a storyboard that this process runs; a deployment says so."""

import json

import pytest

from prefect_storyboard.blocks import FalCredentials
from prefect_storyboard.flows import generate_scene, storyboard_series
from prefect_storyboard.flows.plan import planned
from prefect_storyboard.series.pasted import exposed
from prefect_storyboard.storyboards import Source, Storyboard, StoryboardError, parse

SIGNED = "https://pictures.example/dawn.png?X-Amz-Signature=s3cr3t"
LOGIN = "https://me:s3cr3t@pictures.example/mara.mp4"
BOARD = f"""title: T
cast:
  - name: Mara
    clip: {LOGIN}
scenes:
  - id: s01
    prompt: Mara waves.
    image: {SIGNED}
"""
OBJECT, SOURCE = parse(BOARD, "board.yaml")
FORMS = (BOARD, OBJECT, OBJECT.model_dump(exclude_defaults=True), SIGNED, LOGIN)


@pytest.mark.parametrize("given", FORMS, ids=["text", "object", "mapping", "signed", "login"])
@pytest.mark.parametrize("flow", [storyboard_series, generate_scene.with_options(name="mine")])
def test_what_prefect_stores_of_a_run_has_addresses_without_their_secrets(given, flow):
    kept = json.dumps(flow.serialize_parameters({"storyboard": given, "provider": "fal-credentials/main"}))
    assert "s3cr3t" not in kept
    assert "https://pictures.example/" in kept
    assert "fal-credentials/main" in kept


def test_a_run_of_this_process_has_exposed_nothing():
    assert exposed(BOARD, OBJECT, SOURCE).problems == exposed(SIGNED, OBJECT, SOURCE).warnings == ()


@pytest.fixture
def deployed(monkeypatch):
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "nightly")


@pytest.mark.parametrize("given", FORMS[:3], ids=["text", "object", "mapping"])
def test_a_deployment_refuses_a_pasted_password_and_warns_of_a_signature_by_line(deployed, given):
    kept = exposed(given, OBJECT, SOURCE)
    (problem,), (warning,) = map(str, kept.problems), kept.warnings
    assert problem.startswith("board.yaml:4: cast[0].clip: the address holds a password, and Prefect keeps")
    assert "change the password, and put the storyboard into a file or a bucket" in problem
    assert warning.startswith("board.yaml:8: scenes[0].image: the link's query may be a signature, and Prefect keeps")
    assert "s3cr3t" not in problem + warning


def test_a_storyboard_that_is_named_exposes_its_own_address_only(deployed):
    assert exposed("s3://boards/night.yaml", OBJECT, SOURCE) == exposed(BOARD, Storyboard(**_plain()), Source())
    assert len(exposed(LOGIN, OBJECT, SOURCE).problems) == len(exposed(SIGNED, OBJECT, SOURCE).warnings) == 1


def test_a_port_and_an_at_sign_are_no_password(deployed):
    board = Storyboard(**_plain(image="https://host.example:8443/@me/x.png"))
    assert exposed(board, board, Source()).problems == ()


def _plain(**facts):
    return {"title": "T", "scenes": [{"id": "s01", "prompt": "The sea.", **facts}]}


PASTED = """title: T
model: seedance-2
cast: [{name: Mara, clip: clips/mara.mp4}]
scenes: [{id: s01, prompt: Mara waves.}]
"""


@pytest.mark.parametrize(
    "board", [PASTED, PASTED.replace("[{name: Mara, clip: clips/mara.mp4}]", "cast/mara.yaml")], ids=["clip", "cast"]
)
async def test_a_relative_path_in_a_pasted_storyboard_is_told_to_be_a_url(board, tmp_path):
    with pytest.raises(StoryboardError, match=r"storyboard:3: cast.*give a URL \(https://, s3://"):
        await planned(board, FalCredentials.keyless(), str(tmp_path / "library"))


async def test_a_file_that_is_missing_beside_its_storyboard_is_not_told_so(tmp_path):
    (tmp_path / "board.yaml").write_text(PASTED)
    with pytest.raises(StoryboardError) as told:
        await planned(str(tmp_path / "board.yaml"), FalCredentials.keyless(), str(tmp_path / "library"))
    assert "give a URL" not in str(told.value)
