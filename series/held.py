"""Plans that are saved, kept in the library by their hash, and held to by the run that names them."""

import json

from pydantic import ValidationError

from prefect_storyboard.addresses import all_bare
from prefect_storyboard.ledger import Storage
from prefect_storyboard.storyboards import Plan

_LEAST = 6  # letters of a hash that name a plan


def plan_text(plan: Plan) -> str:
    """A plan as JSON, with its hash and two sums first. Addresses lose their signatures, which are as good as keys."""
    sums = {"pictures": plan.usd_of_pictures, "motion": plan.usd_of_motion}
    whole = {"hash": plan.hash, "usd": sums, **all_bare(plan.model_dump(mode="json"))}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def read_plan(text: str | bytes, name: str) -> Plan:
    """The plan that was saved. Raises ValueError for what is none, and for one that was changed by hand since."""
    try:
        facts = json.loads(text)
        said = facts.pop("hash")
        facts.pop("usd", None)  # what it comes to, for people and programs; its jobs have their prices
        plan = Plan.model_validate(facts)
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        why = "is of another version" if isinstance(error, ValidationError) else "is none"
        raise ValueError(
            f"{name} should be a plan that `storyboard plan --save` wrote, and {why}; nothing was bought; save it again"
        ) from None
    if plan.hash != said:
        raise ValueError(f"{name} was changed after it was saved; nothing was bought; save the plan again")
    return plan


def keep_plan(storage: Storage, plan: Plan) -> None:
    """Keep the plan in the library, for the run that names its hash. Blocks."""
    storage.write(plan_text(plan).encode(), *_place(plan.hash))


def kept_plan(storage: Storage, plan_hash: str) -> Plan:
    """The plan of that hash. Raises ValueError for a hash of which the library has no plan, or several. Blocks."""
    word = plan_hash.strip().lower()
    listed = [] if len(word) < _LEAST else storage.names("plans", prefix=word)
    names = [name for name in listed if name.startswith(word)]
    found = [name for name in names if name.removesuffix(".json") == word] or names
    if len(found) != 1:
        what = "has no plan" if not found else "has several plans"
        raise ValueError(
            f"plan_hash: the library {what} that begins with {plan_hash!r}; nothing was bought; "
            "give the hash that plan-storyboard shows"
        )
    return read_plan(storage.read("plans", found[0]) or b"", f"plan {word[:12]}")


def _place(plan_hash: str) -> tuple[str, ...]:
    return "plans", f"{plan_hash}.json"
