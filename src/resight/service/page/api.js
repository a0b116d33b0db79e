// The one way to the server: /api/v1, errors as Problem, CSRF token and idempotency keys included.

const ROOT = "/api/v1";
let csrf = null;

/** What the server refused, or that it could not be reached (status 0). `message` can be shown. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.body = body;
  }
}

/** Address of something under the API; parameters that are null or undefined are left out. */
export function address(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `${ROOT}${path}${given.length ? `?${query}` : ""}`;
}

/** A key that the server has not seen: a write that is sent twice counts once. */
function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function problemOf(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    // An error page of something between us and the server: the status has to do.
  }
  return new Problem(response.status, body ?? {});
}

function headersFor(method, etag) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") {
    if (csrf) headers["X-CSRF-Token"] = csrf;
    if (method === "POST") headers["Idempotency-Key"] = freshKey();
    if (etag) headers["If-Match"] = `"${etag}"`;
  }
  return headers;
}

async function send(method, path, { parameters, body, etag, signal } = {}) {
  const headers = headersFor(method, etag);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address(path, parameters), {
      method, headers, signal, credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The server does not answer. Is `resight serve` still running?" });
  }
  if (!response.ok) {
    if (response.status === 401 && path !== "/session") window.dispatchEvent(new Event("resight-login"));
    throw await problemOf(response);
  }
  return response.status === 204 ? null : response.json();
}

export const get = (path, parameters, signal) => send("GET", path, { parameters, signal });
export const post = (path, body = {}, etag = null) => send("POST", path, { body, etag });
export const patch = (path, body, etag) => send("PATCH", path, { body, etag });
export const put = (path, body, etag) => send("PUT", path, { body, etag });
export const remove = (path) => send("DELETE", path);

/** All items of a list, page after page, up to `most`. */
export async function list(path, parameters = {}, most = 2000) {
  const items = [];
  let cursor = null;
  do {
    const page = await get(path, { limit: Math.min(200, most), ...parameters, cursor });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return items;
}

/** Who is logged in. Keeps the token that writes need. */
export async function session() {
  const found = await get("/session");
  csrf = found.csrf;
  return found;
}

export async function login(name, password) {
  await send("POST", "/session", { body: { name, password } });
  return session();
}

export async function logout() {
  await remove("/session");
  csrf = null;
}

/**
 * Send one file; `told(share)` hears how much is sent, in [0, 1].
 * XMLHttpRequest, since fetch cannot say how far an upload is.
 */
export function upload(file, fields, told, signal, path = "/photos") {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path));
    for (const [name, value] of Object.entries(headersFor("POST"))) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && told(event.loaded / event.total));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response);
      else reject(new Problem(request.status, request.response ?? {}));
    });
    request.addEventListener("error", () => reject(new Problem(0, { detail: "The connection broke off." })));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** Address of a photo at least `width` pixels wide, and of an animal cut out of its photo. */
export const picture = (sha256, width) => address(`/photos/${sha256}/picture`, { width });
export const chip = (annotation, size) => address(`/annotations/${encodeURIComponent(annotation)}/chip`, { size });

const LOOK = 600; // ms between two looks at a job

/**
 * The job, once it has ended; `told(job)` hears how far it is. Null where nobody waits for it any
 * more (`left()`): it goes on, and Jobs shows it.
 */
export async function ended(id, told, left) {
  for (;;) {
    try {
      const job = await get(`/jobs/${id}`);
      if (left()) return null;
      if (!["queued", "running"].includes(job.state)) return job;
      told(job);
    } catch (error) {
      if (error.status !== 0) throw error; // else the server is away for a moment
    }
    await new Promise((later) => setTimeout(later, LOOK));
    if (left()) return null;
  }
}

/** Hear of every change of a job; returns a function that stops it. */
export function jobEvents(heard) {
  const source = new EventSource(address("/jobs/events"));
  source.addEventListener("job", (event) => heard(JSON.parse(event.data)));
  return () => source.close();
}
