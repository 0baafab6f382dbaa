import { parameters } from "./png.js";

const $ = (id) => document.getElementById(id);
let running = null; // the AbortController of the picture that is being made
let spacing; // of the picture that was dropped last

function say(text) { $("status").textContent = text; }

function headers(accept) {
  const key = $("key").value;
  return { "Content-Type": "application/json", Accept: accept, ...(key && { Authorization: "Bearer " + key }) };
}

async function options() {
  const answer = await fetch("v1/styles/list", { headers: headers("application/json") });
  if (!answer.ok) return;
  const lists = await answer.json();
  for (const [id, names] of [["style", lists.style_presets], ["sampler", lists.samplers], ["schedule", lists.schedules]]) {
    const select = $(id), chosen = select.value;
    select.replaceChildren(select.options[0], ...names.map((name) => new Option(name, name)));
    select.value = chosen;
  }
}

function request() {
  const number = (id) => ($(id).value === "" ? undefined : Number($(id).value));
  const prompts = [{ text: $("prompt").value }];
  if ($("negative").value) prompts.push({ text: $("negative").value, weight: -1 });
  return {
    text_prompts: prompts, width: number("width"), height: number("height"), steps: number("steps"), cfg_scale: number("cfg"),
    seed: number("seed"), style_preset: $("style").value || undefined, sampler: $("sampler").value || undefined,
    extras: { schedule: $("schedule").value || undefined, spacing },
  };
}

function show(base64) {
  $("picture").src = "data:image/png;base64," + base64;
  $("picture").hidden = false;
}

const handlers = {
  queued(e) { say(e.waiting ? `waiting, ${e.waiting} in the queue` : "starting"); },
  progress(e) {
    $("progress").max = e.steps;
    $("progress").value = e.step;
    say(`step ${e.step} of ${e.steps}`);
    if (e.preview) show(e.preview);
  },
  result(e) {
    const made = e.artifacts[0];
    show(made.base64);
    $("save").href = $("picture").src;
    $("save").hidden = false;
    $("parameters").textContent = JSON.stringify(parameters(Uint8Array.from(atob(made.base64), (c) => c.charCodeAt(0)).buffer), null, 2);
    say([`done, seed ${made.seed}`, ...(e.warnings ?? [])].join("; "));
  },
  error(e) { say(e.message); },
};

async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/s) ?? []; // else a comment, which keeps the connection
      if (name) handlers[name]?.(JSON.parse(data));
    }
  }
}

async function draw(event) {
  event.preventDefault();
  running = new AbortController();
  $("draw").disabled = true;
  $("stop").disabled = false;
  $("save").hidden = true;
  $("progress").value = 0;
  $("parameters").textContent = "";
  try {
    const answer = await fetch("predict?preview=2", {
      method: "POST", headers: headers("text/event-stream"), body: JSON.stringify(request()), signal: running.signal,
    });
    if (answer.ok) await read(answer.body);
    else say((await answer.json()).message);
  } catch (fault) {
    say(fault.name === "AbortError" ? "stopped" : String(fault));
  }
  $("draw").disabled = false;
  $("stop").disabled = true;
}

function fill(p) {
  const texts = p.prompts ?? [{ text: p.prompt, weight: 1 }, { text: p.negative_prompt ?? "", weight: -1 }];
  const side = (sign) => texts.filter((t) => Math.sign(t.weight) === sign).map((t) => t.text).join(", ");
  $("prompt").value = side(1);
  $("negative").value = side(-1);
  $("style").value = ""; // its words are in the prompts
  for (const [id, value] of Object.entries({ width: p.width, height: p.height, steps: p.steps, cfg: p.cfg_scale, seed: p.seed, sampler: p.sampler, schedule: p.schedule })) {
    $(id).value = value;
  }
  spacing = p.spacing;
}

async function drop(event) {
  event.preventDefault();
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  try {
    const p = parameters(await file.arrayBuffer());
    fill(p);
    $("parameters").textContent = JSON.stringify(p, null, 2);
    say(`parameters of ${file.name}`);
  } catch (fault) {
    say(`${file.name}: ${fault.message}`);
  }
}

$("form").addEventListener("submit", draw);
$("stop").addEventListener("click", () => running?.abort());
$("key").addEventListener("change", options);
document.addEventListener("dragover", (e) => { e.preventDefault(); $("easel").classList.add("over"); });
document.addEventListener("dragleave", () => $("easel").classList.remove("over"));
document.addEventListener("drop", (e) => { $("easel").classList.remove("over"); drop(e); });
options();
