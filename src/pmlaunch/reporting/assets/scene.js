// The 3D scene: a humanoid of capsules, its reference as a ghost, the ground, and a camera that follows. z points up.
// Two humanoids that perform one motion are drawn side by side, each in its half of the picture, by the same camera.
"use strict";

const SUN = [-2.2, -2.6, 6]; // where the light comes from

/** Whether WebGL is computed by the processor, which takes fewer pixels and no smooth edges. */
function drawsInSoftware() {
  const context = document.createElement("canvas").getContext("webgl2");
  const names = context && context.getExtension("WEBGL_debug_renderer_info");
  const name = names ? context.getParameter(names.UNMASKED_RENDERER_WEBGL) : "";
  if (context) context.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** Makes the scene in `stage`. Throws if the browser has no WebGL. Colours come from the page's style. */
function createScene(stage) {
  const T = THREE;
  const isSlow = drawsInSoftware();
  const renderer = new T.WebGLRenderer({ antialias: !isSlow, powerPreference: "high-performance" });
  const canvas = renderer.domElement;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Humanoid in motion");
  stage.prepend(canvas);

  const detail = isSlow ? 9 : 20;
  const tube = new T.CylinderGeometry(1, 1, 1, detail, 1, true);
  const ball = new T.SphereGeometry(1, detail, Math.round(0.7 * detail));
  const scene = new T.Scene();
  const camera = new T.PerspectiveCamera(32, 2, 0.05, 120);
  camera.up.set(0, 0, 1);
  const controls = new T.OrbitControls(camera, stage);
  controls.enablePan = false;
  controls.minDistance = 0.8;
  controls.maxDistance = 25;
  controls.maxPolarAngle = 1.55; // stays above the ground
  controls.zoomSpeed = 0.6;
  controls.enableZoom = false; // until the picture is clicked or focused: scrolling past it must scroll the page
  for (const name of ["pointerdown", "focus"]) stage.addEventListener(name, () => { controls.enableZoom = true; });
  stage.addEventListener("blur", () => { controls.enableZoom = false; });
  stage.style.touchAction = "pan-y";

  const sky = new T.HemisphereLight(0xffffff, 0x8d97a3, 1.9);
  sky.position.set(0, 0, 1);
  const sun = new T.DirectionalLight(0xffffff, 2.0);
  sun.position.set(...SUN);
  scene.add(sky, sun);
  scene.fog = new T.Fog(0xffffff, 4, 13);
  const ground = new T.Mesh(ball, new T.MeshBasicMaterial());
  ground.scale.set(30, 30, 1e-4);
  ground.renderOrder = -2;
  const grid = new T.LineSegments(squares(12), new T.LineBasicMaterial());
  grid.renderOrder = -1;
  scene.add(ground, grid);
  const link = new T.LineSegments(new T.BufferGeometry(), new T.LineBasicMaterial({ depthTest: false, transparent: true }));
  link.geometry.setAttribute("position", new T.Float32BufferAttribute(new Float32Array(6), 3));
  link.frustumCulled = false;
  link.renderOrder = 5;
  scene.add(link);

  let colours = {};
  let sides = []; // of one or two humanoids: {policy, reference, bodies, referenceBodies, worst, away}
  let isReferenceShown = true;
  let height = 1.7;
  const sharp = Math.min(Math.max(globalThis.devicePixelRatio || 1, isSlow ? 1.5 : 1), 2);
  let ratio = isSlow ? 0.75 : sharp;
  let isStill = false;

  function colour(name) {
    return new T.Color(getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  }

  function setTheme() {
    for (const name of ["policy", "second", "reference", "worst", "sky", "ground", "shadow", "grid", "ink"]) colours[name] = colour("--" + name);
    scene.background = colours.sky;
    scene.fog.color = colours.sky;
    link.material.color = colours.ink;
    ground.material.color = colours.ground;
    grid.material.color = colours.grid;
    sides.forEach(({ policy, reference }, index) => {
      policy.paint(index ? colours.second : colours.policy, colours.worst, colours.shadow);
      if (reference) reference.paint(colours.reference, colours.reference, colours.shadow);
    });
  }

  /** Capsules for a skeleton: a tube for every bone and a ball for every body. */
  class Figure {
    constructor(skeleton, pose, isGhost) {
      const { parents, names } = skeleton;
      this.bones = parents.map((parent, body) => [parent, body]).filter(([parent, body]) => parent >= 0 && parent !== body);
      this.radii = boneRadii(this.bones, names, pose, height);
      this.balls = new Float32Array(parents.length).fill(this.bones.length ? 0.012 * height : 0.03);
      this.bones.forEach(([parent, body], index) => {
        for (const end of [parent, body]) this.balls[end] = Math.max(this.balls[end], this.radii[index]);
      });
      if (isGhost) { // a little thinner, so that it hides inside a policy that follows it well
        this.radii = this.radii.map((radius) => 0.85 * radius);
        this.balls = this.balls.map((radius) => 0.85 * radius);
      }
      this.size = isGhost ? 0.85 : 1;
      this.head = names.findIndex((name) => /^head$/i.test(name));
      if (parents[this.head] === undefined || parents[this.head] < 0) this.head = -1;
      this.meshes = [];
      for (const [geometry, count] of [[tube, Math.max(1, this.bones.length)], [ball, parents.length + (this.head >= 0)]]) {
        const material = new T.MeshLambertMaterial(isGhost ? { transparent: true, opacity: 0.4 } : {});
        const mesh = new T.InstancedMesh(geometry, material, count);
        mesh.frustumCulled = false;
        if (isGhost) mesh.renderOrder = 2;
        this.meshes.push(mesh);
        scene.add(mesh);
      }
      const [tubes, balls] = this.meshes;
      // of a ghost only the nearest surface is blended, so that parts inside each other do not show
      if (isGhost) for (const mesh of [tubes, balls]) this.twin(mesh, new T.MeshBasicMaterial({ colorWrite: false, transparent: true }), 1);
      else this.shadow = [tubes, balls].map((mesh) => this.twin(mesh, new T.MeshBasicMaterial(), 0));
      for (const mesh of this.shadow || []) {
        mesh.matrixAutoUpdate = false;
        // along the sunlight onto the ground, and there as flat as a sheet
        mesh.matrix.set(1, 0, -SUN[0] / SUN[2], 0, 0, 1, -SUN[1] / SUN[2], 0, 0, 0, 0, 0.006, 0, 0, 0, 1);
      }
      this.worst = -2;
    }

    /** Adds a mesh that shares the places of another. */
    twin(mesh, material, order) {
      const made = new T.InstancedMesh(mesh.geometry, material, mesh.count);
      made.instanceMatrix = mesh.instanceMatrix;
      made.frustumCulled = false;
      made.renderOrder = order;
      this.meshes.push(made);
      scene.add(made);
      return made;
    }

    paint(plain, worst, shadow) {
      for (const mesh of this.shadow || []) mesh.material.color = shadow;
      this.plain = plain;
      this.marked = worst;
      this.worst = -2;
      this.mark(-1);
    }

    mark(body) {
      if (body === this.worst) return;
      this.worst = body;
      const [tubes, balls] = this.meshes;
      this.bones.forEach(([, child], index) => tubes.setColorAt(index, child === body ? this.marked : this.plain));
      if (!this.bones.length) tubes.setColorAt(0, this.plain);
      for (let index = 0; index < balls.count; index++) {
        const owner = index < this.balls.length ? index : this.head;
        balls.setColorAt(index, owner === body ? this.marked : this.plain);
      }
      tubes.instanceColor.needsUpdate = true;
      balls.instanceColor.needsUpdate = true;
    }

    place(pose) {
      const [tubes, balls] = this.meshes;
      this.bones.forEach(([parent, body], index) => {
        start.fromArray(pose, 3 * parent);
        end.fromArray(pose, 3 * body);
        way.subVectors(end, start);
        const length = Math.max(way.length(), 1e-5);
        turn.setFromUnitVectors(upward, way.divideScalar(length));
        matrix.compose(start.lerp(end, 0.5), turn, scale.set(this.radii[index], length, this.radii[index]));
        tubes.setMatrixAt(index, matrix);
      });
      if (!this.bones.length) tubes.setMatrixAt(0, matrix.makeScale(1e-5, 1e-5, 1e-5));
      turn.identity();
      for (let body = 0; body < this.balls.length; body++) {
        const radius = this.balls[body];
        balls.setMatrixAt(body, matrix.compose(end.fromArray(pose, 3 * body), turn, scale.set(radius, radius, radius)));
      }
      if (this.head >= 0) {
        end.fromArray(pose, 3 * this.head);
        const neck = this.bones.find(([, body]) => body === this.head)[0];
        way.copy(end).sub(start.fromArray(pose, 3 * neck)).normalize();
        const radius = 0.056 * height * this.size;
        turn.setFromUnitVectors(upward, way);
        matrix.compose(end.addScaledVector(way, 0.035 * height), turn, scale.set(radius, 1.2 * radius, radius));
        balls.setMatrixAt(this.balls.length, matrix);
      }
      tubes.instanceMatrix.needsUpdate = true;
      balls.instanceMatrix.needsUpdate = true;
    }

    show(isShown) {
      for (const mesh of this.meshes) mesh.visible = isShown;
    }

    dispose() {
      for (const mesh of this.meshes) {
        scene.remove(mesh);
        mesh.material.dispose();
        mesh.dispose();
      }
    }
  }

  const start = new T.Vector3(), end = new T.Vector3(), way = new T.Vector3(), scale = new T.Vector3();
  const turn = new T.Quaternion(), matrix = new T.Matrix4(), upward = new T.Vector3(0, 1, 0);

  function resize() {
    const { clientWidth: width, clientHeight: tall } = stage;
    if (!width || !tall) return;
    renderer.setPixelRatio(isStill ? sharp : ratio);
    renderer.setSize(width, tall, false);
    camera.aspect = width / Math.max(sides.length, 1) / tall;
    camera.fov = camera.aspect < 1.2 ? 40 : 32;
    camera.updateProjectionMatrix();
  }

  /** The line from the worst body to where it should be. */
  function connect({ reference, bodies, referenceBodies, worst }) {
    link.visible = Boolean(reference && referenceBodies && worst >= 0 && isReferenceShown);
    if (!link.visible) return;
    const place = link.geometry.attributes.position;
    for (let axis = 0; axis < 3; axis++) {
      place.array[axis] = bodies[3 * worst + axis];
      place.array[3 + axis] = referenceBodies[3 * worst + axis];
    }
    place.needsUpdate = true;
  }

  /** Notes how far the second humanoid is away from the first, and returns where that is. */
  function keepApart([[x, y], ...others]) {
    others.forEach((other, index) => { sides[index + 1].away = [other[0] - x, other[1] - y]; });
    return [x, y];
  }

  /** Draws one humanoid; the camera stands where it would if it followed that one. */
  function draw(side) {
    for (const each of sides) {
      each.policy.show(each === side);
      if (each.reference) each.reference.show(each === side && isReferenceShown);
    }
    connect(side);
    const [x, y] = [controls.target.x + side.away[0], controls.target.y + side.away[1]];
    ground.position.set(x, y, -0.004);
    grid.position.set(Math.round(x), Math.round(y), 0);
    way.set(...side.away, 0);
    camera.position.add(way);
    renderer.render(scene, camera);
    camera.position.sub(way.set(...side.away, 0));
  }

  return {
    canvas, controls, setTheme, resize,
    /** Shows other motions: one or two of {skeleton, pose, hasReference}, with their first poses. */
    setMotions(motions) {
      for (const side of sides) for (const figure of [side.policy, side.reference]) if (figure) figure.dispose();
      const heights = motions[0].skeleton.parents.map((_, body) => motions[0].pose[3 * body + 2]);
      height = Math.min(Math.max(1.08 * (Math.max(...heights) - Math.min(...heights)), 0.4), 3);
      sides = motions.map(({ skeleton, pose, hasReference }) => ({
        policy: new Figure(skeleton, pose, false), reference: hasReference ? new Figure(skeleton, pose, true) : null, worst: -1, away: [0, 0],
      }));
      setTheme();
    },
    /** Poses a humanoid; `worst` is the body to highlight, or -1. */
    pose(index, bodies, referenceBodies, worst) {
      const side = sides[index];
      side.policy.place(bodies);
      side.policy.mark(worst);
      if (side.reference && referenceBodies) side.reference.place(referenceBodies);
      Object.assign(side, { bodies, referenceBodies, worst });
    },
    showReference(isShown) {
      isReferenceShown = isShown;
    },
    /** Looks at the humanoids, which are at `places`, from the direction (dx, dy). */
    look(places, dx, dy) {
      const far = (camera.aspect < 1.2 ? 2.5 : 2.15) * height;
      const [x, y] = keepApart(places);
      controls.target.set(x, y, (camera.aspect < 1.2 ? 0.58 : 0.52) * height);
      camera.position.set(x + dx * far, y + dy * far, 0.52 * height + 0.25 * far);
      controls.update();
    },
    follow(places) {
      way.set(...keepApart(places), controls.target.z).sub(controls.target);
      controls.target.add(way);
      camera.position.add(way);
    },
    render() {
      controls.update();
      const wide = stage.clientWidth / sides.length;
      renderer.setScissorTest(sides.length > 1);
      sides.forEach((side, index) => {
        renderer.setViewport(index * wide, 0, wide, stage.clientHeight);
        renderer.setScissor(index * wide, 0, wide, stage.clientHeight);
        draw(side);
      });
    },
    /** Draws with all pixels while nothing moves. */
    still(whether) {
      if (isStill === whether) return false;
      isStill = whether;
      if (ratio !== sharp) resize();
      return ratio !== sharp;
    },
    /** Draws moving pictures with fewer pixels if one takes too long. */
    relax(milliseconds) {
      if (milliseconds > 28 && ratio > 0.4) {
        ratio = Math.max(0.4, ratio * (milliseconds > 60 ? 0.5 : 0.75));
        resize();
      }
    },
  };
}

/** The lines of squares of 1 m, `reach` m in each direction; in pieces, since not every driver draws what passes the camera. */
function squares(reach) {
  const places = [];
  for (let at = -reach; at <= reach; at++) {
    for (let from = -reach; from < reach; from += 3) places.push(at, from, 0, at, from + 3, 0, from, at, 0, from + 3, at, 0);
  }
  const made = new THREE.BufferGeometry();
  made.setAttribute("position", new THREE.Float32BufferAttribute(places, 3));
  return made;
}

/** Radii in m of the bones: thick for the trunk, else by their length. */
function boneRadii(bones, names, pose, height) {
  return bones.map(([parent, body]) => {
    const length = Math.hypot(...[0, 1, 2].map((axis) => pose[3 * body + axis] - pose[3 * parent + axis]));
    const isTrunk = /pelvis|torso|spine|chest|waist|abdomen/i;
    if (isTrunk.test(names[parent]) && isTrunk.test(names[body])) return 0.06 * height;
    const relative = length / height;
    return height * Math.min(Math.max(0.16 * relative, 0.016), relative > 0.2 ? 0.038 : 0.03);
  });
}
