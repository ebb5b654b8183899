// A sweep on the page: the heat map, the curves over checkpoints, and filters. Texts are set as text, never as HTML.
"use strict";

/** Makes the heat map, the curves and the filters. Returns what the table of cells asks: whether a row is chosen. */
function createSweep({ data, rows, element, niceStep, address, remember, setField, redraw, choose }) {
  const byId = (id) => document.getElementById(id);
  const { axes, rules, motions, conditions, conditionOf } = data.sweep;
  const SHADES = 11; // of the scale
  const COLOURS = ["policy", "worst", "good", "second", "poor", "ink"]; // of the curves
  const NAMES = { success: "Success", error: "Mean error" };
  const filters = new Map(); // axis: its select
  let heat = []; // rows of buttons, for the arrow keys
  let cell = ""; // the chosen one: "CONDITION" or "CONDITION.MOTION"

  const [VALUE, LOW, HIGH, TEXT, INTERVAL, OVER] = [0, 1, 2, 3, 4, 5]; // of a figure
  const ruleOf = (condition) => (condition.rule < 0 ? data.sweep.unknownRule : rules[condition.rule]);
  const distinct = (values) => [...new Set(values)];
  const styled = (made, name, value) => { made.style.setProperty(name, value); return made; };
  const breakable = (text) => text.match(/[^_/\-.]*[_/\-.]?/g).flatMap((part) => [part, element("wbr")]);
  const isShown = (condition) => [...filters].every(([axis, select]) => !select.value || condition.labels[axis] === select.value);

  // ---- filters

  Object.entries(axes).forEach(([axis, values], index) => {
    const select = element("select", { id: `axis-${index}` }, element("option", { value: "" }, "all"), ...values.map((value) => element("option", { value }, value)));
    filters.set(axis, select);
    byId("axes").append(element("label", {}, axis[0].toUpperCase() + axis.slice(1) + " ", select));
    select.addEventListener("change", () => { remember(`axis.${axis}`, select.value); drawAll(); });
  });
  for (const id of ["measure", "columns"]) byId(id).addEventListener("change", () => { remember(id, byId(id).value); drawHeat(); });
  byId("axes").hidden = false;
  byId("all").addEventListener("click", () => { pick(""); redraw(); });

  function pick(wanted) {
    cell = wanted;
    remember("cell", cell);
    byId("all").hidden = !cell;
    for (const button of heat.flat()) if (button) button.setAttribute("aria-pressed", String(button.dataset.cell === cell));
  }

  // ---- heat map

  /** The heat map's cells: {row, column, figures: {success, error}, key, condition}. */
  function cells(isByMotion) {
    return conditions.flatMap((condition, index) => {
      if (!isShown(condition)) return [];
      const { row, column, success, error } = condition;
      if (!isByMotion) return [{ row, column, condition, key: String(index), figures: { success, error } }];
      const title = column === "all motions" ? row : `${row}, ${column}`;
      return Object.entries(condition.byMotion).map(([motion, figures]) => (
        { row: title, column: motions[motion], condition, key: `${index}.${motion}`, figures: { success: figures[0], error: figures[1] } }));
    });
  }

  function sentence({ row, column, condition, figures }) {
    const told = ["success", "error"].filter((name) => figures[name]).map((name) => (
      `${NAMES[name].toLowerCase()} ${figures[name][TEXT]}${figures[name][INTERVAL] ? ` (95 % interval ${figures[name][INTERVAL]})` : ""}`));
    const over = (figures.success || figures.error || [])[OVER];
    const isWhole = figures.success === condition.success;
    const [ofSuccess, ofError] = condition.spread;
    if (isWhole && (ofSuccess || ofError)) told.push(`standard deviation over the seeds ${[ofSuccess, ofError].filter(Boolean).join(" and ")}`);
    if (isWhole && condition.missing) told.push(`${condition.missing} cells missing`);
    return `${row}, ${column}: ${told.join("; ") || "not measured"}${over ? `; ${over}` : ""}. Success: ${ruleOf(condition)}.`;
  }

  function drawHeat() {
    const measure = byId("measure").value;
    const isByMotion = byId("columns").value === "motions";
    const found = cells(isByMotion);
    const columns = distinct(isByMotion ? motions.filter((name) => found.some((each) => each.column === name)) : found.map(({ column }) => column));
    const lines = distinct(found.map(({ row }) => row));
    const most = measure === "success" ? 1 : Math.max(1e-9, ...found.map(({ figures }) => (figures.error ? figures.error[VALUE] : 0)));
    const at = new Map(found.map((each) => [`${each.row}\n${each.column}`, each]));
    heat = [];
    const head = element("tr", { role: "row" }, element("th", { scope: "col", role: "columnheader" }, "Policy"), ...columns.map((column) => element("th", { scope: "col", role: "columnheader" }, ...breakable(column))));
    const body = lines.map((line) => {
      const buttons = columns.map((column) => {
        const each = at.get(`${line}\n${column}`);
        return each ? heatButton(each, measure, most) : null;
      });
      heat.push(buttons);
      return element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }, line),
        ...buttons.map((button) => element("td", { role: "gridcell" }, button || "")));
    });
    byId("heat").replaceChildren(element("thead", { role: "rowgroup" }, head), element("tbody", { role: "rowgroup" }, ...body));
    const first = heat.flat().find((button) => button && (!cell || button.dataset.cell === cell)) || heat.flat().find(Boolean);
    if (first) first.tabIndex = 0;
    const shades = Array.from({ length: SHADES }, (_, shade) => styled(element("i"), "--share", shade / (SHADES - 1)));
    const [best, worst] = measure === "success" ? ["100 %", "0 %"] : ["0 cm", most < 1 ? `${(100 * most).toFixed(1)} cm` : `${most.toFixed(2)} m`];
    byId("scale").replaceChildren(`${NAMES[measure]} ${best} `, ...shades, ` ${worst}`);
    byId("heat-says").textContent = ""; // what a button's own label says to screen readers
    byId("heat-note").textContent = `The worst ${motions.length} of ${data.sweep.motionCount} motions.`;
    byId("heat-note").hidden = !isByMotion || motions.length >= data.sweep.motionCount;
  }

  function heatButton(each, measure, most) {
    const figure = each.figures[measure];
    const button = element("button", { type: "button", class: figure ? "" : "none", tabindex: -1, "data-cell": each.key, "aria-pressed": String(each.key === cell), "aria-label": sentence(each) },
      element("strong", {}, figure ? figure[TEXT] : "–"), element("span", {}, figure ? figure[INTERVAL] : ""));
    if (figure) styled(button, "--share", measure === "success" ? 1 - figure[VALUE] : figure[VALUE] / most);
    button.addEventListener("click", () => {
      pick(each.key === cell ? "" : each.key);
      redraw();
      const worst = cell ? rows.find((row) => row.track >= 0 && accepts(row)) : null;
      if (worst) choose(worst.index);
    });
    for (const event of ["focus", "pointerenter"]) button.addEventListener(event, () => { byId("heat-says").textContent = sentence(each); });
    return button;
  }

  byId("heat").addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity] };
    const line = heat.findIndex((buttons) => buttons.includes(event.target));
    if (!steps[event.key] || line < 0) return;
    event.preventDefault();
    event.stopPropagation(); // the player has the same keys
    const [down, right] = steps[event.key];
    let [row, column] = [line, heat[line].indexOf(event.target)];
    if (!Number.isFinite(right)) column = right < 0 ? heat[row].findIndex(Boolean) : heat[row].lastIndexOf(heat[row].filter(Boolean).pop());
    else do [row, column] = [row + down, column + right]; while (heat[row] && column >= 0 && column < heat[row].length && !heat[row][column]);
    const next = heat[row] && heat[row][column];
    if (!next) return;
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  // ---- curves over checkpoints

  function drawCurves() {
    const known = conditions.filter((each) => isShown(each) && each.step !== null && (each.success || each.error));
    const series = new Map();
    for (const each of known) series.set(each.series, [...(series.get(each.series) || []), each]);
    const lines = [...series].filter(([, own]) => distinct(own.map(({ step }) => step)).length > 1).slice(0, COLOURS.length);
    byId("curves-section").hidden = !lines.length;
    const charts = [];
    for (const rule of distinct(lines.flatMap(([, own]) => own.map(ruleOf)))) { // rates of different definitions share no chart
      const own = lines.map(([name, all]) => [name, all.filter((each) => ruleOf(each) === rule).sort((a, b) => a.step - b.step)]);
      charts.push(chart("success", own, `Success: ${rule}.`), chart("error", own, rules.length > 1 ? `Success: ${rule}.` : "Mean over the motions, lost ones included."));
    }
    byId("curves").replaceChildren(...charts);
  }

  function chart(measure, lines, about) {
    const width = Math.max(280, Math.min(byId("heat-section").clientWidth, 1132) - 30), [left, right, top, bottom, tall] = [56, 14, 12, 24, 210];
    const points = lines.flatMap(([, own]) => own.filter((each) => each[measure]));
    const steps = distinct(points.map(({ step }) => step)).sort((a, b) => a - b);
    const most = measure === "success" ? 1 : 1.05 * Math.max(0.001, ...points.map(({ error }) => error[HIGH] ?? error[VALUE]));
    const x = (step) => left + ((step - steps[0]) / Math.max(steps[steps.length - 1] - steps[0], 1)) * (width - left - right);
    const y = (value) => tall - bottom - (value / most) * (tall - top - bottom);
    const told = lines.map(([name, own]) => `${name}: ${own.filter((each) => each[measure]).map((each) => `${each.step}: ${each[measure][TEXT]}`).join(", ")}`);
    const svg = element("svg", { viewBox: `0 0 ${width} ${tall}`, height: tall, role: "img", "aria-label": `${NAMES[measure]} over steps or epochs. ${told.join("; ")}` });
    const each = niceStep(most, 4);
    for (let value = 0; value <= most + 1e-9; value += each) {
      svg.append(element("line", { class: "axis", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
      svg.append(element("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, measure === "success" ? `${Math.round(100 * value)} %` : most < 1 ? `${+(100 * value).toFixed(1)} cm` : `${+value.toFixed(2)} m`));
    }
    let taken = -Infinity; // labels that would overlap are left out
    for (const step of steps) {
      if (x(step) - taken < 52) continue;
      taken = x(step);
      svg.append(element("text", { x: taken, y: tall - 4, "text-anchor": step === steps[0] ? "start" : step === steps[steps.length - 1] ? "end" : "middle" }, step.toLocaleString("en")));
    }
    lines.forEach(([, own], index) => {
      const coloured = (name, attributes) => styled(element(name, attributes), "--colour", `var(--${COLOURS[index]})`);
      const measured = own.filter((each) => each[measure]), ends = measured.filter((each) => each[measure][LOW] !== null);
      const path = (all, end) => all.map((each) => `${x(each.step).toFixed(1)} ${y(each[measure][end]).toFixed(1)}`).join("L");
      if (ends.length > 1 && lines.length < 3) svg.append(coloured("path", { class: "band", d: `M${path(ends, HIGH)}L${path([...ends].reverse(), LOW)}Z` }));
      if (measured.length) svg.append(coloured("path", { class: "trend", d: `M${path(measured, VALUE)}` }));
      for (const each of ends) {
        const [, low, high] = each[measure].map(y), at = x(each.step) + 3 * (index - (lines.length - 1) / 2); // beside each other
        svg.append(coloured("path", { class: "whisker", d: `M${at} ${low}V${high}M${at - 3} ${low}h6M${at - 3} ${high}h6` }));
      }
      for (const each of measured) {
        const mark = coloured("circle", { class: "mark", cx: x(each.step), cy: y(each[measure][VALUE]), r: 4 });
        const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
        title.textContent = sentence({ ...each, condition: each, figures: each });
        mark.append(title);
        svg.append(mark);
      }
    });
    const keys = lines.map(([name], index) => element("span", { class: "key" }, styled(element("i", { class: "line" }), "--colour", `var(--${COLOURS[index]})`), name));
    return element("figure", { class: "curve training" }, element("figcaption", {}, `${NAMES[measure]} over steps or epochs`, ...keys), svg,
      element("p", { class: "help" }, points.some((each) => each[measure][LOW] !== null) ? `${about} With 95 % intervals.` : about));
  }

  // ---- what is shown

  function accepts(row) {
    const index = conditionOf[row.run];
    const [condition, motion] = cell.split(".");
    return isShown(conditions[index]) && (!cell || (index === Number(condition) && (motion === undefined || row.name === motions[motion])));
  }

  function drawAll() {
    drawHeat();
    drawCurves();
    redraw();
  }

  let width = 0;
  new ResizeObserver(() => {
    if (byId("heat-section").clientWidth !== width) drawCurves();
    width = byId("heat-section").clientWidth;
  }).observe(byId("heat-section"));

  return {
    accepts,
    restore() {
      for (const [axis, select] of filters) setField(select.id, address.get(`axis.${axis}`) || "");
      const columns = distinct(conditions.map(({ column }) => column));
      setField("measure", address.get("measure") || "success");
      setField("columns", address.get("columns") || (columns.length > 1 || motions.length < 2 ? "conditions" : "motions"));
      const [condition, motion] = (address.get("cell") || "").split(".");
      cell = conditions[condition] && (motion === undefined || motions[motion]) ? address.get("cell") : "";
      byId("all").hidden = !cell;
      drawHeat();
      drawCurves();
    },
  };
}
