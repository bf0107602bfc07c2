// Where the page is plain files: Python is started before anything else is read, because it takes longest.

try {
  window.glidepathWorker = new Worker("static/worker.js", { type: "module" });
} catch { /* from a file, or in a sandbox: the page says so once it is there */ }
