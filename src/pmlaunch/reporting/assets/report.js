// The page's behaviour: theme, table, player, error curve, pose strip, downloads. Texts are set as text, never as HTML.
"use strict";

(function () {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const PAGE = 50; // rows
  const root = document.documentElement;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  function element(name, attributes, ...children) {
    const made = ["svg", "g", "path", "line", "text", "circle", "rect"].includes(name)
      ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const metres = (value) => (value === null || value === undefined ? "–" : Math.abs(value) < 1 ? `${(100 * value).toFixed(1)} cm` : `${value.toFixed(2)} m`);
  const round = (value) => Math.round(10 * value) / 10;

  // ---- what the reader chose, in the address

  const address = new Map(new URLSearchParams(location.hash.slice(1)));

  function remember(key, value) {
    if (value) address.set(key, value);
    else address.delete(key);
    try {
      history.replaceState(null, "", `#${new URLSearchParams([...address])}`);
    } catch { /* in a frame, or too often for the browser: the address stays as it was */ }
  }

  /** Sets an input or a select, which keeps only values that it offers. */
  function setField(id, value) {
    const field = byId(id);
    field.value = field.options && ![...field.options].some((option) => option.value === value) ? field.options[0].value : value;
  }

  // ---- theme

  function theme(name) {
    root.dataset.theme = name;
    byId("theme").textContent = name === "dark" ? "Light" : "Dark";
    byId("theme").setAttribute("aria-label", `Switch to the ${name === "dark" ? "light" : "dark"} theme`);
    if (player) player.repaint();
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  let player = null;
  let isChosen = false;
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", () => {
    isChosen = true;
    theme(root.dataset.theme === "dark" ? "light" : "dark");
  });
  dark.addEventListener("change", () => isChosen || theme(dark.matches ? "dark" : "light"));
  theme(dark.matches ? "dark" : "light");

  // ---- downloads

  function offer(place, label, name, type, content) {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => {
      const address = URL.createObjectURL(new Blob([content()], { type }));
      element("a", { href: address, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    });
    place.append(button);
  }

  for (const place of document.querySelectorAll("[data-downloads]")) {
    for (const [label, name, type, content] of data.downloads[place.dataset.downloads]) {
      offer(place, label, name, type, () => unpack(content));
    }
  }

  // ---- motions: rows of the table, and what is known of their playback

  const rows = data.rows.map(([run, name, success, error, largest, rotation, seconds, track], index) => {
    const facts = track < 0 ? null : data.tracks[track];
    const worst = facts && facts.worst !== null ? data.skeletons[facts.skeleton].names[facts.worst] : null;
    const failed = facts && facts.failure !== null && success !== true ? facts.first + facts.failure / facts.fps : null;
    return { index, run, name, success, error, largest, rotation, seconds, track, worst, failed };
  });
  const loaded = new Map();
  const waiting = new Map();

  globalThis.addMotions = function (motions) {
    for (const [number, motion] of Object.entries(motions)) loaded.set(Number(number), motion);
  };
  addMotions(data.inline);

  /** The packed data of a motion: from the page, or from the file beside it. */
  function load(track) {
    const { file } = data.tracks[track];
    if (loaded.has(track) || !file) return Promise.resolve(loaded.get(track));
    if (!waiting.has(file)) {
      waiting.set(file, new Promise((resolve, reject) => {
        const script = element("script", { src: encodeURIComponent(file) });
        script.addEventListener("load", resolve);
        script.addEventListener("error", () => {
          waiting.delete(file);
          reject(new Error(`The file ${file} must lie beside this page.`));
        });
        document.body.append(script);
      }));
    }
    return waiting.get(file).then(() => loaded.get(track));
  }

  /** Positions (frames, bodies, 3) in m of the policy and of the reference; see `pack` in tracks.py for the format. */
  function decode([head, text], facts) {
    const bytes = unpack(text);
    const { frames, origin, step } = head;
    const bodies = data.skeletons[facts.skeleton].parents.length;
    const parts = facts.reference ? 2 : 1;
    const width = 3 * bodies;
    const places = Array.from({ length: parts }, () => new Float32Array(width * frames));
    eachNumber(bytes, width * parts, frames, (channel, frame, number) => {
      const column = channel % width;
      places[Math.floor(channel / width)][frame * width + column] = origin[column % 3] + step * number;
    });
    return { frames, bodies, policy: places[0], reference: places[1] || null, ...errors(places, frames, bodies) };
  }

  /** Mean error and that of the worst body, in m, of every frame. */
  function errors([policy, reference], frames, bodies) {
    if (!reference) return { mean: null, largest: null, worst: null };
    const mean = new Float32Array(frames), largest = new Float32Array(frames), worst = new Int16Array(frames);
    for (let frame = 0; frame < frames; frame++) {
      for (let body = 0; body < bodies; body++) {
        const at = 3 * (frame * bodies + body);
        const error = Math.hypot(policy[at] - reference[at], policy[at + 1] - reference[at + 1], policy[at + 2] - reference[at + 2]);
        mean[frame] += error / bodies;
        if (error > largest[frame]) [largest[frame], worst[frame]] = [error, body];
      }
    }
    return { mean, largest, worst };
  }

  // ---- table

  const table = byId("table");
  const order = { key: null, sign: 1, page: 0 };
  let chosen = -1;
  let sweep = null;

  function visibleRows() {
    const text = byId("find").value.trim().toLowerCase();
    const wanted = byId("show").value;
    const found = rows.filter((row) => (!wanted || String(row.success) === wanted) && (!text || row.name.toLowerCase().includes(text)) && (!sweep || sweep.accepts(row)));
    const { key, sign } = order;
    if (!key) return found; // the worst first, as the page was made
    const rank = (row) => (key === "run" ? data.runs[row.run] : key === "success" ? { false: 0, null: 1, true: 2 }[row.success] : row[key]);
    return found.sort((one, other) => {
      const [a, b] = [rank(one), rank(other)];
      if (a === null || b === null) return (a === null) - (b === null) || one.index - other.index; // unknown last
      return sign * (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b) || one.index - other.index;
    });
  }

  function cell(row, key) {
    const number = (text) => element("td", { class: "number" }, text);
    switch (key) {
      case "run": return element("td", { class: "run-name" }, data.runs[row.run]);
      case "name": {
        if (row.track < 0) return element("th", { scope: "row" }, row.name);
        const button = element("button", { type: "button", class: "watch", "data-index": row.index }, row.name);
        if (row.index === chosen) button.setAttribute("aria-current", "true");
        return element("th", { scope: "row" }, button);
      }
      case "success": {
        if (row.success === null) return element("td", {}, element("span", { class: "none" }, "–"));
        return element("td", {}, element("span", { class: `tag ${row.success ? "good" : "bad"}` }, row.success ? "tracked" : "lost"));
      }
      case "rotation": return number(row.rotation === null ? "–" : `${row.rotation.toFixed(1)}°`);
      case "seconds": return number(row.seconds === null ? "–" : `${row.seconds.toFixed(1)} s`);
      case "failed": return number(row.failed === null ? "–" : `${row.failed.toFixed(2)} s`);
      case "worst": return element("td", {}, row.worst || "–");
      default: return number(metres(row[key]));
    }
  }

  function drawTable() {
    if (!table) return;
    const found = visibleRows();
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    order.page = Math.min(order.page, pages - 1);
    const keys = [...table.tHead.rows[0].cells].map((head) => head.dataset.key);
    const made = found.slice(order.page * PAGE, (order.page + 1) * PAGE).map((row) => {
      const line = element("tr", row.index === chosen ? { class: "chosen" } : {});
      line.append(...keys.map((key) => cell(row, key)));
      return line;
    });
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.index : undefined;
    table.tBodies[0].replaceChildren(...made);
    if (focused !== undefined) {
      const again = table.querySelector(`button[data-index="${focused}"]`);
      if (again) again.focus();
    }
    byId("count").textContent = (found.length === rows.length ? "" : `${found.length} of `) + `${rows.length} ${sweep ? "cells" : "motions"}`;
    byId("pages").hidden = pages === 1;
    byId("page").textContent = `Page ${order.page + 1} of ${pages}`;
    byId("previous").disabled = order.page === 0;
    byId("next").disabled = order.page === pages - 1;
  }

  /** Sorts by a column, or the worst first without one. */
  function sortBy(head, sign) {
    Object.assign(order, { key: head ? head.dataset.key : null, sign, page: 0 });
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    if (head) head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  }

  function setUpTable() {
    if (!table) return;
    byId("tools").hidden = rows.length < 2;
    for (const head of table.tHead.rows[0].cells) {
      const button = element("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        sortBy(head, order.key === head.dataset.key ? -order.sign : 1);
        remember("sort", (order.sign < 0 ? "-" : "") + order.key);
        drawTable();
      });
    }
    table.tBodies[0].addEventListener("click", (event) => {
      const line = event.target.closest("tr");
      const button = line && line.querySelector("button.watch");
      if (button && player) choose(Number(button.dataset.index), true);
    });
    for (const id of ["find", "show"]) byId(id).addEventListener("input", () => { order.page = 0; remember(id, byId(id).value); drawTable(); });
    byId("previous").addEventListener("click", () => { order.page--; drawTable(); });
    byId("next").addEventListener("click", () => { order.page++; drawTable(); });
    drawTable();
  }

  // ---- player

  function createPlayer(scene) {
    const stage = byId("stage"), scrub = byId("scrub"), speed = byId("speed");
    let motion = null, facts = null, skeleton = null, row = null;
    let shown = []; // one or two of {row, motion, facts, skeleton, pose, ghost}; those above are of the first
    let length = 0; // frames of the longer one, in the first one's frames
    let time = 0; // in frames
    let isPlaying = false, isFollowing = true, hasReference = true, isStale = true;
    let last = 0, slow = 0, drawn = 0, changed = 0, isTurning = false;
    let curve = null, strip = null;
    const statistics = { frames: 0, first: null };

    /** The time in frames of one of those shown. */
    const timeOf = (side) => Math.min(Math.max((facts.first - side.facts.first + time / facts.fps) * side.facts.fps, 0), side.motion.frames - 1);

    function between({ motion }, places, into, time) {
      const width = 3 * motion.bodies;
      const frame = Math.floor(time);
      const next = Math.min(frame + 1, motion.frames - 1);
      const share = time - frame;
      for (let index = 0; index < width; index++) {
        const value = places[frame * width + index];
        into[index] = value + share * (places[next * width + index] - value);
      }
    }

    function show() {
      const frame = Math.min(Math.round(time), length - 1);
      shown.forEach((side, index) => {
        const at = timeOf(side);
        between(side, side.motion.policy, side.pose, at);
        if (side.ghost) between(side, side.motion.reference, side.ghost, at);
        scene.pose(index, side.pose, side.ghost, side.motion.worst ? side.motion.worst[Math.round(at)] : -1);
        if (side.motion.mean) readOut(side, Math.round(at), index || shown.length === 1 ? "readout" : "legend");
      });
      if (isFollowing) scene.follow(shown.map(({ pose }) => pose));
      scene.render();
      const seconds = facts.first + frame / facts.fps;
      scrub.value = frame;
      scrub.setAttribute("aria-valuetext", `${seconds.toFixed(2)} seconds`);
      byId("time").textContent = `${seconds.toFixed(2)} / ${(facts.first + (length - 1) / facts.fps).toFixed(2)} s`;
      if (curve) curve.move(frame);
      if (strip) strip.move(frame);
      isStale = false;
      statistics.frames++;
      if (statistics.first === null) statistics.first = performance.now();
    }

    function readOut({ row, motion, facts, skeleton }, frame, place) {
      const isLost = row.failed !== null && facts.failure !== null && frame >= facts.failure;
      const parts = [element("strong", {}, metres(motion.mean[frame])), "mean error"];
      if (shown.length > 1) parts.unshift(element("span", { class: `side ${place}` }, data.runs[row.run]));
      else parts.push(element("br"), `${skeleton.names[motion.worst[frame]]} ${metres(motion.largest[frame])}`);
      if (isLost) parts.push(element("br"), element("span", { class: "lost" }, "lost"));
      byId(place).replaceChildren(...parts);
    }

    function tick(now) {
      requestAnimationFrame(tick);
      const passed = Math.min(now - last, 250);
      last = now;
      if (!motion) return;
      if (isPlaying) {
        time += (passed / 1000) * facts.fps * Number(speed.value);
        if (time > length - 1) time = length > 1 ? time % (length - 1) : 0;
        isStale = true;
        if (++drawn > 0) slow += passed; // the first frames compile shaders
        if (slow > 400) {
          scene.relax(slow / drawn);
          [slow, drawn] = [0, 0];
        }
      }
      if (isPlaying || isTurning) isStale = scene.still(false) || isStale;
      else if (!isStale && now - changed > 120) isStale = scene.still(true);
      if (isStale) {
        changed = now;
        show();
      }
    }

    function play(whether) {
      isPlaying = whether;
      [slow, drawn] = [0, -3];
      byId("play").classList.toggle("playing", isPlaying);
      byId("play").setAttribute("aria-label", isPlaying ? "Pause" : "Play");
      if (!isPlaying) seek(Math.round(time));
    }

    function seek(frame) {
      time = Math.min(Math.max(frame, 0), length - 1);
      isStale = true;
    }

    function step(count) {
      play(false);
      seek(Math.round(time) + count);
    }

    function resetView() {
      const [dx, dy] = viewOf(motion, skeleton);
      const places = shown.map((side) => side.motion.policy.subarray(3 * side.motion.bodies * Math.round(timeOf(side))));
      scene.look(places, dx, dy);
      isStale = true;
    }

    function toggle(id, isOn) {
      byId(id).setAttribute("aria-pressed", String(isOn));
      isStale = true;
      return isOn;
    }

    function draw() {
      const width = byId("curve-figure").clientWidth || byId("stage").clientWidth;
      curve = motion.mean ? drawCurve(shown, length, width - 30, (frame) => { play(false); seek(frame); }) : null;
      strip = drawStrip(motion, facts, row, skeleton, width - 30, (frame) => { play(false); seek(frame); });
      isStale = true;
    }

    const actions = {
      play: () => play(!isPlaying),
      back: () => step(-1),
      forward: () => step(1),
      ghost: () => { hasReference = toggle("ghost", !hasReference); scene.showReference(hasReference); },
      follow: () => { isFollowing = toggle("follow", !isFollowing); },
      reset: resetView,
      failure: () => { if (row.failed !== null) { play(false); seek(facts.failure); } },
    };
    for (const [id, action] of Object.entries(actions)) byId(id).addEventListener("click", action);
    scrub.addEventListener("input", () => { play(false); seek(Number(scrub.value)); });
    scene.controls.addEventListener("start", () => { isTurning = true; });
    scene.controls.addEventListener("end", () => { isTurning = false; });
    scene.controls.addEventListener("change", () => { isStale = true; });
    const keys = {
      " ": actions.play, k: actions.play, r: actions.ghost, f: actions.follow, 0: actions.reset,
      ArrowLeft: (event) => step(event.shiftKey ? -10 : -1), ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
      Home: () => { play(false); seek(0); }, End: () => { play(false); seek(Infinity); },
      l: actions.failure,
      "+": () => faster(1), "=": () => faster(1), "-": () => faster(-1),
    };
    function faster(by) {
      speed.selectedIndex = Math.min(Math.max(speed.selectedIndex + by, 0), speed.options.length - 1);
    }
    document.addEventListener("keydown", (event) => {
      const where = event.target instanceof Element ? event.target : document.body;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const isTyping = where.closest("input, select, textarea, summary, pre, .scroll") && !(where === scrub && key === " ");
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[key] || !motion || isTyping) return;
      if ((key === " " || key === "Enter") && where.closest("button, a")) return;
      if ((key === "Home" || key === "End") && where !== stage) return; // they scroll the page elsewhere
      event.preventDefault();
      keys[key](event);
    });
    new ResizeObserver(() => {
      scene.resize();
      isStale = true;
      if (motion) draw();
    }).observe(stage);
    requestAnimationFrame(tick);

    return {
      statistics,
      state: () => ({ frame: Math.round(time), isPlaying, name: row && row.name, sides: shown.map((side) => side.row.index), ratio: scene.canvas.width / stage.clientWidth }),
      /** Shows the motions of one or two rows of the table from their beginning, side by side. */
      open(chosen) {
        shown = chosen.map(([row, motion]) => {
          const facts = data.tracks[row.track];
          const [pose, ghost] = [motion.policy, motion.reference].map((places) => places && new Float32Array(3 * motion.bodies));
          return { row, motion, facts, skeleton: data.skeletons[facts.skeleton], pose, ghost };
        });
        [{ row, motion, facts, skeleton }] = shown;
        time = 0;
        length = Math.max(...shown.map((side) => Math.round((side.motion.frames - 1) * facts.fps / side.facts.fps) + 1));
        scene.setMotions(shown.map((side) => ({
          skeleton: side.skeleton, pose: (side.motion.reference || side.motion.policy).subarray(0, 3 * side.motion.bodies), hasReference: Boolean(side.ghost),
        })));
        scene.showReference(hasReference);
        byId("ghost").hidden = !motion.reference;
        byId("failure").hidden = row.failed === null;
        scrub.max = length - 1;
        stage.classList.toggle("pair", shown.length > 1);
        byId("readout").replaceChildren();
        scene.resize();
        resetView();
        describe(row, motion, facts);
        draw();
        play(!isCalm && length > 1);
      },
      repaint() {
        if (motion) scene.setTheme();
        isStale = true;
      },
    };
  }

  /** The direction to look from: the side of a motion that travels, else the front. */
  function viewOf(motion, skeleton) {
    const { policy, reference, frames, bodies } = motion;
    const places = reference || policy;
    const end = 3 * bodies * (frames - 1);
    let [x, y] = [places[end] - places[0], places[end + 1] - places[1]];
    if (Math.hypot(x, y) > 0.5) {
      const far = Math.hypot(x, y);
      [x, y] = [x / far, y / far];
      return turned([y, -x], x, y, 0.62);
    }
    const side = sides(skeleton.names);
    if (!side) return [0.78, -0.62];
    const [left, right] = side.map((body) => [places[3 * body], places[3 * body + 1]]);
    const across = [left[0] - right[0], left[1] - right[1]];
    const far = Math.hypot(...across) || 1;
    return turned([across[1] / far, -across[0] / far], across[0] / far, across[1] / far, 0.5);
  }

  function turned([x, y], dx, dy, by) {
    const [a, b] = [x + by * dx, y + by * dy];
    return [a / Math.hypot(a, b), b / Math.hypot(a, b)];
  }

  function sides(names) {
    const [left, right] = [/^(l_|left)/i, /^(r_|right)/i].map((side) => names.findIndex((name) => side.test(name)));
    return left >= 0 && right >= 0 ? [left, right] : null;
  }

  function describe(row, motion, facts) {
    byId("motion-name").textContent = row.name;
    const says = [];
    if (row.success === true) says.push("Tracked.");
    if (row.success === false) says.push(row.failed === null ? "Lost." : `Lost at ${row.failed.toFixed(2)} s.`);
    if (row.error !== null) says.push(`Mean error ${metres(row.error)}.`);
    if (row.worst) says.push(`Worst body${row.failed === null ? "" : " until then"}: ${row.worst}.`);
    says.push(`${(motion.frames / facts.fps).toFixed(1)} s at ${round(facts.fps)} frames per second.`);
    if (motion.frames < facts.frames) says.push(`The first ${motion.frames} of ${facts.frames} frames.`);
    if (!motion.mean && data.runs.length) says.push("No reference was recorded.");
    byId("motion-says").textContent = says.join(" ");
    const key = (name, text) => element("span", { class: "key" }, element("i", { class: `dot ${name}` }), text);
    const legend = [key("policy", data.runs.length ? "policy" : "motion")];
    if (motion.reference) legend.push(key("reference", "reference"), key("worst", "worst body"));
    byId("legend").replaceChildren(...legend);
    const place = byId("motion-downloads");
    place.replaceChildren();
    const name = row.name.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 80) || "motion";
    offer(place, "Positions (CSV)", `${name}.csv`, "text/csv", () => positionsTable(motion, facts));
    const rig = loaded.get(row.track)[2];
    if (rig) {
      offer(place, "GLB", `${name}.glb`, "model/gltf-binary", () => makeGlb(readRigs(rig), facts.fps, row.name));
      for (const [index, part] of rig[0].parts.entries()) {
        const [label, file] = index ? [`BVH (${part.name})`, `${name}-${part.name}.bvh`] : ["BVH", `${name}.bvh`];
        offer(place, label, file, "text/plain", () => makeBvh(readRigs(rig)[index], facts.fps));
      }
    } else if (row.run >= 0 && !data.sweep) place.append(element("code", {}, `pmlaunch export ${data.runs[row.run]} --to glb`));
  }

  function positionsTable(motion, facts) {
    const { names } = data.skeletons[facts.skeleton];
    const quote = (text) => `"${(/^[=+\-@]/.test(text) ? "'" + text : text).replaceAll('"', '""')}"`;
    const parts = motion.reference ? [["", motion.policy], ["reference ", motion.reference]] : [["", motion.policy]];
    const title = parts.flatMap(([prefix]) => names.flatMap((name) => ["x", "y", "z"].map((axis) => quote(`${prefix}${name} ${axis} [m]`))));
    const lines = [["time [s]", ...title].join(",")];
    const width = 3 * motion.bodies;
    for (let frame = 0; frame < motion.frames; frame++) {
      const values = parts.flatMap(([, places]) => Array.from(places.subarray(frame * width, (frame + 1) * width), (value) => value.toFixed(4)));
      lines.push([(facts.first + frame / facts.fps).toFixed(4), ...values].join(","));
    }
    return "\ufeff" + lines.join("\r\n") + "\r\n";
  }

  // ---- error curve

  function niceStep(most, count) {
    const raw = most / count, power = 10 ** Math.floor(Math.log10(raw));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  }

  function drawCurve([{ motion, facts, row }, second], length, width, seek) {
    const figure = byId("curve-figure"), place = byId("curve");
    figure.hidden = false;
    const [left, right, top, bottom, tall] = [52, 10, 16, 22, 170];
    const duration = Math.max((length - 1) / facts.fps, 1e-6);
    const other = second && second.motion.mean;
    const most = 1.06 * Math.max(0.02, motion.largest.reduce((a, b) => Math.max(a, b), 0), (other || []).reduce((a, b) => Math.max(a, b), 0));
    byId("curve-second").hidden = !other;
    const x = (frame) => left + ((frame / facts.fps) / duration) * (width - left - right);
    const y = (value) => tall - bottom - (value / most) * (tall - top - bottom);
    const svg = element("svg", { viewBox: `0 0 ${width} ${tall}`, height: tall, role: "img" });
    const peak = motion.mean.reduce((best, value, frame) => (value > motion.mean[best] ? frame : best), 0);
    svg.setAttribute("aria-label", `Mean position error over time, at most ${metres(motion.mean[peak])} at ${(facts.first + peak / facts.fps).toFixed(2)} s`
      + (row.failed === null ? "" : `; lost at ${row.failed.toFixed(2)} s`));
    if (row.failed !== null) svg.append(element("rect", { class: "after", x: x(facts.failure), y: top, width: width - right - x(facts.failure), height: tall - top - bottom }));
    const step = niceStep(most, 4);
    for (let value = 0; value <= most; value += step) {
      svg.append(element("line", { class: "axis", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
      svg.append(element("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, most < 1 ? `${+(100 * value).toFixed(1)} cm` : `${+value.toFixed(2)} m`));
    }
    const each = niceStep(duration, width < 500 ? 4 : 10);
    for (let at = Math.ceil(facts.first / each) * each; at <= facts.first + duration + 1e-6; at += each) {
      svg.append(element("text", { x: x((at - facts.first) * facts.fps), y: tall - 4, "text-anchor": "middle" }, `${+at.toFixed(2)} s`));
    }
    const stride = Math.max(1, Math.ceil(motion.frames / (2 * width))); // no more points than can be told apart
    const points = (values) => {
      const parts = [];
      for (let frame = 0; frame < motion.frames; frame += stride) parts.push(`${x(frame).toFixed(1)} ${y(values[frame]).toFixed(1)}`);
      return parts.join("L");
    };
    const mean = points(motion.mean);
    svg.append(element("path", { class: "worst", d: `M${points(motion.largest)}` }));
    svg.append(element("path", { class: "area", d: `M${x(0)} ${y(0)}L${mean}L${x(motion.frames - 1)} ${y(0)}Z` }));
    svg.append(element("path", { class: "mean", d: `M${mean}` }));
    if (other) {
      const at = (frame) => x((second.facts.first - facts.first + frame / second.facts.fps) * facts.fps);
      svg.append(element("path", { class: "mean second", d: `M${Array.from(other, (value, frame) => `${at(frame).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}` }));
    }
    if (data.lostAbove < most) {
      svg.append(element("line", { class: "limit", x1: left, x2: width - right, y1: y(data.lostAbove), y2: y(data.lostAbove) }));
    }
    if (row.failed !== null) {
      const at = x(facts.failure), isLate = at > width - 110;
      svg.append(element("line", { class: "failure", x1: at, x2: at, y1: top - 8, y2: tall - bottom }));
      svg.append(element("text", { class: "lost", x: at + (isLate ? -6 : 6), y: top, "text-anchor": isLate ? "end" : "start" }, `lost at ${row.failed.toFixed(2)} s`));
    }
    const cursor = element("line", { class: "cursor", y1: top - 4, y2: tall - bottom });
    const head = element("circle", { class: "head", r: 5 });
    svg.append(cursor, head);
    const pointed = (event) => {
      const box = svg.getBoundingClientRect();
      const inside = ((event.clientX - box.left) / box.width) * width;
      seek(Math.round(((inside - left) / (width - left - right)) * duration * facts.fps));
    };
    svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); pointed(event); });
    svg.addEventListener("pointermove", (event) => { if (event.buttons) pointed(event); });
    place.replaceChildren(svg);
    return {
      move(frame) {
        const at = x(frame);
        cursor.setAttribute("x1", at);
        cursor.setAttribute("x2", at);
        head.setAttribute("cx", at);
        head.setAttribute("cy", y(motion.mean[Math.min(frame, motion.frames - 1)]));
      },
    };
  }

  // ---- pose strip

  function drawStrip(motion, facts, row, skeleton, width, seek) {
    const figure = byId("strip-figure"), place = byId("strip");
    figure.hidden = false;
    for (const id of ["strip-policy", "strip-reference"]) byId(id).hidden = !motion.reference;
    const count = Math.min(motion.frames, width < 500 ? 5 : 9);
    const [dx, dy] = viewOf(motion, skeleton);
    const tall = width < 500 ? 120 : 170, room = (0.92 * width) / count;
    const base = tall - 24, margin = 0.04 * width;
    let top = 0.5;
    for (let index = 2; index < motion.policy.length; index += 3) top = Math.max(top, Math.min((motion.reference || motion.policy)[index], 3));
    const size = Math.min((base - 12) / top, room / 1.15);
    const bones = skeleton.parents.map((parent, body) => [parent, body]).filter(([parent]) => parent >= 0);
    const svg = element("svg", { viewBox: `0 0 ${width} ${tall}`, height: tall, role: "img", "aria-label": `${count} poses at even intervals` });
    svg.append(element("line", { class: "ground", x1: 0, x2: width, y1: base, y2: base }));
    const poses = [];
    const middleOf = (places, from, axis) => {
      let sum = 0;
      for (let body = 0; body < motion.bodies; body++) sum += places[from + 3 * body + axis];
      return sum / motion.bodies;
    };
    for (let index = 0; index < count; index++) {
      const frame = count > 1 ? Math.round((index / (count - 1)) * (motion.frames - 1)) : 0;
      const isLost = row.failed !== null && frame >= facts.failure;
      const group = element("g", { class: isLost ? "pose lost" : "pose" });
      const middle = margin + room * (index + 0.5), from = 3 * motion.bodies * frame;
      for (const [name, places, thick] of [["reference", motion.reference, 7], ["policy", motion.policy, 3]]) {
        if (!places) continue;
        const point = (body) => { // seen from the player's first view, each pose around its own middle
          const [x, y, z] = [0, 1, 2].map((axis) => places[from + 3 * body + axis] - (axis < 2 ? middleOf(places, from, axis) : 0));
          return `${round(middle + size * (-dy * x + dx * y))} ${round(base - size * z)}`;
        };
        const d = bones.map(([parent, body]) => `M${point(parent)}L${point(body)}`).join("")
          || skeleton.parents.map((_, body) => `M${point(body)}h0.1`).join("");
        group.append(element("path", { class: name, d, "stroke-width": thick }));
      }
      group.append(element("rect", { x: margin + room * index, y: 0, width: room, height: tall, fill: "transparent" }));
      group.append(element("text", { x: middle, y: tall - 5, "text-anchor": "middle" }, `${(facts.first + frame / facts.fps).toFixed(1)} s`));
      group.addEventListener("click", () => seek(frame));
      svg.append(group);
      poses.push([frame, group]);
    }
    place.replaceChildren(svg);
    return {
      move(frame) {
        const nearest = poses.reduce((best, pose) => (Math.abs(pose[0] - frame) < Math.abs(best[0] - frame) ? pose : best));
        for (const pose of poses) pose[1].classList.toggle("now", pose === nearest);
      },
    };
  }

  // ---- start

  function trouble(text) {
    const place = byId("trouble");
    place.textContent = text;
    place.hidden = !text;
  }

  /** Plays a row of the table, beside another one (or -1). */
  function choose(index, isAsked, second = -1) {
    const wanted = second < 0 ? [rows[index]] : [rows[index], rows[second]];
    chosen = index;
    if (isAsked) remember("play", wanted.map((row) => row.index).join("-"));
    drawTable();
    drawPair(index, second);
    trouble("");
    Promise.all(wanted.map((row) => load(row.track))).then((packed) => {
      if (chosen !== index) return;
      player.open(wanted.map((row, side) => [row, decode(packed[side], data.tracks[row.track])]));
      if (isAsked && second < 0) byId("playback").scrollIntoView({ block: "start" });
    }).catch((error) => {
      const first = rows.findIndex((row) => row.track >= 0);
      if (!isAsked && first !== index) choose(first, false); // the address names a motion whose file is missing
      trouble(error.message);
    });
  }

  /** The rows with the same motion, to choose two. */
  function drawPair(index, second) {
    const alike = rows.filter((row) => row.track >= 0 && row.name === rows[index].name);
    byId("pair").hidden = alike.length < 2;
    const options = (chosen, skipped) => alike.filter((row) => row.index !== skipped).map((row) => {
      const option = element("option", { value: row.index }, data.runs[row.run] || row.name);
      option.selected = row.index === chosen;
      return option;
    });
    byId("one").replaceChildren(...options(index, second));
    byId("two").replaceChildren(element("option", { value: -1 }, "none"), ...options(second, index));
  }

  for (const id of ["one", "two"]) {
    byId(id)?.addEventListener("change", () => choose(Number(byId("one").value), true, Number(byId("two").value)));
  }

  /** Takes filters and the motion from the address, as far as this page has them. */
  function restore() {
    for (const id of ["find", "show"]) if (table) setField(id, address.get(id) || "");
    const [key, sign] = [(address.get("sort") || "").replace(/^-/, ""), (address.get("sort") || "").startsWith("-") ? -1 : 1];
    if (table) sortBy([...table.tHead.rows[0].cells].find((head) => head.dataset.key === key), sign);
    if (sweep) sweep.restore();
    order.page = 0;
    drawTable();
    const asked = (address.get("play") || "").split("-").map(Number);
    const [index, second] = asked.map((wanted) => (rows[wanted] && rows[wanted].track >= 0 ? wanted : -1));
    const first = index >= 0 && address.has("play") ? index : rows.findIndex((row) => row.track >= 0);
    if (player && first >= 0) choose(first, false, second === undefined || second === first || rows[second]?.name !== rows[first].name ? -1 : second);
  }

  setUpTable();
  if (data.sweep) sweep = createSweep({ data, rows, element, niceStep, address, remember, setField, redraw: () => { order.page = 0; drawTable(); }, choose: (index) => player && choose(index, true) });
  if (rows.some((row) => row.track >= 0)) {
    byId("player").hidden = false;
    try {
      player = createPlayer(createScene(byId("stage")));
    } catch {
      byId("player").hidden = true;
      trouble("This browser shows no 3D graphics (WebGL is off or missing), so there is no playback. All figures are below.");
    }
  }
  restore();
  addEventListener("hashchange", () => {
    if (!location.hash.includes("=")) return; // a link within the page
    address.clear();
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) address.set(key, value);
    restore();
  });
  globalThis.pmlaunchPlayer = player;
})();
