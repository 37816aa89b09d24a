// Asks the service; every failure becomes an Error whose message is a sentence.

const BASE = new URL("..", import.meta.url); // a proxy may have put the service below a path of its own
const GONE = "The service does not answer. Is it running, and can this computer reach it?";
const STATUS = { 404: "The service has no such route; it may be an older version.", 502: GONE, 503: GONE, 504: GONE };

const PART = 64; // inputs of a list at once, so that it is seen to go on
const PART_CHARACTERS = 2_000_000; // and what they may be together: pictures are large

let askForKey = async () => false;
let asking = null; // several requests may miss the same key

/** Who asks a person for a key: gets the sentence to show, gives whether there is a new one. */
export function onMissingKey(ask) {
  askForKey = ask;
}

export class ServiceError extends Error {
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter; // seconds, where the service said so
  }
}

export function urlOf(path) {
  return new URL(path, BASE);
}

/** GET, or POST where there is a body. Asks for a key when one is missing, unless `quiet`. */
export async function ask(path, body, { quiet = false } = {}) {
  for (;;) {
    const key = keyFor(path);
    const started = performance.now();
    const response = await send(path, body, key);
    if (response.ok) return { response, ms: performance.now() - started };
    const message = await sentence(response);
    if (response.status === 401 && !quiet) {
      asking ??= askForKey(message, path, key).finally(() => (asking = null));
      if (await asking) continue;
    }
    throw new ServiceError(message, response.status, Number(response.headers.get("Retry-After")) || undefined);
  }
}

export async function askJson(path, body, options) {
  const { response, ms } = await ask(path, body, options);
  return { value: await response.json(), headers: response.headers, ms };
}

/** The answers to one input or a list of them. `page` tells in the request log where they came from. */
export async function predict(inputs, page) {
  return askJson("predict", { inputs, parameters: { tags: { page } } });
}

/** The same for many inputs, in parts that the service takes, behind other requests; waits while it is full. */
export async function predictMany(inputs, page, maxItems, told, isOver = () => false) {
  let part;
  for (let start = 0; start < inputs.length && !isOver(); start += part.length) {
    part = inputs.slice(start, start + Math.min(maxItems, PART));
    while (part.length > 1 && part.reduce((sum, one) => sum + one.length, 0) > PART_CHARACTERS) part.pop();
    for (let tries = 0; !isOver(); tries += 1) {
      try {
        told(start, part, await predict(part, page));
        break;
      } catch (error) {
        if (!error.retryAfter || tries >= 20) throw error;
        await new Promise((done) => setTimeout(done, 1000 * error.retryAfter));
      }
    }
  }
}

export async function feedback(requestId, index, label, source) {
  await ask("feedback", { request_id: requestId, index, label, source });
}

// Keys stay in this tab and leave with it.
const OWN_KEYS = ["feedback", "metrics"]; // routes that may have keys of their own

function nameOf(path) {
  return `touchstone key ${path}`;
}

function keyFor(path) {
  return sessionStorage.getItem(nameOf(path)) ?? sessionStorage.getItem("touchstone key");
}

/** Remember a key: for everything, or for a route alone whose keys are others. */
export function keepKey(key, path, failed) {
  sessionStorage.setItem(failed && OWN_KEYS.includes(path) ? nameOf(path) : "touchstone key", key);
}

export function hasKey() {
  return sessionStorage.getItem("touchstone key") !== null;
}

async function send(path, body, key) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const options = { headers, cache: "no-store", referrerPolicy: "no-referrer" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  }
  try {
    return await fetch(urlOf(path), options);
  } catch {
    throw new ServiceError(GONE, 0);
  }
}

async function sentence(response) {
  try {
    return (await response.json()).error || STATUS[response.status];
  } catch {
    return STATUS[response.status] ?? `The service answered with status ${response.status}.`;
  }
}
