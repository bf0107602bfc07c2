// Requests. `latest` sends one at a time and forgets all but the newest that waits.

export class Refused extends Error {
  constructor(problems) {
    super(problems.map((problem) => problem.message).join("\n"));
    this.problems = problems;
  }
}

/** The page works wherever it lies: nothing is asked from the root of its host. */
const relative = (path) => path.replace(/^\//, "");

async function answer(response) {
  if (response.ok) return response;
  let problems = [{ path: "", field: "", message: `the server answered ${response.status}` }];
  try {
    const body = await response.json();
    problems = body.problems ?? [{ path: "", field: "", message: String(body.detail ?? response.status) }];
  } catch { /* no JSON: the status must do */ }
  throw new Refused(problems);
}

export async function get(path) {
  return (await answer(await fetch(relative(path)))).json();
}

export async function post(path, body, headers = {}) {
  const response = await fetch(relative(path), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return (await answer(response)).json();
}

export async function file(path, body) {
  const response = await fetch(relative(path), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return (await answer(response)).blob();
}

/** Calls `work` with the newest request only; while one is under way, the newest waits and older ones are dropped. */
export function latest(work) {
  let busy = false;
  let next = null;
  async function run(request) {
    busy = true;
    try {
      await work(request);
    } finally {
      busy = false;
      if (next !== null) {
        const waiting = next;
        next = null;
        run(waiting);
      }
    }
  }
  return (request) => {
    if (busy) next = request;
    else run(request);
  };
}

/** Float64 numbers from base 64. */
export function numbers(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Float64Array(bytes.buffer);
}
