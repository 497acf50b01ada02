// Caches the page's files for offline use. The worker ignores requests to other origins.
declare const self: ServiceWorkerGlobalScope;
// `vite.config.ts` replaces both: the files to cache, and a version that changes with any of them.
declare const __FILES__: string[];
declare const __VERSION__: string;

// All pages of an origin share its caches. The path separates deployments on one host.
const PREFIX = `runai-step:${new URL("./", self.location.href).pathname}:`;
const NAME = PREFIX + __VERSION__;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(NAME)
      // Names in `assets/` contain a hash of the content, so the HTTP cache is never outdated. Reload all other files.
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
  // Assets of another version have other names. This cache does not contain them, so they come from the network.
  const cached = await cache.match(request, { ignoreSearch: true });
  if (cached) return cached;
  if (request.mode === "navigate") {
    const page = await cache.match("./");
    if (page) return page;
  }
  return fetch(request);
}

export {};
