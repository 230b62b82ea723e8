"""The tasks and flows for sync code: the same names, arguments and results, called without `await`.

    from prefect_storyboard.sync import generate, poll, store

Each shares the body of the async version, its name in the UI, its options and its cached results. Tasks have `.submit`,
`.map` and `.with_options` like any Prefect task; flows are functions. They work in sync flows with any task runner, in
scripts and in threads. In async code, await the async versions.
"""

from prefect_storyboard import flows, tasks
from prefect_storyboard.tasks._twin import sync_twin

upload = sync_twin(tasks.upload)
create_character = sync_twin(tasks.create_character)
draw = sync_twin(tasks.draw)
generate = sync_twin(tasks.generate)
poll = sync_twin(tasks.poll)
store = sync_twin(tasks.store)
render = sync_twin(tasks.render)
assemble = sync_twin(tasks.assemble)

storyboard_series = sync_twin(flows.storyboard_series)
create_characters = sync_twin(flows.create_characters)
draw_stills = sync_twin(flows.draw_stills)
generate_scene = sync_twin(flows.generate_scene)
plan_storyboard = sync_twin(flows.plan_storyboard)
pick_take = sync_twin(flows.pick_take)
plan_recast = sync_twin(flows.plan_recast)
recast_storyboard = sync_twin(flows.recast_storyboard)
collect_jobs = sync_twin(flows.collect_jobs)

__all__ = [
    "assemble",
    "collect_jobs",
    "create_character",
    "create_characters",
    "draw",
    "draw_stills",
    "generate",
    "generate_scene",
    "pick_take",
    "plan_recast",
    "plan_storyboard",
    "poll",
    "recast_storyboard",
    "render",
    "store",
    "storyboard_series",
    "upload",
]
