"""What `storyboard setup` and `prefect deploy --all` leave on a server."""

import re

import pytest
from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.utilities.schema_tools.validation import validate

from prefect_storyboard.blocks import FalCredentials, Library, RenderSettings

ZOMBIES = "storyboard: a series whose worker has died is marked crashed"
FIRST = """\
account    fal-credentials/production created
library    storyboard-library/main created
settings   storyboard-render-settings/main created: the defaults; edit them in the UI
limit      storyboard-fal-default created: 40 jobs at once
pool       storyboard created; start a worker: prefect worker start --pool storyboard
automation 'storyboard: a series whose worker has died is marked crashed' created
deployments prefect.yaml created; check it, then: prefect --no-prompt deploy --all
"""
SECOND = """\
account    fal-credentials/production exists
library    storyboard-library/main exists
settings   storyboard-render-settings/main exists
limit      storyboard-fal-default exists: 40 jobs at once
pool       storyboard exists
automation 'storyboard: a series whose worker has died is marked crashed' exists
deployments prefect.yaml exists and was not changed; deploy it: prefect --no-prompt deploy --all
"""


@pytest.fixture
async def deployments(studio):
    async with get_client() as client:
        return {deployment.name: deployment for deployment in await client.read_deployments()}


def test_the_set_up_says_what_it_did_and_changes_nothing_the_second_time(studio):
    assert [re.sub(" +", " ", said) for said in studio.said] == [re.sub(" +", " ", said) for said in (FIRST, SECOND)]


async def test_the_set_up_makes_one_of_each(studio):
    async with get_client() as client:
        limits = await client.read_global_concurrency_limits(limit=10, offset=0)
        pools = await client.read_work_pools()
        blocks = await client.read_block_documents()
        automations = await client.read_automations()
    # Prefect keeps a limit for each deployment that has one; the account's is ours.
    mine = [(limit.name, limit.limit) for limit in limits if not limit.name.startswith("deployment:")]
    assert mine == [("storyboard-fal-default", 40)]
    assert [(pool.name, pool.type) for pool in pools] == [("storyboard", "process")]
    named = [(block.block_type.slug, block.name) for block in blocks if not block.is_anonymous]
    assert sorted(named) == [
        ("fal-credentials", "production"),
        ("storyboard-library", "main"),
        ("storyboard-render-settings", "main"),
    ]
    # The trigger of the deployment `landed` is an automation as well.
    assert sorted(one.name for one in automations) == ["landed__automation_1", ZOMBIES]


async def test_the_set_up_keeps_what_was_set_in_the_ui(studio):
    """A library's storage options are no variable: running the set-up again must not wipe them."""
    library, account = await Library.aload("main"), await FalCredentials.aload("production")
    options = {"key": "minio", "secret": "minio-secret"}
    try:
        await library.model_copy(update={"storage_options": options}).asave("main", overwrite=True)
        await account.model_copy(update={"in_flight": 7, "queue_url": "http://elsewhere"}).asave(
            "production", overwrite=True
        )
        said = studio.setup()
        again, anew = await Library.aload("main"), await FalCredentials.aload("production")
    finally:
        await library.asave("main", overwrite=True)
        await account.asave("production", overwrite=True)
    assert (again.url, again.storage_options.get_secret_value()) == (library.url, options)
    assert (anew.in_flight, anew.queue_url) == (7, account.queue_url)
    assert "fal-credentials/production exists; updated: queue_url" in said
    assert "minio" not in said


async def test_a_worker_that_dies_is_watched_by_the_runs_of_these_deployments(studio, deployments):
    zombies = await Automation.aread(name=ZOMBIES)
    assert zombies.enabled
    assert zombies.trigger.match_related["prefect.resource.id"] == ["prefect.tag.storyboard"]
    assert all("storyboard" in deployment.tags for deployment in deployments.values())


def test_every_deployment_runs_the_installed_package_and_pulls_nothing(studio, deployments):
    assert set(deployments) == {
        "series",
        "nightly",
        "landed",
        "characters",
        "plan",
        "collect-jobs",
        "check-models",
        "doctor",
    }
    for deployment in deployments.values():
        assert deployment.entrypoint.startswith("prefect_storyboard.flows.")
        assert (deployment.pull_steps or [], deployment.work_pool_name) == ([], "storyboard")


def test_every_deployment_says_what_it_is_for_and_its_parameters_fit_the_flow(studio, deployments):
    for deployment in deployments.values():
        assert deployment.description.endswith("."), deployment.name
        assert deployment.tags
        scheduled = deployment.name in {"nightly", "collect-jobs", "check-models", "doctor"}
        assert deployment.enforce_parameter_schema
        schema = deployment.parameter_openapi_schema
        unknown = set(deployment.parameters) - set(schema["properties"])
        assert unknown <= {*RenderSettings.model_fields}, deployment.name
        validate(deployment.parameters, schema, raise_on_error=True, ignore_required=not scheduled)


def test_schedules_name_their_time_zone_and_only_upkeep_begins_by_itself(studio, deployments):
    schedules = {name: each.schedules for name, each in deployments.items() if each.schedules}
    assert {
        name: [(s.schedule.cron, s.schedule.timezone, s.active) for s in found] for name, found in schedules.items()
    } == {
        "nightly": [("0 3 * * *", "Europe/Berlin", False)],
        "collect-jobs": [("*/5 * * * *", "UTC", True)],
        "check-models": [("30 6 * * 1", "Europe/Berlin", True)],
        "doctor": [("0 6 * * *", "Europe/Berlin", True)],
    }
    assert not any(each.paused for each in deployments.values())


def test_nights_run_alone_and_beside_a_dead_collector_another_one_collects(studio, deployments):
    bounded = {name for name, each in deployments.items() if each.concurrency_options}
    assert bounded == {"nightly", "collect-jobs"}
    assert [deployments[name].global_concurrency_limit.limit for name in ("nightly", "collect-jobs")] == [1, 2]
    assert {deployments[name].concurrency_options.collision_strategy.value for name in bounded} == {"CANCEL_NEW"}
