// Runs before the page's scripts and records the times of key presses and of their effects.
(() => {
  /** Times for the last key, in milliseconds since navigation; 0 for events that have not happened yet. */
  const times = { key: 0, seen: 0, done: 0, painted: 0, blocked: 0, ready: 0 };
  globalThis.probe = times;
  addEventListener("keydown", ({ timeStamp }) => Object.assign(times, { key: timeStamp, seen: 0, done: 0, painted: 0, blocked: 0 }), true);
  const isResult = ({ target }) => (target instanceof Element ? target : target.parentElement)?.closest("#request-body, #problems");
  new MutationObserver((records) => {
    const now = performance.now();
    if (times.ready === 0 && /^runai-step \d/u.test(document.querySelector(".foot .end")?.textContent ?? "")) times.ready = now;
    if (records.some(({ target }) => (target instanceof Element ? target : target.parentElement)?.closest(".cm-content"))) times.seen ||= now;
    if (!records.some(isResult)) return;
    times.done = now;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (times.painted = performance.now());
      port2.postMessage(null);
    });
  }).observe(document, { subtree: true, childList: true, characterData: true });
  // Measures how long the page cannot handle a key.
  let before = performance.now();
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const now = performance.now();
    if (times.key !== 0) times.blocked = Math.max(times.blocked, now - Math.max(before, times.key));
    before = now;
    setTimeout(() => port2.postMessage(null), 0);
  };
  port2.postMessage(null);
})();
