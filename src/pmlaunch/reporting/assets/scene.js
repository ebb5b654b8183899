// The 3D scene: a humanoid of capsules, its reference as a ghost, the ground, and a camera that follows. z points up.
"use strict";

/** Makes the scene in `stage`. Throws if the browser has no WebGL. Colours come from the page's style. */
function createScene(stage) {
  const T = THREE;
  const renderer = new T.WebGLRenderer({ antialias: true, powerPreference: "high-performance" });
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = T.PCFShadowMap;
  const canvas = renderer.domElement;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Humanoid in motion");
  stage.prepend(canvas);

  const scene = new T.Scene();
  const camera = new T.PerspectiveCamera(32, 2, 0.05, 120);
  camera.up.set(0, 0, 1);
  const controls = new T.OrbitControls(camera, stage);
  controls.enablePan = false;
  controls.minDistance = 0.8;
  controls.maxDistance = 25;
  controls.maxPolarAngle = 1.55; // stays above the ground
  controls.zoomSpeed = 0.6;

  const sky = new T.HemisphereLight(0xffffff, 0x8d97a3, 1.9);
  sky.position.set(0, 0, 1);
  const sun = new T.DirectionalLight(0xffffff, 2.0);
  sun.castShadow = true;
  sun.shadow.mapSize.set(1024, 1024);
  Object.assign(sun.shadow.camera, { left: -2.6, right: 2.6, top: 2.6, bottom: -2.6, near: 0.5, far: 14 });
  sun.shadow.bias = -0.0008;
  sun.shadow.normalBias = 0.02;
  scene.add(sky, sun, sun.target);
  const ground = new T.Mesh(new T.PlaneGeometry(80, 80), new T.MeshLambertMaterial());
  ground.receiveShadow = true;
  scene.add(ground);
  scene.fog = new T.Fog(0xffffff, 9, 24);
  let grid = null;
  const link = new T.LineSegments(new T.BufferGeometry(), new T.LineBasicMaterial({ depthTest: false, transparent: true }));
  link.geometry.setAttribute("position", new T.Float32BufferAttribute(new Float32Array(6), 3));
  link.frustumCulled = false;
  link.renderOrder = 5;
  scene.add(link);

  const tube = new T.CylinderGeometry(1, 1, 1, 14, 1, true);
  const ball = new T.SphereGeometry(1, 16, 12);
  let colours = {};
  let policy = null;
  let reference = null;
  let height = 1.7;
  const size = { width: 0, height: 0, ratio: Math.min(globalThis.devicePixelRatio || 1, 2) };

  function colour(name) {
    return new T.Color(getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  }

  function setTheme() {
    for (const name of ["policy", "reference", "worst", "sky", "ground", "grid", "ink"]) colours[name] = colour("--" + name);
    scene.background = colours.sky;
    scene.fog.color = colours.sky;
    ground.material.color = colours.ground;
    link.material.color = colours.ink;
    if (grid) scene.remove(grid);
    grid = new T.GridHelper(80, 80, colours.grid, colours.grid);
    grid.rotation.x = Math.PI / 2;
    grid.position.z = 0.002;
    scene.add(grid);
    if (policy) policy.paint(colours.policy, colours.worst);
    if (reference) reference.paint(colours.reference, colours.reference);
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
      this.head = names.findIndex((name) => /^head$/i.test(name));
      if (parents[this.head] === undefined || parents[this.head] < 0) this.head = -1;
      this.meshes = [];
      for (const [geometry, count] of [[tube, Math.max(1, this.bones.length)], [ball, parents.length + (this.head >= 0)]]) {
        const material = new T.MeshLambertMaterial(isGhost ? { transparent: true, opacity: 0.4 } : {});
        const mesh = new T.InstancedMesh(geometry, material, count);
        mesh.frustumCulled = false;
        mesh.castShadow = !isGhost;
        mesh.receiveShadow = !isGhost;
        if (isGhost) mesh.renderOrder = 2;
        this.meshes.push(mesh);
        scene.add(mesh);
      }
      if (isGhost) { // only its nearest surface is blended, so that parts inside each other do not show
        for (const mesh of [...this.meshes]) {
          const depth = new T.InstancedMesh(mesh.geometry, new T.MeshLambertMaterial({ colorWrite: false, transparent: true }), mesh.count);
          depth.instanceMatrix = mesh.instanceMatrix;
          depth.frustumCulled = false;
          depth.renderOrder = 1;
          this.meshes.push(depth);
          scene.add(depth);
        }
      }
      this.worst = -2;
    }

    paint(plain, worst) {
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
        const radius = 0.056 * height;
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
    size.width = width;
    size.height = tall;
    renderer.setPixelRatio(size.ratio);
    renderer.setSize(width, tall, false);
    camera.aspect = width / tall;
    camera.fov = camera.aspect < 1.2 ? 40 : 32;
    camera.updateProjectionMatrix();
  }

  function moveLights() {
    const { x, y } = controls.target;
    sun.position.set(x - 2.2, y - 2.6, 6);
    sun.target.position.set(x, y, 0.6);
    ground.position.set(Math.round(x), Math.round(y), 0);
    grid.position.set(Math.round(x), Math.round(y), 0.002);
  }

  return {
    canvas, controls, setTheme, resize,
    renderer: () => renderer.getContext().getParameter(renderer.getContext().RENDERER),
    /** Shows another motion: a skeleton, its first pose and whether there is a reference. */
    setMotion(skeleton, pose, hasReference) {
      for (const figure of [policy, reference]) if (figure) figure.dispose();
      let [low, high] = [Infinity, -Infinity];
      for (let index = 2; index < 3 * skeleton.parents.length; index += 3) {
        low = Math.min(low, pose[index]);
        high = Math.max(high, pose[index]);
      }
      height = Math.min(Math.max(1.08 * (high - low), 0.4), 3);
      policy = new Figure(skeleton, pose, false);
      reference = hasReference ? new Figure(skeleton, pose, true) : null;
      setTheme();
    },
    /** Poses the figures; `worst` is the body to highlight, or -1. */
    pose(bodies, referenceBodies, worst) {
      policy.place(bodies);
      policy.mark(worst);
      link.visible = false;
      if (!reference || !referenceBodies) return;
      reference.place(referenceBodies);
      if (worst >= 0 && reference.meshes[0].visible) {
        const place = link.geometry.attributes.position;
        for (let axis = 0; axis < 3; axis++) {
          place.array[axis] = bodies[3 * worst + axis];
          place.array[3 + axis] = referenceBodies[3 * worst + axis];
        }
        place.needsUpdate = true;
        link.visible = true;
      }
    },
    showReference(isShown) {
      if (reference) reference.show(isShown);
    },
    /** Looks at (x, y) from the direction (dx, dy). */
    look(x, y, dx, dy) {
      const far = (camera.aspect < 1.2 ? 2.75 : 2.5) * height;
      controls.target.set(x, y, 0.5 * height);
      camera.position.set(x + dx * far, y + dy * far, 0.5 * height + 0.34 * far);
      controls.update();
    },
    follow(x, y) {
      way.set(x, y, controls.target.z).sub(controls.target);
      controls.target.add(way);
      camera.position.add(way);
    },
    render() {
      controls.update();
      moveLights();
      renderer.render(scene, camera);
    },
    /** Draws with fewer pixels if a frame takes too long. */
    relax(milliseconds) {
      if (milliseconds > 30 && size.ratio > 0.5) {
        size.ratio = Math.max(0.5, size.ratio * 0.8);
        resize();
      }
    },
  };
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
