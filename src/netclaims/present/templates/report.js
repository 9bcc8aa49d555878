
// -------------------------------------------------- what a term means, where one points at it, or comes to it by keyboard
const tip = document.querySelector("#tip");
const explain = (event) => {
  const term = event.target.closest("a.term");
  if (!term) return;
  const { left, bottom } = term.getBoundingClientRect();
  tip.textContent = document.getElementById(term.hash.slice(1)).nextElementSibling.textContent;
  tip.hidden = false;
  tip.style.left = `${scrollX + Math.max(8, Math.min(left, root.clientWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${scrollY + bottom}px`;
  term.setAttribute("aria-describedby", "tip");
};
const hush = (event) => {  // not while one points at the meaning itself
  if (event.target.closest("a.term, #tip") && event.relatedTarget !== tip) tip.hidden = true;
};
for (const event of ["mouseover", "focusin"]) document.addEventListener(event, explain);
for (const event of ["mouseout", "focusout"]) document.addEventListener(event, hush);
addEventListener("keydown", (event) => { if (event.key === "Escape" && tip) tip.hidden = true; });

// ----------------------------------------------------------------------------------- parts that are unpacked when seen
const unpacked = async (place) => {
  if (!place.dataset.packed) return place.ready;
  const bytes = Uint8Array.from(atob(place.dataset.packed), (letter) => letter.charCodeAt(0));
  delete place.dataset.packed;
  place.ready = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text()
    .then((html) => { place.innerHTML = html; enlargeable(place); });
  return place.ready;
};
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); unpacked(entry.target); }
}, { rootMargin: "400px" });
for (const place of document.querySelectorAll("[data-near]")) near.observe(place);
for (const part of document.querySelectorAll(".card details")) {
  part.addEventListener("toggle", () => { for (const place of part.querySelectorAll(".packed")) unpacked(place); });
}

// ---------------------------------------------------------------------------------------- to what a link or address names
const named = (name) => document.getElementById(name) || document.querySelector(`[data-figures~="${CSS.escape(name)}"]`);
const show = async (name) => {
  const found = named(name);
  if (!found) return;
  for (let part = found.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  if (found.matches(".packed")) await unpacked(found);
  if (found.matches("#ledger tbody tr")) found.querySelector("details").open = true;
  if (found.hidden) { ledger.reset(); await new Promise((done) => setTimeout(done)); }
  if (found.classList.contains("later")) { all = true; cut(); }
  (document.getElementById(name) || found).scrollIntoView();
};
const ledger = document.querySelector("form.filters");
const here = () => { if (location.hash) show(decodeURIComponent(location.hash.slice(1))); };
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (!link) return;
  if (link.dataset.figure) { event.preventDefault(); history.pushState(null, "", `#${link.dataset.figure}`); show(link.dataset.figure); return; }
  if (link.dataset.question) { ledger.reset(); setTimeout(() => { ledger.question.value = link.dataset.question; ledger.dispatchEvent(new Event("input")); }); return; }
  setTimeout(here);
});
addEventListener("hashchange", here);

// ------------------------------------------------------------- one stop for a table of marks, and one for the rows' names
const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: 0, End: 0 };
const roving = (group, selector) => {
  const items = () => [...group.querySelectorAll(selector)];
  const seen = () => items().filter((item) => item.checkVisibility());
  const only = (item) => { for (const other of items()) other.tabIndex = other === item ? 0 : -1; };
  const rest = () => { const all = seen(); only(all.find((item) => item.tabIndex === 0) || all[0]); };
  group.addEventListener("keydown", (event) => {
    if (!(event.key in steps && event.target.matches(selector))) return;
    event.preventDefault();
    const all = seen();
    const to = event.key === "Home" ? all[0] : event.key === "End" ? all.at(-1) : all[all.indexOf(event.target) + steps[event.key]];
    if (to) { only(to); to.focus(); }
  });
  group.addEventListener("toggle", rest, true);  // a part that is closed has no stop
  rest();
  return rest;
};
roving(document.querySelector("#map"), "a");
const stop = roving(document.querySelector("#ledger tbody"), "summary");

// ------------------------------------------------------------------------------------ the filter: address, nothing, order
const controls = ["words", "verdict", "basis", "report", "question"];
const nothing = document.querySelector(".nothing");
const body = document.querySelector("#ledger tbody");
const rest = document.querySelector(".rest"), few = 20;
let all = false;
const cut = () => {  // few rows at first, and all that a filter leaves on paper
  const left = [...body.rows].filter((row) => !row.hidden);
  left.forEach((row, place) => row.classList.toggle("later", !all && place >= few));
  rest.hidden = all || left.length <= few;
  rest.firstChild.textContent = `Show ${left.length - few} more`;
  stop();  // where it was, or at the first row that is left
};
rest.firstChild.addEventListener("click", () => { all = true; cut(); });
const note = () => {
  const wanted = new URLSearchParams(controls.filter((name) => ledger[name].value).map((name) => [name, ledger[name].value]));
  history.replaceState(null, "", (wanted.size ? `?${wanted}` : location.pathname) + location.hash);
  nothing.hidden = [...body.rows].some((row) => !row.hidden);
  cut();
};
for (const [name, value] of new URLSearchParams(location.search)) if (controls.includes(name)) ledger[name].value = value;
ledger.dispatchEvent(new Event("input"));
ledger.addEventListener("input", note);
ledger.addEventListener("reset", () => setTimeout(note));
nothing.querySelector("button").addEventListener("click", () => ledger.reset());
note();

const places = new Map([...body.rows].map((row, place) => [row, place]));
const order = [...ledger.verdict.options].map((option) => option.value);
const keys = {
  verdict: (row) => order.indexOf(row.dataset.verdict),
  place: (row) => places.get(row),
  p: (row) => (row.dataset.p === "" ? Infinity : Number(row.dataset.p)),
};
for (const head of document.querySelectorAll("#ledger th[data-sort]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = keys[head.dataset.sort];
    const compare = (one, other) => (key(one) === key(other) ? 0 : key(one) < key(other) ? -1 : 1);
    body.append(...[...places.keys()].sort((one, other) => (down ? -1 : 1) * compare(one, other) || places.get(one) - places.get(other)));
    cut();
  });
}

for (const link of document.querySelectorAll("#ledger .self")) link.tabIndex = -1;
for (const hint of document.querySelectorAll(".keys")) hint.hidden = false;
document.documentElement.style.setProperty("--nav", `${document.querySelector("nav").offsetHeight - 1}px`);
here();
