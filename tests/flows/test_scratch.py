import asyncio, time, traceback, shutil
import pytest
from prefect_storyboard.blocks import Library
from prefect_storyboard.flows import SeriesFailed

async def attempt(label, aw):
    t = time.monotonic()
    try:
        r = await aw
        print("OK  ", label, f"{time.monotonic()-t:.1f}s", getattr(r, "url", r), "bought", r.bought, r.warnings[1:])
        return r
    except BaseException as e:
        print("EXC ", label, f"{time.monotonic()-t:.1f}s", type(e).__module__, type(e).__name__, str(e)[:900])
        if not type(e).__module__.startswith("prefect_storyboard"):
            traceback.print_exception(e, limit=-3)
        return e

async def test_moved(studio, tmp_path):
    s = studio
    b = s.board("sea", "Mara swims")
    await attempt("first", s.render(b))
    await attempt("file://", s.render(b, library=f"file://{s.library}"))
    s.fault("output_missing"); s.fault("expired")
    await attempt("file:// after expiry", s.render(b, library=f"file://{s.library}"))
    shutil.move(s.library, str(tmp_path/"elsewhere"))
    await attempt("moved", s.render(b, library=str(tmp_path/"elsewhere")))
    print(s.bought())

async def test_renamed(studio, tmp_path):
    s = studio
    b = s.board("sea", "Mara swims")
    await attempt("first", s.render(b))
    n = len(s.requests())
    await attempt("renamed", s.render({**b, "title": "New"}))
    await attempt("renamed again", s.render({**b, "title": "New"}))
    print("requests", len(s.requests())-n)
    shutil.rmtree(s.library + "/reels/the-lighthouse")
    s.fault("output_missing"); s.fault("expired")
    await attempt("old folder removed", s.render({**b, "title": "New"}))
    print(s.bought())

async def test_takes(studio):
    s = studio
    b = s.board("sea", "Mara swims", "she goes on")
    b["scenes"][2]["continues"] = "s02"
    r = await attempt("first", s.render(b))
    b["scenes"][1]["take"] = 2
    r = await attempt("take 2", s.render(b))
    print([(c.scene, c.take, c.url[-12:]) for c in r.clips], s.bought())
    b["scenes"][1]["take"] = 1
    r = await attempt("back to take 1", s.render(b))
    print([(c.scene, c.take, c.url[-12:]) for c in r.clips], s.bought())
    b["scenes"][1]["id"] = "s02b"; b["scenes"][2]["continues"] = "s02b"
    r = await attempt("renamed parent", s.render(b))
    print([(c.scene, c.take, c.url[-12:]) for c in r.clips], s.bought())
    r = await attempt("twice", s.render(s.board("sea", "sea", "sea")))
    print([(c.scene, c.take, c.url[-12:]) for c in r.clips], s.bought())
    r = await attempt("reordered", s.render({**b, "scenes": b["scenes"][::-1]}))
    print([(c.scene, c.take, c.url[-12:]) for c in r.clips], s.bought())

async def test_gather(studio):
    s = studio
    b = s.board("sea", "Mara swims", "Otto and Mara")
    t = time.monotonic()
    r = await asyncio.gather(*(attempt(n, s.render(b)) for n in range(4)))
    print(s.bought(), s.meter()["duplicates"], [(x.bought, x.cost_usd) for x in r])

async def test_failures(studio):
    s = studio
    b = s.board("sea", "Mara swims naked", "Otto and Mara", "after", "after that")
    b["scenes"][3]["continues"] = "s02"
    b["scenes"][4]["continues"] = "s04"
    s.fault("policy_refusal", match={"prompt": "naked"})
    e = await attempt("policy", s.render(b))
    print(e.reel.failed, [c.scene for c in e.reel.clips], e.reel.url)
    e = await attempt("policy again", s.render(b))
    print(s.bought())
    s.behave()
    b["scenes"][1]["prompt"] = "Mara swims"
    await attempt("mended", s.render(b)); print(s.bought())
    for f in ("infra_error", "downstream_error", "no_media", "stuck"):
        s.behave()
        s.fault(f, match={"prompt": "hopla"})
        e = await attempt(f, s.render(s.board(f"hopla {f}", "sea"), poll_minutes=0.03))
        print(e.reel.failed)
        s.behave()
        e = await attempt(f+" again", s.render(s.board(f"hopla {f}", "sea"), poll_minutes=0.03))
    s.behave()
    s.fault("policy_refusal", match={"endpoint": "characters", "prompt": "Zora"})
    b = s.board("Zora jumps", "Mara jumps"); b["cast"][1]["name"] = "Zora"
    e = await attempt("character refused", s.render(b)); print(e.reel.failed)
    e = await attempt("character refused 2", s.render(b)); print(e.reel.failed)
    s.behave()
    e = await attempt("character refused 3", s.render(b)); print(e.reel.failed)
    e = await attempt("character refused 4", s.render(b, attempts=2))
    b["cast"][0]["name"] = "Mira"; b["scenes"][1]["prompt"] = "Mira x"
    s.fault("no_media", match={"endpoint": "characters", "prompt": "Mira"})
    e = await attempt("character failed", s.render(b)); print(e.reel.failed)

async def test_lost(studio):
    s = studio
    s.fault("drop_after", match={"route": "submit"}, times=3)
    b = s.board("sea", "Mara swims", "Otto and Mara")
    await attempt("lost", s.render(b)); print(s.bought(), s.meter()["duplicates"])
    s.behave()
    s.fault("drop_after", match={"route": "submit"}, times=1)
    s.fault("list_hides_running", match={"route": "platform"})
    e = await attempt("lost 2", s.render(s.board("aha"))); print(s.bought(), s.meter()["duplicates"])
