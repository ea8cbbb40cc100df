// The server's API. The token comes with the address that the server printed, and is kept for this address alone.

const KEY = "sae4j-token";

const takeToken = () => {
  const match = /[#&]token=([0-9a-f]+)/.exec(location.hash);
  if (match) {
    localStorage.setItem(KEY, match[1]);
    history.replaceState(null, "", location.pathname + "#/text");
  }
  return localStorage.getItem(KEY) ?? "";
};

const token = takeToken();

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const send = async (path, options = {}) => {
  let response;
  try {
    response = await fetch("/api/v1/" + path, {
      ...options,
      headers: {"X-Sae-Token": token, ...(options.body === undefined ? {} : {"Content-Type": "application/json"})},
    });
  } catch (e) {
    if (e.name === "AbortError") {
      throw e;
    }
    throw new ApiError(0, "The server does not answer. Start it again, and open the address that it prints.");
  }
  if (!response.ok) {
    const text = await response.text();
    let message = text;
    try {
      message = JSON.parse(text).error;
    } catch {
      // The message is what came.
    }
    throw new ApiError(response.status, message);
  }
  return response;
};

const query = (parameters) => {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? "?" + new URLSearchParams(given) : "";
};

export const get = async (path, parameters = {}, signal) => (await send(path + query(parameters), {signal})).json();

export const post = async (path, body, signal) => (await send(path, {method: "POST", body: JSON.stringify(body), signal})).json();

export const put = async (path, body) => (await send(path, {method: "PUT", body: JSON.stringify(body)})).json();

export const postText = async (path, body) => (await send(path, {method: "POST", body})).json();

/** Takes events as they come, one JSON object a line. */
export const stream = async (path, body, each, signal) => {
  const response = await send(path, {method: "POST", body: JSON.stringify(body), signal});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {value, done} = await reader.read();
    rest += value ?? "";
    const lines = rest.split("\n");
    rest = lines.pop();
    lines.filter((line) => line).forEach((line) => each(JSON.parse(line)));
    if (done) {
      return;
    }
  }
};

export const save = (name, blob) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

export const download = async (path, parameters, name) => save(name, await (await send(path + query(parameters))).blob());
