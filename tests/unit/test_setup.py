"""The deployments that `storyboard setup` writes are for the accounts that there are."""

import yaml

from prefect_storyboard.deployments.setup import prefect_yaml


def accounts(text: str) -> dict[str, list[str]]:
    """Which accounts each deployment names."""
    parameters = {each["name"]: each["parameters"] for each in yaml.safe_load(text)["deployments"]}
    return {name: given.get("providers") or [given["provider"]] for name, given in parameters.items()}


def test_the_first_account_renders_and_all_are_collected_and_checked() -> None:
    named = accounts(prefect_yaml(["kie-credentials/production", "wavespeed-credentials/production"]))
    both = ["kie-credentials/production", "wavespeed-credentials/production"]
    assert [named.pop(name) for name in ("collect-jobs", "check-models", "doctor")] == [both] * 3
    assert set(map(tuple, named.values())) == {("kie-credentials/production",)}
    assert len(named) == 5


def test_without_an_account_they_name_fals() -> None:
    assert set(map(tuple, accounts(prefect_yaml([])).values())) == {("fal-credentials/production",)}


def test_a_dead_collector_does_not_hold_up_the_next_one() -> None:
    deployed = {each["name"]: each.get("concurrency_limit") for each in yaml.safe_load(prefect_yaml([]))["deployments"]}
    assert deployed["collect-jobs"] == {"limit": 2, "collision_strategy": "CANCEL_NEW"}
    assert deployed["nightly"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
