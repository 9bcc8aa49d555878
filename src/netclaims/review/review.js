"use strict";
{
  // What an experiment changes lies in the page compressed, and becomes elements when the experiment is opened.
  const unpack = async (script) => {
    const bytes = Uint8Array.from(atob(script.textContent), (sign) => sign.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  const region = (label) => {
    const box = make("div", { tabIndex: 0, className: "drawn" });
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", label);
    return box;
  };

  let started;  // Vega, once anything is to be drawn
  const vega = () => started ??= unpack(document.getElementById("vega")).then((text) => {
    document.head.append(make("script", { textContent: text }));
  });

  const draw = async (box, spec) => {
    try {
      await vega();
      const columns = Object.entries(spec.data.values);
      const count = columns[0]?.[1].length ?? 0;
      spec.data.values = Array.from({ length: count }, (_, i) => Object.fromEntries(columns.map(([key, all]) => [key, all[i]])));
      delete spec.$schema;  // names version 5 of Vega-Lite; later ones read that as well, but warn
      const drawing = box.appendChild(make("div", {}));  // as wide as the plot, unlike its place
      await vegaEmbed(drawing, spec, { actions: false, renderer: "svg" });
      for (const bare of drawing.querySelectorAll("[role]:not([aria-label])")) {  // a role without a label says nothing
        bare.removeAttribute("role");
        bare.removeAttribute("aria-roledescription");
      }
    } catch (error) {
      box.textContent = `Not drawn: ${error.message}`;
    }
  };

  // An image runs no script and loads nothing, whatever the file holds.
  const figure = (name, when, svg) => {
    if (svg === null) return make("p", { className: "quiet" }, when === "before" ? "New." : "Gone.");
    const src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    return make("figure", {}, make("figcaption", {}, when), make("img", { src, alt: `${name}, ${when}` }));
  };

  const metrics = (rows, name) => {
    const body = rows.map(([key, before, after, shift]) => make("tr", {},
      make("th", { scope: "row" }, key), make("td", {}, before ?? "–"), make("td", {}, after ?? "–"),
      make("td", { className: "number" }, shift === null ? "" : `${shift < 0 ? "−" : "+"}${Math.abs(shift).toFixed(1)} sd`)));
    const head = make("tr", {}, ...["metric", "before", "after", "moved by"].map((text) => make("th", { scope: "col" }, text)));
    const box = region(`Metrics of ${name}`);
    box.append(make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
    return make("details", {}, make("summary", {}, `${rows.length} metrics, those first that moved by most`), box);
  };

  const fill = async (part) => {
    const script = part.querySelector(":scope > script");
    if (!script) return;
    script.remove();
    const place = part.querySelector(":scope > div");
    const name = part.querySelector("strong").textContent;
    const found = JSON.parse(await unpack(script));
    for (const [table, spec] of Object.entries(found.plots)) {
      const box = region(`${name}, ${table}`);
      place.append(box);
      await draw(box, spec);
    }
    for (const [title, [before, after]] of Object.entries(found.figures)) {
      const pair = make("div", { className: "pair" });
      pair.append(figure(`${name}/${title}`, "before", before), figure(`${name}/${title}`, "after", after));
      place.append(make("h4", {}, `Figure ${title}`), pair);
    }
    if (found.metrics.length) place.append(metrics(found.metrics, name));
    part.dataset.filled = "";
  };

  for (const part of document.querySelectorAll("details.experiment")) {
    part.addEventListener("toggle", () => { if (part.open) fill(part); });
    if (part.open) fill(part);
  }
  const follow = () => {  // a link to an experiment opens it
    const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (part?.matches("details")) part.open = true;
  };
  addEventListener("hashchange", follow);
  follow();
}
