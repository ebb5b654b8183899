// Files of a motion for other programs: GLB and BVH of its skeletons, y up, in m. See `pack_rig` in rigs.py.
"use strict";

/** Calls put(channel, frame, number) for all 16-bit numbers that `planes` in tracks.py coded. */
function eachNumber(bytes, channels, frames, put) {
  const total = channels * frames;
  for (let channel = 0, at = 0; channel < channels; channel++) {
    let number = 0;
    for (let frame = 0; frame < frames; frame++, at++) {
      number = (number + bytes[at] + 256 * bytes[total + at]) & 65535;
      put(channel, frame, number);
    }
  }
}

/** The skeletons of a motion: places (frames, 3) of the root, turns (frames, bodies, 4) xyzw in the parents' frames. */
function readRigs([head, text]) {
  const { turn, frames } = head;
  const parts = head.parts.map((part) => {
    const bodies = part.parents.length;
    return { ...part, bodies, frames, places: new Float32Array(3 * frames), turns: new Float32Array(4 * bodies * frames) };
  });
  const owners = parts.flatMap((part) => Array.from({ length: 3 * part.bodies + 3 }, (_, channel) => [part, channel]));
  const vectors = new Map(parts.map((part) => [part, new Float32Array(3 * part.bodies * frames)]));
  eachNumber(unpack(text), owners.length, frames, (index, frame, number) => {
    const [part, channel] = owners[index], width = 3 * part.bodies;
    if (channel < width) vectors.get(part)[frame * width + channel] = turn * number - Math.PI;
    else part.places[3 * frame + channel - width] = part.origin[channel - width] + part.move * number;
  });
  for (const part of parts) {
    const from = vectors.get(part), q = part.turns, width = 4 * part.bodies;
    for (let index = 0; index < part.bodies * frames; index++) {
      const [x, y, z] = from.subarray(3 * index, 3 * index + 3), angle = Math.hypot(x, y, z);
      const share = angle > 1e-9 ? Math.sin(angle / 2) / angle : 0.5, at = 4 * index;
      q.set([share * x, share * y, share * z, Math.cos(angle / 2)], at);
      // no jump between a rotation and its negative
      if (at >= width && [0, 1, 2, 3].reduce((sum, i) => sum + q[at + i] * q[at - width + i], 0) < 0) q.set(q.subarray(at, at + 4).map((value) => -value), at);
    }
  }
  return parts;
}

/** BVH: joints turn in the order Z, X, Y, in degrees; only the root has positions. */
function makeBvh(part, fps) {
  const { parents, offsets, bvh, frames, bodies, places, turns } = part;
  const order = [];
  const numbers = (values) => Array.from(values, (value) => (Math.round(1e6 * value) / 1e6 + 0).toFixed(6)).join(" ");
  const joint = (body, indent) => {
    order.push(body);
    const isRoot = parents[body] < 0, inner = indent + "\t", turn = "Zrotation Xrotation Yrotation";
    const below = parents.flatMap((parent, child) => (parent === body ? joint(child, inner) : []));
    const length = Math.hypot(...offsets[body]);
    const end = length > 1e-6 ? offsets[body].map((value) => (0.05 * value) / length) : [0, 0.05, 0];
    if (!below.length) below.push(`${inner}End Site`, `${inner}{`, `${inner}\tOFFSET ${numbers(end)}`, `${inner}}`);
    return [`${indent}${isRoot ? "ROOT" : "JOINT"} ${bvh[body]}`, `${indent}{`, `${inner}OFFSET ${numbers(offsets[body])}`,
      `${inner}CHANNELS ${isRoot ? `6 Xposition Yposition Zposition ${turn}` : `3 ${turn}`}`, ...below, `${indent}}`];
  };
  const lines = ["HIERARCHY", ...joint(0, ""), "MOTION", `Frames: ${frames}`, `Frame Time: ${(1 / fps).toFixed(9)}`];
  const degrees = 180 / Math.PI;
  for (let frame = 0; frame < frames; frame++) {
    const row = [...places.subarray(3 * frame, 3 * frame + 3)];
    for (const body of order) {
      const [x, y, z, w] = turns.subarray(4 * (frame * bodies + body), 4 * (frame * bodies + body) + 4);
      row.push(degrees * Math.atan2(2 * (w * z - x * y), 1 - 2 * (x * x + z * z)),
        degrees * Math.asin(Math.min(Math.max(2 * (w * x + y * z), -1), 1)),
        degrees * Math.atan2(2 * (w * y - x * z), 1 - 2 * (x * x + y * y)));
    }
    lines.push(numbers(row));
  }
  return lines.join("\n") + "\n";
}

/** A diamond from every body to each of its children, in the rest pose: points, the body of each, triangles. */
function diamonds({ parents, offsets }) {
  const rest = [];
  offsets.forEach((offset, body) => rest.push(offset.map((value, axis) => value + (parents[body] < 0 ? 0 : rest[parents[body]][axis]))));
  const points = [], owners = [], triangles = [];
  const faces = [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1], [5, 2, 1], [5, 3, 2], [5, 4, 3], [5, 1, 4]];
  const ends = parents.map((parent, body) => [parent, body]).filter(([parent]) => parent >= 0);
  parents.forEach((_, body) => parents.includes(body) || ends.push([body, -1]));
  for (const [body, end] of ends) {
    const from = new THREE.Vector3(...rest[body]), along = end < 0 ? new THREE.Vector3(0, 0.05, 0) : new THREE.Vector3(...rest[end]).sub(from);
    const thick = Math.min(0.035, 0.15 * along.length());
    const frame = new THREE.Quaternion().setFromUnitVectors(new THREE.Vector3(0, 1, 0), along.lengthSq() > 1e-12 ? along.clone().normalize() : new THREE.Vector3(0, 1, 0));
    const ring = [[1, 1], [-1, 1], [-1, -1], [1, -1]].map(([x, z]) => new THREE.Vector3(thick * x, 0.2 * along.length(), thick * z).applyQuaternion(frame));
    for (const face of faces) triangles.push(...face.map((corner) => points.length + corner));
    points.push(...[new THREE.Vector3(), ...ring, along].map((point) => point.add(from).toArray()));
    owners.push(...Array(6).fill(body));
  }
  return { points, owners, triangles };
}

/** GLB, binary glTF 2.0: skinned skeletons side by side, with every joint's rotation animated. */
function makeGlb(parts, fps, title) {
  const gltf = {
    asset: { version: "2.0", generator: "pmlaunch" }, scene: 0, scenes: [{ nodes: [] }], nodes: [], meshes: [], skins: [], materials: [],
    animations: [{ name: title, samplers: [], channels: [] }], bufferViews: [], accessors: [], buffers: [],
  };
  const pieces = [];
  let size = 0;
  function add(type, array, more = {}, target) {
    const width = { SCALAR: 1, VEC3: 3, VEC4: 4, MAT4: 16 }[type], componentType = { Float32Array: 5126, Uint16Array: 5123 }[array.constructor.name];
    const view = { buffer: 0, byteOffset: size, byteLength: array.byteLength };
    gltf.bufferViews.push(target ? { ...view, target } : view);
    const padded = new Uint8Array(4 * Math.ceil(array.byteLength / 4));
    padded.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    pieces.push(padded);
    size += padded.length;
    gltf.accessors.push({ bufferView: gltf.bufferViews.length - 1, componentType, count: array.length / width, type, ...more });
    return gltf.accessors.length - 1;
  }
  const limits = (array, width, pick) => Array.from({ length: width }, (_, axis) => array.filter((_, index) => index % width === axis).reduce((a, b) => pick(a, b)));
  const bounds = (array, width) => ({ min: limits(array, width, Math.min), max: limits(array, width, Math.max) });
  const times = Float32Array.from({ length: parts[0].frames }, (_, frame) => frame / fps);
  const input = add("SCALAR", times, bounds(times, 1));
  parts.forEach((part, which) => {
    const { name, names, parents, offsets, bodies, frames } = part, { nodes } = gltf, first = nodes.length + 2;
    gltf.scenes[0].nodes.push(nodes.length);
    nodes.push({ name, children: [first - 1, first] }, { name: `${name} mesh`, mesh: which, skin: which });
    const rest = [];
    names.forEach((title, body) => {
      rest.push(offsets[body].map((value, axis) => value + (parents[body] < 0 ? 0 : rest[parents[body]][axis])));
      const children = parents.flatMap((parent, child) => (parent === body ? [first + child] : []));
      nodes.push({ name: title, translation: offsets[body], ...(children.length ? { children } : {}) });
    });
    const bind = Float32Array.from(rest.flatMap(([x, y, z]) => [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -x, -y, -z, 1]));
    gltf.skins.push({ name, inverseBindMatrices: add("MAT4", bind), joints: names.map((_, body) => first + body) });
    const mesh = diamonds(part), points = Float32Array.from(mesh.points.flat());
    const attributes = {
      POSITION: add("VEC3", points, bounds(points, 3), 34962),
      JOINTS_0: add("VEC4", Uint16Array.from(mesh.owners.flatMap((body) => [body, 0, 0, 0])), {}, 34962),
      WEIGHTS_0: add("VEC4", Float32Array.from(mesh.owners.flatMap(() => [1, 0, 0, 0])), {}, 34962),
    };
    gltf.meshes.push({ name, primitives: [{ attributes, indices: add("SCALAR", Uint16Array.from(mesh.triangles), {}, 34963), material: which }] });
    const isGhost = name === "reference";
    const surface = { baseColorFactor: isGhost ? [0.9, 0.62, 0, 0.45] : [0, 0.45, 0.7, 1], metallicFactor: 0, roughnessFactor: 0.7 };
    gltf.materials.push({ name, pbrMetallicRoughness: surface, ...(isGhost ? { alphaMode: "BLEND" } : {}) });
    const { samplers, channels } = gltf.animations[0];
    const animate = (node, path, output) => {
      channels.push({ sampler: samplers.length, target: { node, path } });
      samplers.push({ input, output, interpolation: "LINEAR" });
    };
    animate(first, "translation", add("VEC3", part.places));
    for (let body = 0; body < bodies; body++) {
      animate(first + body, "rotation", add("VEC4", Float32Array.from({ length: 4 * frames }, (_, at) => part.turns[4 * ((at >> 2) * bodies + body) + (at & 3)])));
    }
  });
  gltf.buffers.push({ byteLength: size });
  const text = new TextEncoder().encode(JSON.stringify(gltf));
  const length = 4 * Math.ceil(text.length / 4), whole = new Uint8Array(28 + length + size), view = new DataView(whole.buffer);
  [0x46546c67, 2, whole.length, length, 0x4e4f534a].forEach((word, index) => view.setUint32(4 * index, word, true));
  whole.fill(32, 20, 20 + length).set(text, 20);
  view.setUint32(20 + length, size, true);
  view.setUint32(24 + length, 0x004e4942, true);
  let at = 28 + length;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
