// The frame: which view is shown, what the service is, and the key that it may ask for.

import { html, render, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Audit } from "./audit.js";
import { askJson, keepKey, onMissingKey } from "./service.js";
import { Try } from "./try.js";
import { Watch } from "./watch.js";

const VIEWS = { try: ["Try it", Try], audit: ["Audit", Audit], watch: ["Watch", Watch] };

function viewOf(hash) {
  return VIEWS[hash.slice(1)] ? hash.slice(1) : "try";
}

function App() {
  const [view, setView] = useState(viewOf(location.hash));
  const [service, setService] = useState(null);
  const [error, setError] = useState(null);
  const [key, setKey] = useState(null);
  const load = () =>
    askJson("ui/service").then(({ value }) => (setService(value), setError(null)), (failure) => setError(failure.message));
  useEffect(() => {
    onMissingKey((message, path, failed) => new Promise((done) => setKey({ message, path, failed, done })));
    addEventListener("hashchange", () => setView(viewOf(location.hash)));
    load();
  }, []);
  useEffect(() => {
    document.title = `${VIEWS[view][0]} · ${service?.task ?? "Touchstone"}`;
  }, [view, service]);
  return html`
    <header>
      <button class="skip" onClick=${() => document.querySelector("main").focus()}>To the content</button>
      <p class="brand"><img src="ui/icon.svg" alt="" width="24" height="24" /><b>Touchstone</b> <span>${service?.task}</span></p>
      <nav aria-label="Views">
        ${Object.entries(VIEWS).map(
          ([name, [title]]) => html`<a href=${`#${name}`} aria-current=${name === view ? "page" : null}>${title}</a>`,
        )}
      </nav>
    </header>
    <main tabindex="-1">
      ${error && html`<div class="error" role="alert"><p>${error}</p><button onClick=${load}>Try again</button></div>`}
      ${service &&
      Object.entries(VIEWS).map(
        ([name, [, View]]) =>
          html`<div hidden=${name !== view}><${View} service=${service} active=${name === view} /></div>`,
      )}
    </main>
    ${key && html`<${KeyDialog} ...${key} close=${() => setKey(null)} />`}
  `;
}

/** Asks for an API key; it stays in this tab. */
function KeyDialog({ message, path, failed, done, close }) {
  const dialog = useRef();
  const end = (given) => {
    close();
    done(given);
  };
  useEffect(() => dialog.current.showModal(), []);
  const submit = (event) => {
    event.preventDefault();
    const key = new FormData(event.target).get("key").trim();
    if (!/^[!-~]+$/.test(key)) return;
    keepKey(key, path, failed);
    end(true);
  };
  const what = { feedback: "to take labels", metrics: "to show its figures" }[path] ?? "";
  return html`<dialog ref=${dialog} aria-labelledby="key-title" onCancel=${() => end(false)}>
    <form onSubmit=${submit}>
      <h2 id="key-title">The service asks for an API key ${failed ? what : ""}</h2>
      <p>${failed ? message : "Whoever runs it has given you one. It is kept in this tab only, until you close it."}</p>
      <label>API key <input name="key" type="password" autocomplete="off" required autofocus /></label>
      <p class="actions">
        <button class="main">Use this key</button>
        <button type="button" onClick=${() => end(false)}>Not now</button>
      </p>
    </form>
  </dialog>`;
}

const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
