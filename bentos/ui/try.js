// Try it: one input, or many.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Answer, Verdict } from "./answer.js";
import { Many } from "./many.js";
import { count, milliseconds } from "./numbers.js";
import { predict } from "./service.js";
import { cutAt, Visible } from "./text.js";
import { Why } from "./why.js";

export function Try({ service }) {
  const [isMany, setMany] = useState(false);
  const mode = (many, title) =>
    html`<button aria-pressed=${isMany === many} onClick=${() => setMany(many)}>${title}</button>`;
  const what = service.pipeline_tag === "image-classification" ? "picture" : service.inputs.length > 1 ? "pair" : "text";
  return html`
    <h1 class="title">What does the model say of a ${what}?</h1>
    <div class="modes" role="group" aria-label="How many">${mode(false, `One ${what}`)} ${mode(true, "Many")}</div>
    <div hidden=${isMany}>
      ${what === "picture" ? html`<${OnePicture} service=${service} />` : html`<${OneText} service=${service} />`}
    </div>
    <div hidden=${!isMany}><${Many} service=${service} what=${what} /></div>
  `;
}

/** Asks for an answer and keeps what is known of it: [state, run]. */
function useAnswer() {
  const [state, setState] = useState({});
  const run = async (input, given) => {
    setState({ busy: true });
    try {
      const { value, headers, ms } = await predict(input, "try");
      const read = headers.get("X-Truncated-At")?.split(",").map(Number);
      const item = { requestId: headers.get("X-Request-ID"), index: 0, answer: value };
      setState({ given, item, ms, tag: headers.get("X-Model-Tag"), read, isCut: headers.has("X-Truncated") });
    } catch (error) {
      setState({ error: error.message });
    }
  };
  return [state, run, () => setState({})];
}

function OneText({ service }) {
  const [texts, setTexts] = useState(service.inputs.map(() => ""));
  const [state, run, forget] = useAnswer();
  const isEmpty = texts.some((text) => !text.trim());
  const ask = () => !isEmpty && run(texts.length === 1 ? texts[0] : { text: texts[0], text_pair: texts[1] }, texts);
  const change = (i, text) => setTexts(texts.map((old, k) => (k === i ? text : old)));
  return html`
    <form onSubmit=${(event) => (event.preventDefault(), ask())}>
      ${texts.map(
        (text, i) => html`<label class="field">${titleOf(service.inputs[i])}
          <textarea rows=${texts.length > 1 ? 3 : 5} dir="auto" value=${text} onInput=${(event) => change(i, event.target.value)}
            onKeyDown=${(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && ask()}></textarea></label>`,
      )}
      <p class="actions">
        <button class="main" disabled=${isEmpty || state.busy}>${state.busy ? "Asking…" : "Ask the model"}</button>
        <button type="button" onClick=${() => (setTexts(service.examples.slice(0, texts.length)), forget())}>An example</button>
        <span class="soft keys">Ctrl + Enter asks, too.</span>
      </p>
    </form>
    <${Found} state=${state} service=${service}>
      ${state.isCut && html`<${Cut} texts=${state.given} read=${state.read} />`}
      ${state.item && html`<${Why} key=${state.item.requestId} texts=${state.given} answer=${state.item.answer} service=${service} />`}
    <//>
  `;
}

function titleOf(column) {
  return (column[0].toUpperCase() + column.slice(1)).replaceAll("_", " ");
}

function OnePicture({ service }) {
  const [state, run] = useAnswer();
  const [source, setSource] = useState(null);
  const take = async (file) => {
    const url = await dataUrl(file);
    setSource(url);
    run(url);
  };
  useEffect(() => {
    const pasted = ({ clipboardData: { files } }) => files.length && take(files[0]);
    addEventListener("paste", pasted);
    return () => removeEventListener("paste", pasted);
  }, []);
  return html`
    <${Drop} accept="image/*" take=${([file]) => take(file)}>Drop a picture here, paste one, or <u>choose a file</u>.<//>
    ${source && html`<img class="given" src=${source} alt="The picture given" />`}
    <${Found} state=${state} service=${service} />
  `;
}

/** A place to drop files on, or to choose them by. */
export function Drop({ accept, multiple = false, take, children }) {
  const input = useRef();
  const [isOver, setOver] = useState(false);
  const given = (files) => files.length && take([...files]);
  const over = (event, is) => (event.preventDefault(), setOver(is));
  return html`<label class=${isOver ? "drop over" : "drop"} onDragOver=${(event) => over(event, true)} onDragLeave=${(event) => over(event, false)}
      onDrop=${(event) => (over(event, false), given(event.dataTransfer.files))}>
    <input ref=${input} type="file" accept=${accept} multiple=${multiple}
      onChange=${() => (given(input.current.files), (input.current.value = ""))} />
    <span>${children}</span>
  </label>`;
}

export function dataUrl(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(new Error(`The file ${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
}

function Found({ state, service, children }) {
  return html`<div aria-live="polite">
    ${state.error && html`<p class="error" role="alert">${state.error}</p>`}
    ${state.item &&
    html`<section class="card" aria-label="Answer">
      <${Answer} answer=${state.item.answer} service=${service} />
      <p class="facts"><span>${milliseconds(state.ms)} there and back</span> <span class="tag">${state.tag}</span></p>
      ${children}
      <${Verdict} key=${state.item.requestId} item=${state.item} service=${service} />
    </section>`}
  </div>`;
}

/** Where each text was cut. */
function Cut({ texts, read }) {
  return texts.map((text, i) => {
    const [kept, rest] = cutAt(text, read[i]);
    if (!rest.trim()) return null;
    const tail = kept.length > 160 ? `…${kept.slice(-160)}` : kept;
    return html`<div class="cut">
      <p>Too long: the model read the first ${count(read[i])} of ${count(Array.from(text).length)} characters, up to here:</p>
      <p class="text" dir="auto"><${Visible} text=${tail} /><span class="scissors" role="img" aria-label="cut here"></span><span class="unread"><${Visible} text=${rest.slice(0, 80)} />${rest.length > 80 && "…"}</span></p>
    </div>`;
  });
}
