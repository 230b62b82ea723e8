"""What a flow of one's own catches and annotates has one public place."""

import importlib
import inspect
import pkgutil

import prefect_storyboard
from prefect_storyboard import errors, tasks
from prefect_storyboard.jobs import PaidJob
from prefect_storyboard.providers.errors import ProviderError
from prefect_storyboard.storyboards import Casting, Clip, Reel


def test_every_error_that_a_task_documents_is_in_errors():
    documented = " ".join(inspect.getdoc(getattr(tasks, name).fn) or "" for name in tasks.__all__)
    named = {name for name in errors.__all__ if name in documented}
    assert {"OverBudget", "MediaError", "SourceError", "GenerationFailed", "OutcomeUnknown", "Busy"} <= named


def test_errors_has_the_whole_tree_of_the_providers():
    def below(kind):
        return {kind, *(each for sub in kind.__subclasses__() for each in below(sub))}

    ours = {kind.__name__ for kind in below(ProviderError) if kind.__module__ == "prefect_storyboard.providers.errors"}
    assert ours <= set(errors.__all__)


def test_every_public_error_of_the_rooms_below_the_tasks_is_in_errors_or_never_leaves():
    """Those that never leave a room are caught there; a new one has to be put somewhere."""
    inner = {
        "TransientError",
        "OverBounds",
        "ForbiddenAddress",
        "UnknownHost",
        "TooLarge",
        "Unreadable",
        "Taken",
        "TimeLimit",
    }
    inner.add("NotOurs")  # only the command sees it
    found = set()
    for module in pkgutil.walk_packages(prefect_storyboard.__path__, "prefect_storyboard."):
        if module.name.split(".")[1] not in {"jobs", "ledger", "media", "providers", "storyboards", "tasks"}:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            own = inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == module.name
            if own and not name.startswith("_"):
                found.add(name)
    assert found - set(errors.__all__) - inner == set()


def test_what_the_tasks_return_can_be_named():
    signatures = {name: inspect.signature(getattr(tasks, name).fn).return_annotation for name in tasks.__all__}
    assert (signatures["generate"], signatures["render"], signatures["store"]) == (PaidJob, Clip, Clip)
    assert (signatures["create_character"], signatures["assemble"]) == (Casting, Reel)
