"use strict";
const root = document.documentElement;

// ------------------------------------------------------------------------------------------------ light and dark
const theme = document.querySelector("#theme");
const isDark = () => getComputedStyle(root).getPropertyValue("--figure").trim() !== "";
const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
theme.hidden = false;
theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; nameTheme(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
nameTheme();

// --------------------------------------------------------------------------------------------- filters of a table
for (const form of document.querySelectorAll("form.filters")) {
  const rows = [...document.querySelectorAll(`#${form.dataset.rows} tbody tr`)];
  const shown = form.querySelector("output");
  const filter = () => {
    const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [...form.querySelectorAll("select")].filter((select) => select.value);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every((word) => text.includes(word))
        && wanted.every((select) => row.dataset[select.name] === select.value));
    }
    const left = rows.filter((row) => !row.hidden).length;
    shown.textContent = left === rows.length ? `all ${left}` : `${left} of ${rows.length}`;
  };
  const reveal = () => {  // a link to a row leads there, whatever is filtered
    const row = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (rows.includes(row) && row.hidden) { form.reset(); filter(); row.scrollIntoView(); }
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  addEventListener("click", (event) => { if (event.target.closest("a")) setTimeout(reveal); });  // to where one is, too
  filter();
}

// ------------------------------------------------------------------------------------------------ figures, enlarged
const dialog = document.querySelector("dialog");
const stage = dialog.querySelector(".drawn");
let place = null;
const zoom = (factor) => {
  const now = factor ? Math.min(8, Math.max(1, factor * (parseFloat(stage.style.getPropertyValue("--zoom")) || 1))) : 1;
  stage.style.setProperty("--zoom", now);
};
const enlargeable = (part) => { for (const button of part.querySelectorAll("figcaption button")) button.hidden = false; };
enlargeable(document);
document.addEventListener("click", (event) => {
  const button = event.target.closest("figcaption button");
  if (!button) return;
  const svg = button.closest("figure").querySelector("svg");
  place = svg.parentElement;
  place.style.height = `${place.offsetHeight}px`;  // the page stays where it is while the figure is away
  dialog.querySelector("p").textContent = button.dataset.title;
  stage.replaceChildren(svg);
  zoom();
  dialog.showModal();
});
dialog.addEventListener("close", () => { place.replaceChildren(...stage.children); place.style.height = ""; });
dialog.addEventListener("click", (event) => { if (event.target.dataset.zoom) zoom(Number(event.target.dataset.zoom)); });
dialog.addEventListener("keydown", (event) => {
  const factor = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 0 }[event.key];
  if (factor !== undefined) { event.preventDefault(); zoom(factor); }
});

// ------------------------------------------------------------------------------------------------ everything in print
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details:not(.screen)")) part.open = true; });
