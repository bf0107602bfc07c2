// Keeps the page on this machine after the first visit, so that it opens without a network. Everything belongs to one build.

const CACHE = "glidepath-page-" + "{{key}}";
const FILES = ["{{files}}"];

self.addEventListener("install", (event) => {
  // asks whether each is the newest: what the page has just read is not sent again
  const kept = async () => (await caches.open(CACHE)).addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
  event.waitUntil(kept().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const swept = async () => {
    for (const name of await caches.keys()) if (name.startsWith("glidepath-page-") && name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(swept());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  const found = async () => (await (await caches.open(CACHE)).match(request, { ignoreSearch: true })) ?? fetch(request);
  event.respondWith(found());
});
