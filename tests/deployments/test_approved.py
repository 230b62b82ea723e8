"""A person approves in Prefect's own form, in a real browser, and a worker does it; the meter is the judge.

Pictures go to test-artifacts/.
"""

import os
import signal
from uuid import UUID

import pytest
from selenium.webdriver.common.by import By

from prefect_storyboard.ledger import Ledger, open_storage

from .studio_server import ACCOUNT, StudioServer, until
from .test_ui import Ui, logos, ui  # noqa: F401 - fixtures

DIALOG = "//*[@role='dialog']"
SEND = """
const form = document.querySelector('[role=dialog]');
[...(form?.querySelectorAll('button') ?? [])].find(each => each.innerText === 'Resume' && !each.disabled)?.click();
return !form;
"""


def ledger(studio: StudioServer, title: str) -> Ledger:
    return Ledger(open_storage(studio.library(title)))


async def begun(studio: StudioServer, title: str, board: dict[str, object], **parameters: object) -> UUID:
    """Start a run, and wait until it waits: no process holds anything then."""
    run = await studio.start(title, board, provider=ACCOUNT, **parameters)
    await waits(studio, run)
    return run


async def waits(studio: StudioServer, run: UUID) -> None:
    await studio.reaches(run, "Suspended", seconds=240)

    async def gone() -> bool:
        return not studio.processes(run)

    await until(gone, 60, "the end of the run's process")


def open_form(page: Ui, run: UUID) -> None:
    page.open(f"runs/flow-run/{run}")
    page.click("//button[.//span[.='Open menu']]")
    page.click("//*[@role='menuitem'][.='Resume']")
    page.see(f"{DIALOG}//button[@aria-label='Select Decision']")


def select(page: Ui, label: str, *options: str) -> None:
    """Choose from a list; the list of several stays open, and closes with a second click."""
    button = f"{DIALOG}//button[@aria-label='Select {label}']"
    page.click(button)
    for option in options:
        page.click(f"//*[@role='option'][.='{option}']")
    if page.browser.find_elements(By.XPATH, "//*[@role='option']"):
        page.browser.execute_script("arguments[0].click()", page.see(button))


def write(page: Ui, label: str, text: str) -> None:
    page.see(f"{DIALOG}//label[starts-with(., '{label}')]/following::textarea[1]").send_keys(text)


def send(page: Ui) -> None:
    """Press until the server has taken it, which closes the form: with SQLite under load it asks to try again."""
    page._wait(120).until(lambda browser: browser.execute_script(SEND), "the answer is taken")


def scroll(page: Ui) -> None:
    """Show the end of the form."""
    page.browser.execute_script("document.querySelector('[role=dialog] .overflow-y-auto').scrollTop = 99999")


async def test_what_is_approved_in_the_form_is_bought_and_nothing_else(studio, ui):  # noqa: F811
    title = "Foghorn"
    board = studio.board(title, "the lamp is lit.", "its light goes round.", "a boat turns.")
    board |= {"model": "seedance-2-fast", "aspect": "16:9"}
    run = await begun(studio, title, board, approve="plan", max_cost_usd=5.0)
    assert studio.meter(title)["jobs"] == 0
    open_form(ui, run)
    ui.shoot("approve-plan")
    select(ui, "Decision", "approve")
    select(ui, "Leave out", "s03")
    write(ui, "Your name", "Ada")
    scroll(ui)
    ui.shoot("approve-plan-filled")
    send(ui)
    ended = await studio.reaches(run, "Failed", "Completed", seconds=240)
    assert "s03: left out by Ada (charged: no)" in ended.state.message
    meter = studio.meter(title)
    assert (meter["jobs"], len(meter["billed"]), meter["leaks"]) == (2, 2, 0)
    assert [(each.by, each.max_cost_usd, each.leave_out) for each in ledger(studio, title).approvals("foghorn")] == [
        ("Ada", 5.0, ("s03",))
    ]
    assert ui.complaints() == ""


async def test_takes_are_chosen_and_rendered_again_in_the_form_and_a_kill_after_the_answer_costs_nothing(
    studio,
    ui,  # noqa: F811
):
    title = "Tide table"
    board = studio.board(title, "the water rises.", "it falls.") | {"model": "seedance-2-fast", "aspect": "16:9"}
    board["scenes"][0]["takes"] = 2
    run = await begun(studio, title, board, approve="takes", max_cost_usd=5.0)
    assert studio.meter(title)["jobs"] == 3
    open_form(ui, run)
    ui.shoot("approve-takes")
    shown = ui.read(f"{DIALOG}//button[@aria-label='Select s01: which take']")
    other = "take 1" if shown == "take 2" else "take 2"
    select(ui, "Decision", "approve")
    select(ui, "s01: which take", other)
    select(ui, "Render again", "s02")
    write(ui, "What to change", "By night.")
    write(ui, "Your name", "Ada")
    scroll(ui)
    ui.shoot("approve-takes-filled")
    studio.fault("slow", "By night.", seconds=5)
    send(ui)
    await _killed_while_it_buys(studio, run, title)
    await studio.reaches(run, "Crashed", seconds=120)
    again = await begun(studio, title, board, approve="takes", max_cost_usd=5.0)
    meter = studio.meter(title)
    assert (meter["jobs"], len(meter["billed"])) == (4, 4), "the take that was ordered is found, and nothing is asked"
    choices = ledger(studio, title).choices("tide-table")
    assert [(each.kind, each.scene, each.by) for each in choices][:2] == [
        ("picked", "s01", "Ada"),
        ("asked", "s02", "Ada"),
    ]
    open_form(ui, again)
    assert ui.read(f"{DIALOG}//button[@aria-label='Select s01: which take']") == other
    assert ui.read(f"{DIALOG}//button[@aria-label='Select s02: which take']") == "take 2"
    select(ui, "Decision", "approve")
    write(ui, "Your name", "Ada")
    send(ui)
    await studio.reaches(again, "Completed", seconds=240)
    meter = studio.meter(title)
    assert (meter["jobs"], len(meter["billed"]), meter["leaks"]) == (4, 4, 0)
    assert ui.complaints() == ""


async def _killed_while_it_buys(studio: StudioServer, run: UUID, title: str) -> None:
    """Kill the run's processes when its order has reached the gateway, and before its answer has come."""

    async def ordered() -> bool:
        return len(studio.submits(title)) == 4

    await until(ordered, 120, "the order of the new take")
    for process in studio.processes(run):
        os.kill(process, signal.SIGKILL)


@pytest.fixture(autouse=True)
def _behaved(studio):
    yield
    studio._call("faults", method="DELETE")
