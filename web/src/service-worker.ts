// Caches the page's files for offline use. It sends no request to other origins.
declare const self: ServiceWorkerGlobalScope;
// The build defines both.
declare const __FILES__: string[];
declare const __VERSION__: string;

const PREFIX = `runai-step:${new URL("./", self.location.href).pathname}:`;
const NAME = PREFIX + __VERSION__;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(NAME)
      // Files with a hash in their names never change; the HTTP cache already has most of them.
      .then((cache) => cache.addAll(__FILES__.map((file) => new Request(file, { cache: file.startsWith("assets/") ? "force-cache" : "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const old = (names: string[]) => names.filter((name) => name.startsWith(PREFIX) && name !== NAME);
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(old(names).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(respond(request));
});

async function respond(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  // Files of a newer version have other names and are not in this cache.
  const cached = await cache.match(request, { ignoreSearch: true });
  if (cached) return cached;
  if (request.mode === "navigate") {
    const page = await cache.match("./");
    if (page) return page;
  }
  return fetch(request);
}

export {};
