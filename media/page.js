const reel = document.getElementById("reel");
const strip = document.querySelector(".chapters");
const chapters = [...document.querySelectorAll(".chapters a")];

// Only one video plays at a time. Play events do not bubble, so they are captured.
document.addEventListener("play", (event) => {
  for (const video of document.querySelectorAll("video")) if (video !== event.target) video.pause();
}, true);

function follow() {
  const now = reel.currentTime;
  for (const chapter of chapters) {
    const [start, end] = [Number(chapter.dataset.start), Number(chapter.dataset.end)];
    const last = chapter === chapters.at(-1);
    const current = now >= start && (now < end || last);
    chapter.style.setProperty("--done", current ? Math.min(1, (now - start) / (end - start)) : 0);
    if (current && !chapter.ariaCurrent) reveal(chapter);
    chapter.ariaCurrent = current ? "true" : null;
  }
}

// Not scrollIntoView(), which would scroll the page while somebody reads further down.
function reveal(chapter) {
  const [it, frame] = [chapter.getBoundingClientRect(), strip.getBoundingClientRect()];
  strip.scrollBy((it.left + it.right - frame.left - frame.right) / 2, (it.top + it.bottom - frame.top - frame.bottom) / 2);
}

function jump(event) {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  // One frame later, because a scene at 4.000 s in our sum may begin at 4.004 s in the file.
  reel.currentTime = Number(event.currentTarget.dataset.start) + 0.04;
  reel.play().catch(() => {}); // the browser may require its own play button; the seek is kept
}

for (const type of ["timeupdate", "seeking"]) reel?.addEventListener(type, follow);
for (const chapter of chapters) chapter.addEventListener("click", jump);

const entries = [...document.querySelectorAll(".entry")];
const filter = document.querySelector(".filter");
const served = document.querySelector("meta[name=pick]")?.content;
const shown = () => entries.filter((entry) => !entry.hidden);

function sift() {
  const [state, who] = [filter.elements.state.value, filter.elements.who?.value];
  for (const entry of entries) {
    const states = entry.dataset.states.split(" ");
    entry.hidden = (state && !states.includes(state)) || (who && !JSON.parse(entry.dataset.who).includes(who));
  }
  const found = shown().length;
  filter.querySelector("output").value = found === entries.length ? "" : `${found} of ${entries.length}`;
}

let timer;
function say(text, lasting = false) {
  const line = document.getElementById("said");
  line.textContent = text;
  line.hidden = false;
  clearTimeout(timer);
  if (!lasting) timer = setTimeout(() => { line.hidden = true; }, 8000);
}

async function pick(entry, take) {
  const { scene, provider } = entry.dataset;
  if (!entry.querySelector(`.takes [data-take="${take}"]`)) return;
  const command = `storyboard pick BOARD ${scene} ${take} --provider ${provider}`;
  if (!served) {
    // A page from disk may have no access to the clipboard: then the command is shown, to be copied by hand.
    const copied = await navigator.clipboard?.writeText(command).then(() => true, () => false);
    say(copied ? `copied: ${command}` : command);
    return;
  }
  say(`picking take ${take} of ${scene}, and assembling the reel again …`, true);
  const reply = await fetch(served, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ scene, take: Number(take) }),
  }).catch(() => null);
  if (reply?.ok) {
    sessionStorage.setItem("picked", JSON.stringify([scene, await reply.text()]));
    location.reload();
  } else say(reply ? await reply.text() : "the page is no longer served; run storyboard page again");
}

// After a pick the page is reloaded; the keyboard focus stays on the same scene.
function resume() {
  const [scene, text] = JSON.parse(sessionStorage.getItem("picked"));
  sessionStorage.removeItem("picked");
  entries.find((entry) => entry.dataset.scene === scene)?.focus();
  say(text);
}
if (served && sessionStorage.getItem("picked")) resume();

function walk(by) {
  const visible = shown();
  const now = visible.indexOf(document.activeElement.closest(".entry"));
  visible[Math.max(0, Math.min(visible.length - 1, now + by))]?.focus();
}

// To compare takes, the next one is played from the moment at which this one is.
function compare(entry, by) {
  const takes = [...entry.querySelectorAll(".takes video")];
  if (!takes.length) return;
  const now = takes.findIndex((video) => !video.paused);
  const next = takes[(now + by + takes.length) % takes.length];
  if (now >= 0) next.currentTime = takes[now].currentTime;
  next.play().catch(() => {});
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input, button, video, a")) return;
  const entry = event.target.closest(".entry");
  const video = entry?.querySelector("video");
  const act = {
    ArrowDown: () => walk(1),
    ArrowUp: () => walk(-1),
    ArrowRight: entry && (() => compare(entry, 1)),
    ArrowLeft: entry && (() => compare(entry, -1)),
    " ": (video ?? reel) && (() => { const it = video ?? reel; it.paused ? it.play().catch(() => {}) : it.pause(); }),
  }[event.key] ?? (entry && /^[1-9]$/.test(event.key) ? () => pick(entry, event.key) : null);
  if (!act) return;
  event.preventDefault();
  act();
});

filter?.addEventListener("change", sift);
filter?.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll(".pick")) {
  button.addEventListener("click", () => pick(button.closest(".entry"), button.closest("[data-take]").dataset.take));
}

// A reel may have a thousand takes: the metadata of one is loaded only when it comes near the screen.
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    target.preload = "metadata";
    near.unobserve(target);
  }
}, { rootMargin: "50%" });
for (const video of document.querySelectorAll(".takes video")) near.observe(video);
