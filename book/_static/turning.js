/* Put a scene that can be turned in the place of its still picture, when it comes near the window. Nothing is loaded before. */
(() => {
  const canDraw = () => {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
  };

  const load = (address) => new Promise((done, failed) => {
    if (window.Plotly) return done();
    const script = document.createElement("script");
    script.src = address;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });

  const eyes = { above: { x: 0.01, y: 0, z: 2.1 }, side: { x: 0.2, y: -2.1, z: 0.1 } };

  const turned = (eye, angle) => ({
    x: eye.x * Math.cos(angle) - eye.y * Math.sin(angle),
    y: eye.x * Math.sin(angle) + eye.y * Math.cos(angle),
    z: eye.z,
  });

  const show = async (frame) => {
    if (!canDraw()) return;
    await load(frame.dataset.program);
    const scene = frame.querySelector(".turning-scene");
    const buttons = frame.querySelector(".turning-buttons");
    const figure = JSON.parse(frame.querySelector("script").textContent);
    const still = frame.closest(".cell")?.previousElementSibling?.querySelector("img");
    scene.hidden = buttons.hidden = false;
    let eye = { x: 1.05, y: -1.75, z: 0.8 };
    const look = () => window.Plotly.relayout(scene, { "scene.camera.eye": eye });
    const layout = { ...figure.layout, paper_bgcolor: "#ffffff", font: { color: "#1f2933", size: 11 } };
    layout.scene = { ...layout.scene, camera: { eye } };
    await window.Plotly.newPlot(scene, figure.data, layout, { displaylogo: false, displayModeBar: false, responsive: true });
    still?.classList.add("turning-still");
    scene.on("plotly_relayout", (change) => { eye = change["scene.camera"]?.eye ?? eye; });
    buttons.addEventListener("click", (event) => {
      const way = event.target.dataset.turn;
      if (!way) return;
      eye = eyes[way] ?? turned(eye, way === "left" ? -0.35 : 0.35);
      look();
    });
  };

  const start = () => document.querySelectorAll(".turning").forEach((frame) => {
    const watch = new IntersectionObserver((seen) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      show(frame);
    }, { rootMargin: "400px" });
    watch.observe(frame);
  });

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
